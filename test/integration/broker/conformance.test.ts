import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { connect, createInbox, headers, Match } from "@nats-io/transport-node";
import type {
  ConnectionOptions,
  Msg,
  NatsConnection,
  Status,
  Subscription,
} from "@nats-io/transport-node";
import { LoadError } from "../../../shared/errors.ts";
import { connectNats } from "../../../shared/platform/nats.ts";
import { serverKinds } from "../../support/nats-server.ts";
import type { ServerKind, TestServer } from "../../support/nats-server.ts";
import { rawClient, rawMember } from "../../support/raw-client.ts";
import type { RawClient } from "../../support/raw-client.ts";

/* One suite, both servers, the unmodified client: what holds here may be relied on with either. */

const MAX_PAYLOAD_BYTES = 1_048_576;

const text = (message: Msg): string => message.string();

/** The next `count` messages. */
async function take(subscription: Subscription, count: number): Promise<Msg[]> {
  const messages: Msg[] = [];
  for await (const message of subscription) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

async function untilStatus(connection: NatsConnection, type: Status["type"]): Promise<void> {
  for await (const status of connection.status()) if (status.type === type) return;
}

function conformance(kind: ServerKind): void {
  let server: TestServer;
  const connections: NatsConnection[] = [];
  const raws: RawClient[] = [];

  before(async () => {
    server = await kind.start();
  });
  after(async () => {
    await server.close();
  });
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
    await Promise.all(raws.splice(0).map((raw) => raw.close()));
  });

  async function client(options: ConnectionOptions = {}, to = server): Promise<NatsConnection> {
    const connection = await connect({ servers: to.url, token: to.token, ...options });
    connections.push(connection);
    return connection;
  }
  async function member(clientId: string, to = server): Promise<NatsConnection> {
    const connection = await connectNats({
      servers: [to.url],
      clientId,
      token: to.token,
      reconnectWaitMs: 10,
      reconnectJitterMs: 20,
    });
    connections.push(connection);
    return connection;
  }
  async function raw(
    options: Readonly<Record<string, unknown>> = {},
    to = server,
  ): Promise<RawClient> {
    const peer = await rawMember(to, options);
    raws.push(peer);
    return peer;
  }

  test("what is published reaches every subscriber, in order, and nobody else", async () => {
    const [a, b, publisher] = [await client(), await client(), await client()];
    const subscriptions = [a.subscribe("news"), b.subscribe("news"), b.subscribe("olds")];
    await Promise.all([a.flush(), b.flush()]);

    for (let i = 0; i < 100; i++) publisher.publish("news", String(i));
    publisher.publish("olds", "end");

    const expected = Array.from({ length: 100 }, (_, i) => String(i));
    for (const subscription of subscriptions.slice(0, 2)) {
      assert.deepEqual((await take(subscription, 100)).map(text), expected);
    }
    assert.deepEqual((await take(subscriptions[2]!, 1)).map(text), ["end"]);
  });

  test("wildcards: * is one word, > is one or more", async () => {
    const [subscriber, publisher] = [await client(), await client()];
    const patterns = ["a.*", "a.>", "*.b", "a.b.c", ">", "*.*.c"];
    const got = new Map<string, string[]>(patterns.map((pattern) => [pattern, []]));
    for (const pattern of patterns) {
      subscriber.subscribe(pattern, {
        callback: (_, message) => {
          got.get(pattern)!.push(message.subject);
        },
      });
    }
    const end = subscriber.subscribe("end");
    await subscriber.flush();

    for (const subject of ["a", "a.b", "a.b.c", "x.b"]) publisher.publish(subject);
    publisher.publish("end");
    await take(end, 1);

    assert.deepEqual(Object.fromEntries(got), {
      "a.*": ["a.b"],
      "a.>": ["a.b", "a.b.c"],
      "*.b": ["a.b", "x.b"],
      "a.b.c": ["a.b.c"],
      ">": ["a", "a.b", "a.b.c", "x.b", "end"],
      "*.*.c": ["a.b.c"],
    });
  });

  test("a queue group gets each message once, spread over its members", async () => {
    const members = [await client(), await client(), await client()];
    const counts = [0, 0, 0];
    const all = new Promise<void>((resolve) => {
      members.forEach((connection, i) => {
        connection.subscribe("jobs", {
          queue: "workers",
          callback: () => {
            counts[i]!++;
            if (counts[0]! + counts[1]! + counts[2]! === 300) resolve();
          },
        });
      });
    });
    await Promise.all(members.map((connection) => connection.flush()));
    const publisher = await client();

    for (let i = 0; i < 300; i++) publisher.publish("jobs");
    await all;
    await Promise.all(members.map((connection) => connection.flush()));

    assert.equal(counts[0]! + counts[1]! + counts[2]!, 300);
    for (const count of counts) assert.ok(count > 40, `one member got ${count} of 300`);
  });

  test("a request is answered, and many at once each by their own answer", async () => {
    const [responder, asker] = [await client(), await client()];
    responder.subscribe("double", {
      callback: (_, message) => {
        message.respond(String(2 * Number(message.string())));
      },
    });
    await responder.flush();

    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, i) => asker.request("double", String(i))),
    );

    assert.deepEqual(
      answers.map(text),
      Array.from({ length: 50 }, (_, i) => String(2 * i)),
    );
  });

  test("a request without a listener fails at once", async () => {
    const asker = await client();

    await assert.rejects(asker.request("nobody", "", { timeout: 60_000 }), /no responders/);
  });

  test("a request that is heard but not answered times out", async () => {
    const [responder, asker] = [await client(), await client()];
    responder.subscribe("mute", { callback: () => undefined });
    await responder.flush();

    await assert.rejects(asker.request("mute", "", { timeout: 50 }), { name: "TimeoutError" });
  });

  test("headers come along, in requests and answers too", async () => {
    const [responder, asker] = [await client(), await client()];
    responder.subscribe("echo", {
      callback: (_, message) => {
        const { data, headers: received } = message;
        message.respond(data, received === undefined ? {} : { headers: received });
      },
    });
    await responder.flush();
    const sent = headers();
    sent.append("Run-Id", "r1");
    sent.append("Run-Id", "r2");

    const answer = await asker.request("echo", "body", { timeout: 5_000, headers: sent });

    assert.equal(answer.string(), "body");
    assert.deepEqual(answer.headers?.values("Run-Id", Match.IgnoreCase), ["r1", "r2"]);
  });

  test("unsubscribe after a maximum counts deliveries from the start", async () => {
    const [subscriber, publisher] = [await client(), await client()];
    const subscription = subscriber.subscribe("few", { max: 3 });
    await subscriber.flush();

    for (let i = 0; i < 5; i++) publisher.publish("few", String(i));

    const seen: string[] = [];
    for await (const message of subscription) seen.push(message.string());
    assert.deepEqual(seen, ["0", "1", "2"]);
  });

  test("the server itself stops at the maximum, and at once for a later one that is passed", async () => {
    const peer = await raw({ echo: true });

    peer.say("SUB few 1\r\nUNSUB 1 2\r\nSUB few 2\r\n");
    peer.say("PUB few 0\r\n\r\n".repeat(3));
    peer.say("UNSUB 2 2\r\nPUB few 0\r\n\r\nSUB end 3\r\nPUB end 0\r\n\r\n");

    const heard = await peer.until(/MSG end 3 0\r\n/);
    assert.equal(heard.match(/MSG few 1 0/g)?.length, 2);
    assert.equal(heard.match(/MSG few 2 0/g)?.length, 3);
  });

  test("a payload of exactly the limit goes through, one more byte is refused", async () => {
    const [subscriber, publisher] = [await client(), await client()];
    assert.equal(publisher.info?.max_payload, MAX_PAYLOAD_BYTES);
    const subscription = subscriber.subscribe("big");
    await subscriber.flush();
    const big = new Uint8Array(MAX_PAYLOAD_BYTES).map((_, i) => i % 251);

    publisher.publish("big", big);
    assert.throws(() => {
      publisher.publish("big", new Uint8Array(MAX_PAYLOAD_BYTES + 1));
    }, /max_payload/);

    const [message] = await take(subscription, 1);
    assert.deepEqual(message!.data, big);
  });

  test("a payload over the limit that is sent all the same ends the sender only", async () => {
    const [peer, bystander] = [await raw(), await client()];

    peer.say(`PUB big ${MAX_PAYLOAD_BYTES + 1}\r\n${"x".repeat(1_000)}`);

    assert.match(await peer.untilClosed(), /-ERR 'Maximum Payload Violation'\r\n$/);
    await bystander.flush();
  });

  test("a wrong token is refused", async () => {
    await assert.rejects(
      connectNats({ servers: [server.url], clientId: "intruder", token: "guess" }),
      (error) => error instanceof LoadError && error.code === "LL_NATS_REFUSED",
    );
    await assert.rejects(connect({ servers: server.url }), { name: "AuthorizationError" });
  });

  test("drain delivers what was sent before and then closes", async () => {
    const [subscriber, publisher] = [await client(), await client()];
    const seen: string[] = [];
    const subscription = subscriber.subscribe("last");
    const reading = (async () => {
      for await (const message of subscription) seen.push(message.string());
    })();
    await subscriber.flush();
    for (let i = 0; i < 100; i++) publisher.publish("last", String(i));
    await publisher.flush();

    await subscriber.drain();
    await reading;

    assert.equal(seen.length, 100);
    assert.ok(subscriber.isClosed());
  });

  test("a client reconnects when its server is back, and its subscriptions live on", async () => {
    const first = await kind.start();
    const [subscriber, publisher] = [await member("one", first), await member("two", first)];
    const subscription = subscriber.subscribe("again.*");
    await subscriber.flush();

    const lost = [subscriber, publisher].map((each) => untilStatus(each, "disconnect"));
    const back = [subscriber, publisher].map((each) => untilStatus(each, "reconnect"));
    await first.close();
    await Promise.all(lost);
    const second = await kind.start({ port: first.port });
    await Promise.all(back);
    await subscriber.flush();
    publisher.publish("again.1", "here");

    assert.deepEqual((await take(subscription, 1)).map(text), ["here"]);
    await Promise.all([subscriber.close(), publisher.close()]);
    await second.close();
  });

  test("a subscriber that does not read is cut off, and the others get everything", async () => {
    const own = await kind.start({ pendingBytesMax: 1_048_576 });
    const [slow, quick, publisher] = [
      await raw({}, own),
      await client({}, own),
      await client({}, own),
    ];
    slow.say("SUB flood 1\r\nPING\r\n");
    await slow.until(/PONG\r\nPONG\r\n/);
    slow.socket.pause();
    const subscription = quick.subscribe("flood");
    await quick.flush();

    // Far more than the sockets of one connection hold.
    const [messages, bytes] = [96, 262_144];
    const arrived = take(subscription, messages);
    for (let i = 0; i < messages; i++) {
      publisher.publish("flood", new Uint8Array(bytes));
      await publisher.flush();
    }
    assert.equal((await arrived).length, messages);

    slow.socket.resume();
    assert.ok((await slow.untilClosed()).length < messages * bytes);
    await Promise.all([quick.close(), publisher.close()]);
    await own.close();
  });

  test("1,000 subscriptions of one client each get their own", async () => {
    const [subscriber, publisher] = [await client(), await client()];
    const seen = new Set<string>();
    const all = new Promise<void>((resolve) => {
      for (let i = 0; i < 1_000; i++) {
        subscriber.subscribe(`many.${i}`, {
          callback: (_, message) => {
            assert.equal(message.subject, `many.${i}`);
            if (seen.add(message.subject).size === 1_000) resolve();
          },
        });
      }
    });
    await subscriber.flush();

    for (let i = 0; i < 1_000; i++) publisher.publish(`many.${i}`);

    await all;
  });

  test("a ping is answered by a pong, after everything said before it", async () => {
    const peer = await raw();

    peer.say("SUB pong.before 1\r\nPUB pong.before 2\r\nhi\r\nPING\r\n");

    assert.match(
      await peer.until(/PONG\r\n.*PONG\r\n$/s),
      /MSG pong.before 1 2\r\nhi\r\nPONG\r\n$/,
    );
    assert.ok((await (await client()).rtt()) >= 0);
  });

  test("with echo off, a client does not hear itself", async () => {
    const [quiet, other] = [await member("quiet"), await client()];
    const subscription = quiet.subscribe("self");
    await quiet.flush();

    quiet.publish("self", "mine");
    await quiet.flush();
    other.publish("self", "theirs");

    assert.deepEqual((await take(subscription, 1)).map(text), ["theirs"]);
  });

  test("each client is answered under its own inbox prefix", async () => {
    const [a, b, responder] = [await member("a"), await member("b"), await client()];
    const replies: string[] = [];
    responder.subscribe("ask", {
      callback: (_, message) => {
        replies.push(message.reply!);
        message.respond(message.data);
      },
    });
    // What b may see of a's replies when it is kept to its own prefix: nothing.
    const overheard: string[] = [];
    b.subscribe("_INBOX.b.>", {
      callback: (_, message) => {
        overheard.push(message.subject);
      },
    });
    await Promise.all([b.flush(), responder.flush()]);

    assert.equal((await a.request("ask", "from a")).string(), "from a");
    assert.equal((await b.request("ask", "from b")).string(), "from b");

    assert.match(replies[0]!, /^_INBOX\.a\./);
    assert.match(replies[1]!, /^_INBOX\.b\./);
    assert.ok(createInbox("_INBOX.a").startsWith("_INBOX.a."));
    assert.deepEqual(overheard, [replies[1]]);
  });

  test("bytes that are no protocol end the connection with a reason", async () => {
    const peer = await raw();

    peer.say("GET / HTTP/1.1\r\n\r\n");

    assert.match(await peer.untilClosed(), /-ERR 'Unknown Protocol Operation'\r\n$/);
  });

  test("nothing but CONNECT is taken from a stranger", async () => {
    const stranger = await rawClient(server.port);
    raws.push(stranger);

    stranger.say("SUB > 1\r\n");

    assert.match(await stranger.untilClosed(), /-ERR 'Authorization Violation'\r\n$/);
  });
}

for (const kind of serverKinds) {
  describe(kind.name, { skip: kind.missing ?? false }, () => {
    conformance(kind);
  });
}
