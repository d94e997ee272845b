import assert from "node:assert/strict";
import { test } from "node:test";
import { NS_PER_MS, NS_PER_SECOND } from "../../../shared/units.ts";
import { answer, DONE, eventually, harness, TEXT } from "../../support/stream-fixtures/harness.ts";
import { SimClock } from "../../support/sim-clock.ts";
import type { OnRawRequest, RawReply } from "../../support/stream-fixtures/raw-server.ts";

/** Long enough for a connection to be used again, short enough to be "at once" for a server. */
const REST_NS = 10 * NS_PER_MS;

test("a connection is kept and used again", async (t) => {
  const clock = new SimClock();
  const { server, send } = await harness(t, answer, { clock });
  for (let request = 0; request < 20; request += 1) {
    assert.equal((await send().stream.ended).outcome, "ok");
    clock.stall(REST_NS);
  }
  assert.equal(server.connectionCount, 1);
});

test("a connection is not used again at once: the server may be about to close it", async (t) => {
  const { server, send } = await harness(t, answer, { clock: new SimClock() });
  await send().stream.ended;
  await send().stream.ended;
  assert.equal(server.connectionCount, 2);
});

test("as many connections as requests, and the same ones again", async (t) => {
  const clock = new SimClock();
  const waiting: RawReply[] = [];
  const { server, endpoint, send } = await harness(
    t,
    (reply) => {
      waiting.push(reply);
    },
    { clock },
  );
  for (let round = 0; round < 2; round += 1) {
    const streams = Array.from({ length: 200 }, () => send().stream);
    await eventually(() => waiting.length === 200);
    assert.equal(endpoint.socketsOpen(), 200);
    for (const reply of waiting.splice(0)) {
      answer(reply);
    }
    const ends = await Promise.all(streams.map((stream) => stream.ended));
    assert.ok(ends.every((end) => end.outcome === "ok"));
    clock.stall(REST_NS);
  }
  assert.equal(server.connectionCount, 200);
});

test("a server that closes after each stream without a word costs no error", async (t) => {
  const { server, send } = await harness(t, (reply) => {
    answer(reply);
    // Closed for both directions: what comes later is answered with a reset.
    reply.socket.destroySoon();
  });
  for (let request = 0; request < 50; request += 1) {
    const end = await send().stream.ended;
    assert.equal(end.outcome, "ok", end.detail);
  }
  assert.equal(server.requests.length, 50);
});

test("what went into a connection closed unheard is sent again, once, on a fresh one", async (t) => {
  // The close comes with the second request of the connection: the race, lost every time.
  const clock = new SimClock();
  const onRequest: OnRawRequest = (reply, request) => {
    if (request.ordinal === 1) {
      answer(reply);
    } else {
      reply.socket.resetAndDestroy();
    }
  };
  const { server, endpoint, send } = await harness(t, onRequest, { clock });
  assert.equal((await send().stream.ended).outcome, "ok");
  clock.stall(REST_NS);
  const { stream } = send();
  const end = await stream.ended;
  assert.equal(end.outcome, "ok", end.detail);
  assert.deepEqual(
    stream.headers.map((head) => head.status),
    [200],
  );
  assert.equal(endpoint.redoneCount(), 1);
  assert.deepEqual(
    server.requests.map(({ connection, ordinal }) => [connection, ordinal]),
    [
      [1, 1],
      [1, 2],
      [2, 1],
    ],
  );
});

test("it is sent again once only", async (t) => {
  const clock = new SimClock();
  let requests = 0;
  const onRequest: OnRawRequest = (reply) => {
    requests += 1;
    if (requests === 1) {
      answer(reply);
    } else {
      reply.socket.resetAndDestroy();
    }
  };
  const { server, send } = await harness(t, onRequest, { clock });
  await send().stream.ended;
  clock.stall(REST_NS);
  assert.equal((await send().stream.ended).outcome, "connect_error");
  assert.equal(server.requests.length, 3);
});

