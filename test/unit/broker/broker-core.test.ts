import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import { TEST_TOKEN, virtualBroker } from "../../support/broker-peer.ts";

describe("a message", () => {
  test("reaches every subscription it matches, byte for byte", () => {
    const broker = virtualBroker();
    const [here, there] = [broker.enter(), broker.enter()];
    here.say("SUB a.* 1\r\nSUB a.> 2\r\nSUB b 3\r\n");

    there.say("PUB a.b 4\r\n\x00\r\n\xff\r\n");

    assert.equal(here.heard(), "MSG a.b 2 4\r\n\x00\r\n\xff\r\nMSG a.b 1 4\r\n\x00\r\n\xff\r\n");
    assert.equal(there.heard(), "");
  });

  test("carries its reply subject and its headers", () => {
    const broker = virtualBroker();
    const [here, there] = [broker.enter(), broker.enter()];
    here.say("SUB a 1\r\n");

    there.say("HPUB a back 12 15\r\nNATS/1.0\r\n\r\nabc\r\n");

    assert.equal(here.heard(), "HMSG a 1 back 12 15\r\nNATS/1.0\r\n\r\nabc\r\n");
  });

  test("loses its headers on the way to a client that does not know them", () => {
    const broker = virtualBroker();
    const old = broker.enter({ headers: false });
    old.say("SUB a 1\r\n");

    broker.enter().say("HPUB a 12 15\r\nNATS/1.0\r\n\r\nabc\r\n");

    assert.equal(old.heard(), "MSG a 1 3\r\nabc\r\n");
  });

  test("comes back to its sender, unless it asked for no echo", () => {
    const broker = virtualBroker();
    const [loud, quiet] = [broker.enter(), broker.enter({ echo: false })];
    loud.say("SUB a 1\r\nPUB a 1\r\nx\r\n");
    quiet.say("SUB b 1\r\nPUB b 1\r\nx\r\n");

    assert.equal(loud.heard(), "MSG a 1 1\r\nx\r\n");
    assert.equal(quiet.heard(), "");
  });

  test("is acknowledged to a verbose client, which is what a client is that says nothing of it", () => {
    const peer = virtualBroker().connect();
    peer.heard();

    peer.say(
      `CONNECT {"auth_token":"${TEST_TOKEN}"}\r\nSUB a 1\r\nPUB b 0\r\n\r\nUNSUB 1\r\nPING\r\n`,
    );

    assert.equal(peer.heard(), "+OK\r\n+OK\r\n+OK\r\n+OK\r\nPONG\r\n");
  });
});

describe("a queue group", () => {
  test("gets each message once, spread over its members, whichever pattern each listens by", () => {
    const broker = virtualBroker();
    const members = [broker.enter(), broker.enter(), broker.enter()];
    members.forEach((member, i) => {
      member.say(`SUB ${i === 0 ? "jobs.>" : "jobs.*"} workers 1\r\n`);
    });
    const sender = broker.enter();

    for (let i = 0; i < 300; i++) sender.say("PUB jobs.x 0\r\n\r\n");

    const counts = members.map((member) => member.heard().split("MSG").length - 1);
    assert.equal(
      counts.reduce((sum, count) => sum + count, 0),
      300,
    );
    for (const count of counts) assert.ok(count > 60, `one member got ${count} of 300`);
  });

  test("does not choose a member that may not get it", () => {
    const broker = virtualBroker();
    const [quiet, other] = [broker.enter({ echo: false }), broker.enter()];
    quiet.say("SUB jobs workers 1\r\n");
    other.say("SUB jobs workers 1\r\n");

    for (let i = 0; i < 20; i++) quiet.say("PUB jobs 0\r\n\r\n");

    assert.equal(other.heard().split("MSG").length - 1, 20);
  });
});

describe("a request that nobody listens to", () => {
  test("is answered by a 503 at once", () => {
    const peer = virtualBroker().enter({ echo: false });
    peer.say("SUB _INBOX.me.* 9\r\n");

    peer.say("PUB nobody _INBOX.me.1 2\r\nhi\r\n");

    assert.equal(peer.heard(), "HMSG _INBOX.me.1 9 16 16\r\nNATS/1.0 503\r\n\r\n\r\n");
  });

  test("is not answered to a client that did not ask for that", () => {
    const peer = virtualBroker().enter({ no_responders: false });
    peer.say("SUB _INBOX.me.* 9\r\nPUB nobody _INBOX.me.1 2\r\nhi\r\n");

    assert.equal(peer.heard(), "");
  });
});

