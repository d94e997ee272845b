import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { connect } from "@nats-io/transport-node";
import { startBroker } from "../../../coordinator/broker/server.ts";
import type { Broker, BrokerOptions } from "../../../coordinator/broker/server.ts";
import { LoadError } from "../../../shared/errors.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import { NS_PER_MS } from "../../../shared/units.ts";
import { rawClient, rawMember } from "../../support/raw-client.ts";

const token = "open-sesame";

async function withBroker(
  options: Partial<BrokerOptions>,
  use: (broker: Broker & { readonly token: string }) => Promise<void>,
): Promise<void> {
  const broker = await startBroker({ token, clock: new SystemClock(), ...options });
  try {
    await use(Object.assign(broker, { token }));
  } finally {
    await broker.close();
  }
}

const hasCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof LoadError && error.code === code;

describe("malformed lines on a real socket", () => {
  const lines: [string, string, string][] = [
    ["HTTP", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "Unknown Protocol Operation"],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", "Unknown Protocol Operation"],
    ["a size that is none", "PUB a x\r\n", "Unknown Protocol Operation"],
    ["a payload longer than announced", "PUB a 1\r\nabc\r\n", "Unknown Protocol Operation"],
    ["a line without end", "SUB ".padEnd(100_000, "a"), "Maximum Control Line Exceeded"],
    ["a payload beyond the limit", "PUB a 999999999\r\n", "Maximum Payload Violation"],
    ["an impossible subject", "SUB a..b 1\r\n", "Invalid Subject"],
  ];

  test("each ends its own connection with a reason, is counted, and no other client notices", async () => {
    await withBroker({}, async (broker) => {
      const bystander = await connect({ servers: broker.url, token });
      for (const [what, line, reason] of lines) {
        const peer = await rawMember(broker);
        peer.say(line);
        const heard = await peer.untilClosed();
        assert.ok(heard.endsWith(`-ERR '${reason}'\r\n`), `${what}: ${heard.slice(-80)}`);
      }
      await bystander.flush();
      assert.equal(broker.stats.malformed, lines.length);
      assert.equal(broker.stats.connections, 1);
      await bystander.close();
    });
  });

  test("the reason arrives although the client goes on sending", async () => {
    await withBroker({}, async (broker) => {
      const peer = await rawMember(broker);
      peer.say(`PUB a 999999999\r\n${"x".repeat(4_000_000)}`);

      assert.match(await peer.untilClosed(), /-ERR 'Maximum Payload Violation'\r\n$/);
    });
  });

  test("a message that comes in small pieces is one message", async () => {
    await withBroker({}, async (broker) => {
      const [peer, reader] = [await rawMember(broker), await rawMember(broker)];
      reader.say("SUB a 1\r\nPING\r\n");
      await reader.until(/PONG\r\n.*PONG\r\n/s);
      for (const letter of "PUB a 5\r\nhello\r\n") {
        peer.say(letter);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await reader.until(/MSG a 1 5\r\nhello\r\n$/);
      await Promise.all([peer.close(), reader.close()]);
    });
  });
});

test("who says nothing is turned away in time", async () => {
  await withBroker({ limits: { authTimeoutNs: 40 * NS_PER_MS } }, async (broker) => {
    const silent = await rawClient(broker.port);

    assert.match(await silent.untilClosed(), /-ERR 'Authentication Timeout'\r\n$/);
    assert.equal(broker.stats.refused, 1);
  });
});

test("a peer that stopped answering is found dead", async () => {
  const limits = { pingIntervalNs: 20 * NS_PER_MS, pingsUnansweredMax: 1 };
  await withBroker({ limits }, async (broker) => {
    const dead = await rawMember(broker);

    assert.match(await dead.untilClosed(), /PING\r\n/);
    assert.equal(broker.stats.staleConnections, 1);
  });
});

test("one connection too many is turned away, and may come when another has gone", async () => {
  await withBroker({ limits: { connectionsMax: 1 } }, async (broker) => {
    const first = await rawMember(broker);
    const second = await rawClient(broker.port);
    assert.equal(await second.untilClosed(), "-ERR 'maximum connections exceeded'\r\n");
    await assert.rejects(connect({ servers: broker.url, token, reconnect: false }));

    first.say("garbage\r\n");
    await first.untilClosed();
    await (await rawMember(broker)).close();
  });
});

test("closing ends every connection and frees the port", async () => {
  const clock = new SystemClock();
  const broker = await startBroker({ token, clock });
  const peers = [await rawClient(broker.port), await rawMember({ port: broker.port, token })];

  await broker.close();

  await Promise.all(peers.map((peer) => peer.untilClosed()));
  const again = await startBroker({ token, clock, port: broker.port });
  assert.equal(again.port, broker.port);
  await again.close();
});

test("an address that others could reach is refused", async () => {
  const clock = new SystemClock();
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.org"]) {
    await assert.rejects(startBroker({ token, clock, host }), hasCode("LL_BROKER_NOT_LOOPBACK"));
  }
});

test("a port that is taken is an error that says so", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const { port } = taken.address() as { port: number };

  await assert.rejects(
    startBroker({ token, clock: new SystemClock(), port }),
    hasCode("LL_BROKER_PORT"),
  );
  taken.close();
});