test("a reused connection that is closed after its status line is not sent again", async (t) => {
  const clock = new SimClock();
  const onRequest: OnRawRequest = (reply, request) => {
    if (request.ordinal === 1) {
      answer(reply);
    } else {
      reply.streamHead().socket.end();
    }
  };
  const { server, send } = await harness(t, onRequest, { clock });
  await send().stream.ended;
  clock.stall(REST_NS);
  assert.equal((await send().stream.ended).outcome, "stream_error");
  assert.equal(server.requests.length, 2);
});

test("a server that takes a request, works, and hangs up is an error on any connection", async (t) => {
  const clock = new SimClock();
  let held: RawReply | undefined;
  const onRequest: OnRawRequest = (reply, request) => {
    if (request.ordinal === 1) {
      answer(reply);
    } else {
      held = reply;
    }
  };
  const { server, send } = await harness(t, onRequest, { clock });
  await send().stream.ended;
  clock.stall(REST_NS);
  const { stream } = send();
  await eventually(() => held !== undefined);
  clock.stall(2 * NS_PER_SECOND);
  held?.socket.resetAndDestroy();
  assert.equal((await stream.ended).outcome, "connect_error");
  assert.equal(server.requests.length, 2);
});

test("[DONE] ends a request at once; a response that never ends after it is closed later", async (t) => {
  const clock = new SimClock();
  const { server, send } = await harness(
    t,
    (reply) => {
      reply.streamHead().chunk(TEXT).chunk(DONE);
    },
    { clock },
  );
  const first = send().stream;
  assert.equal((await first.ended).outcome, "ok");
  clock.advanceTo(4 * NS_PER_SECOND);
  await send().stream.ended;
  assert.equal(server.openCount, 2);
  clock.advanceTo(6 * NS_PER_SECOND);
  await send().stream.ended;
  await eventually(() => server.openCount === 2);
  assert.equal(server.connectionCount, 3);
});

test("headers that come with the first token are told before it", async (t) => {
  const { send } = await harness(t, answer);
  const { stream } = send();
  await stream.ended;
  assert.deepEqual(stream.calls.slice(0, 2), ["headers", "bytes"]);
  assert.ok((stream.headers[0]?.atNs ?? Infinity) <= (stream.contents[0]?.atNs ?? 0));
});

test("connections opened ahead send nothing, and the first requests use them", async (t) => {
  const waiting: RawReply[] = [];
  const { server, endpoint, send } = await harness(t, (reply) => {
    waiting.push(reply);
  });
  await endpoint.connect(5);
  await eventually(() => server.openCount === 5);
  assert.equal(endpoint.socketsOpen(), 5);
  await endpoint.connect(5);
  assert.equal(server.connectionCount, 5);
  assert.equal(server.requests.length, 0);

  const streams = Array.from({ length: 6 }, () => send().stream);
  await eventually(() => waiting.length === 6);
  assert.equal(server.connectionCount, 6);
  waiting.forEach(answer);
  const ends = await Promise.all(streams.map((stream) => stream.ended));
  assert.ok(ends.every((end) => end.outcome === "ok"));
});

test("a connection opened ahead that the server has closed costs no error", async (t) => {
  const { server, endpoint, send } = await harness(t, (reply, request) => {
    if (request.connection === 1) {
      reply.socket.resetAndDestroy();
    } else {
      answer(reply);
    }
  });
  await endpoint.connect(1);
  assert.equal((await send().stream.ended).outcome, "ok");
  assert.equal(endpoint.redoneCount(), 1);
  assert.equal(server.connectionCount, 2);
});

test("opening ahead to a port that refuses says nothing; the request does", async (t) => {
  const { server, endpoint, send } = await harness(t, answer);
  await server.close();
  await endpoint.connect(3);
  assert.equal(endpoint.socketsOpen(), 0);
  assert.equal((await send().stream.ended).outcome, "connect_error");
});