describe("a subscription", () => {
  test("ends after as many messages as were asked for", () => {
    const broker = virtualBroker();
    const peer = broker.enter();
    peer.say("SUB a 1\r\nUNSUB 1 2\r\n");

    broker.enter().say("PUB a 0\r\n\r\n".repeat(5));

    assert.equal(peer.heard(), "MSG a 1 0\r\n\r\n".repeat(2));
    assert.equal(broker.core.stats.subscriptions, 0);
  });

  test("ends at once when it already got as many", () => {
    const broker = virtualBroker();
    const peer = broker.enter();
    peer.say("SUB a 1\r\nPUB a 0\r\n\r\nPUB a 0\r\n\r\nUNSUB 1 2\r\nPUB a 0\r\n\r\n");

    assert.equal(peer.heard(), "MSG a 1 0\r\n\r\n".repeat(2));
  });

  test("said twice, as after a reconnect, delivers once", () => {
    const broker = virtualBroker();
    const peer = broker.enter();
    peer.say("SUB a 1\r\nSUB a 1\r\nPUB a 0\r\n\r\n");

    assert.equal(peer.heard(), "MSG a 1 0\r\n\r\n");
  });

  test("beyond the limit is refused, and the client stays", () => {
    const broker = virtualBroker({ subscriptionsMax: 2 });
    const peer = broker.enter();
    peer.say("SUB a 1\r\nSUB b 2\r\nSUB c 3\r\nPING\r\n");

    assert.equal(peer.heard(), "-ERR 'maximum subscriptions exceeded'\r\nPONG\r\n");
    assert.equal(broker.core.stats.subscriptionsRefused, 1);
  });

  test("goes with its client", () => {
    const broker = virtualBroker();
    const peer = broker.enter();
    peer.say("SUB a 1\r\nSUB b.> q 2\r\n");
    assert.equal(broker.core.stats.subscriptions, 2);

    peer.hangUp();

    assert.deepEqual([broker.core.stats.subscriptions, broker.core.stats.connections], [0, 0]);
  });
});

describe("who may come in", () => {
  const wrong: [string, string][] = [
    ["a wrong token", 'CONNECT {"auth_token":"open"}\r\n'],
    ["no token", "CONNECT {}\r\n"],
    ["a longer token that begins right", `CONNECT {"auth_token":"${TEST_TOKEN}${TEST_TOKEN}"}\r\n`],
    ["an empty token", 'CONNECT {"auth_token":""}\r\n'],
    ["a token that is no text", 'CONNECT {"auth_token":{"length":6}}\r\n'],
    ["anything before CONNECT", "SUB > 1\r\n"],
    ["a ping before CONNECT", "PING\r\n"],
  ];
  for (const [what, line] of wrong) {
    test(`not with ${what}`, () => {
      const broker = virtualBroker();
      const peer = broker.connect();
      peer.heard();

      peer.say(line);

      assert.equal(peer.heard(), "-ERR 'Authorization Violation'\r\n");
      assert.equal(peer.closedBecause(), "Authorization Violation");
      assert.equal(broker.core.stats.refused, 1);
    });
  }

  test("not who says nothing in time", () => {
    const broker = virtualBroker({ authTimeoutNs: 2 * NS_PER_SECOND });
    const [silent, known] = [broker.connect(), broker.enter()];

    broker.tickAt(2 * NS_PER_SECOND - 1);
    assert.equal(silent.closedBecause(), undefined);
    broker.tickAt(2 * NS_PER_SECOND);

    assert.equal(silent.closedBecause(), "Authentication Timeout");
    assert.equal(known.closedBecause(), undefined);
  });

  test("not one more than the limit, until one has gone", () => {
    const broker = virtualBroker({ connectionsMax: 2 });
    const [first] = [broker.enter(), broker.enter()];

    const late = broker.connect();
    assert.equal(late.heard(), "-ERR 'maximum connections exceeded'\r\n");
    assert.equal(late.closedBecause(), "maximum connections exceeded");

    first.hangUp();
    assert.match(broker.connect().heard(), /^INFO /);
  });
});

describe("malformed input closes the one who sent it, is counted, and disturbs nobody", () => {
  const unknown = "Unknown Protocol Operation";
  const lines: [string, string][] = [
    ["GET / HTTP/1.1\r\n", unknown],
    ["\r\n", unknown],
    ["PUB\r\n", unknown],
    ["PUB a\r\n", unknown],
    ["PUB a b c 1\r\n", unknown],
    ["PUB a -1\r\n", unknown],
    ["PUB a 1e3\r\n", unknown],
    ["PUB a 99999999999\r\n", unknown],
    ["PUB a 3\r\nabcd\r\n", unknown],
    ["HPUB a 3\r\n", unknown],
    ["HPUB a 9 3\r\n", unknown],
    ["SUB a\r\n", unknown],
    ["SUB a b c d\r\n", unknown],
    ["UNSUB\r\n", unknown],
    ["UNSUB 1 x\r\n", unknown],
    ["MSG a 1 0\r\n\r\n", unknown],
    ["HMSG a 1 0 0\r\n\r\n", unknown],
    ["INFO {}\r\n", unknown],
    ["+OK\r\n", unknown],
    ["-ERR 'x'\r\n", unknown],
    ["\x00\x01\x02\xff\r\n", unknown],
    [`SUB ${"a".repeat(5_000)} 1\r\n`, "Maximum Control Line Exceeded"],
    ["x".repeat(5_000), "Maximum Control Line Exceeded"],
    ["PUB a 1048577\r\n", "Maximum Payload Violation"],
    ["CONNECT nonsense\r\n", "Invalid Client Protocol"],
    ["CONNECT []\r\n", "Invalid Client Protocol"],
    ["CONNECT null\r\n", "Invalid Client Protocol"],
    ["SUB a..b 1\r\n", "Invalid Subject"],
    ["SUB .a 1\r\n", "Invalid Subject"],
    ["SUB a.>.b 1\r\n", "Invalid Subject"],
    ["SUB a\x01b 1\r\n", "Invalid Subject"],
    ["PUB a.* 0\r\n\r\n", "Invalid Publish Subject"],
    ["PUB > 0\r\n\r\n", "Invalid Publish Subject"],
    ["PUB a. 0\r\n\r\n", "Invalid Publish Subject"],
    ["PUB a b. 0\r\n\r\n", "Invalid Publish Subject"],
  ];
  for (const [line, reason] of lines) {
    test(JSON.stringify(line.slice(0, 40)), () => {
      const broker = virtualBroker();
      const [bad, good] = [broker.enter(), broker.enter()];
      bad.say("SUB a 1\r\n");

      bad.say(`${line}PUB a 0\r\n\r\nPING\r\n`);

      assert.equal(bad.heard(), `-ERR '${reason}'\r\n`);
      assert.equal(bad.closedBecause(), reason);
      const { malformed, connections, subscriptions } = broker.core.stats;
      assert.deepEqual([malformed, connections, subscriptions], [1, 1, 0]);
      good.say("SUB b 1\r\nPUB b 0\r\n\r\n");
      assert.equal(good.heard(), "MSG b 1 0\r\n\r\n");
    });
  }
});

describe("a client that does not read", () => {
  test("is disconnected when too much waits for it, and the others get everything", () => {
    const broker = virtualBroker({ pendingBytesMax: 1_000 });
    const [slow, quick, sender] = [broker.enter(), broker.enter(), broker.enter()];
    for (const peer of [slow, quick]) peer.say("SUB a 1\r\n");
    quick.readAll();

    for (let i = 0; i < 10; i++) {
      sender.say(`PUB a 150\r\n${"x".repeat(150)}\r\n`);
      quick.readAll();
    }

    assert.equal(slow.closedBecause(), "Slow Consumer");
    assert.equal(quick.closedBecause(), undefined);
    assert.equal(quick.heard().split("MSG").length - 1, 10);
    assert.equal(broker.core.stats.slowConsumers, 1);
  });

  test("may lag as much as it likes below the limit", () => {
    const broker = virtualBroker({ pendingBytesMax: 1_000 });
    const [slow, sender] = [broker.enter(), broker.enter()];
    slow.say("SUB a 1\r\n");

    for (let i = 0; i < 100; i++) {
      sender.say(`PUB a 150\r\n${"x".repeat(150)}\r\n`);
      if (i % 3 === 2) slow.readAll();
    }

    assert.equal(slow.closedBecause(), undefined);
  });
});

describe("a client that falls silent", () => {
  const limits = { pingIntervalNs: 10 * NS_PER_SECOND, pingsUnansweredMax: 2 };

  test("is pinged, and disconnected after two unanswered pings", () => {
    const broker = virtualBroker(limits);
    const peer = broker.enter();

    broker.tickAt(9 * NS_PER_SECOND);
    assert.equal(peer.heard(), "");
    for (const second of [10, 15, 20, 25]) broker.tickAt(second * NS_PER_SECOND);
    assert.equal(peer.heard(), "PING\r\nPING\r\n");
    assert.equal(peer.closedBecause(), undefined);
    broker.tickAt(30 * NS_PER_SECOND);

    assert.equal(peer.closedBecause(), "Stale Connection");
    assert.equal(broker.core.stats.staleConnections, 1);
  });

  test("lives as long as it answers", () => {
    const broker = virtualBroker(limits);
    const peer = broker.enter();

    for (let second = 1; second < 200; second++) {
      broker.tickAt(second * NS_PER_SECOND);
      if (peer.heard().includes("PING")) peer.say("PONG\r\n");
    }

    assert.equal(peer.closedBecause(), undefined);
  });
});
