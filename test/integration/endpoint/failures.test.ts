import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import type { Outcome } from "../../../shared/measurement/outcome.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import {
  answer,
  DONE,
  eventually,
  FINISH,
  harness,
  TEXT,
} from "../../support/stream-fixtures/harness.ts";
import { LOOPBACK_CERTIFICATE } from "../../support/stream-fixtures/loopback-certificate.ts";
import type { OnRawRequest } from "../../support/stream-fixtures/raw-server.ts";
import { SimClock } from "../../support/sim-clock.ts";

interface Failure {
  readonly name: string;
  readonly onRequest: OnRawRequest;
  readonly outcome: Outcome;
  readonly status: number;
  readonly detail: RegExp;
  readonly contentEvents?: number;
}

const JSON_TYPE = { "content-type": "application/json" };
const HTML = "<!doctype html>\n<html><body>nginx</body></html>";

const failures: readonly Failure[] = [
  {
    name: "a reset before a status line, on a fresh connection",
    onRequest: (reply) => reply.socket.resetAndDestroy(),
    outcome: "connect_error",
    status: 0,
    detail: /ECONNRESET/,
  },
  {
    name: "a close before a status line, on a fresh connection",
    onRequest: (reply) => reply.socket.end(),
    outcome: "connect_error",
    status: 0,
    detail: /closed/,
  },
  {
    name: "an answer that is not HTTP",
    onRequest: (reply) => reply.socket.write("SSH-2.0-OpenSSH_9.2\r\n"),
    outcome: "connect_error",
    status: 0,
    detail: /does not match the HTTP\/1.1 protocol/,
  },
  {
    name: "429 with a JSON error (llm-d sim)",
    onRequest: (reply) =>
      reply.whole(429, JSON_TYPE, '{"error":{"message":"queue is full","type":"RateLimitError"}}'),
    outcome: "http_error",
    status: 429,
    detail: /^HTTP 429: .*queue is full/,
  },
  {
    name: "422 with a detail (transformers)",
    onRequest: (reply) => reply.whole(422, JSON_TYPE, '{"detail":"Unexpected keys: ignore_eos"}'),
    outcome: "http_error",
    status: 422,
    detail: /^HTTP 422: .*Unexpected keys/,
  },
  {
    name: "500 in plain text",
    onRequest: (reply) =>
      reply.whole(500, { "content-type": "text/plain" }, "Internal\nServer Error"),
    outcome: "http_error",
    status: 500,
    detail: /^HTTP 500: Internal Server Error$/,
  },
  {
    name: "503 without a body",
    onRequest: (reply) => reply.whole(503, {}, ""),
    outcome: "http_error",
    status: 503,
    detail: /^HTTP 503$/,
  },
  {
    name: "an error status whose body is cut",
    onRequest: (reply) => reply.head(502, { "content-length": "100" }).socket.end("bad gate"),
    outcome: "http_error",
    status: 502,
    detail: /^HTTP 502: bad gate$/,
  },
  {
    name: "an error status with a body without an end",
    onRequest: (reply) => {
      reply.head(500, { "transfer-encoding": "chunked" });
      const more = (): void => {
        if (!reply.socket.destroyed) {
          reply.socket.write(`4000\r\n${"x".repeat(0x4000)}\r\n`, more);
        }
      };
      more();
    },
    outcome: "http_error",
    status: 500,
    detail: /^HTTP 500: x{200}…$/,
  },
  {
    name: "a redirect",
    onRequest: (reply, request) =>
      reply.whole(307, { location: `http://${request.headers["host"] ?? ""}/v2` }, ""),
    outcome: "http_error",
    status: 307,
    detail: /^HTTP 307, a redirect to http.*\/v2 \(not followed\)$/,
  },
  {
    name: "HTML at 200",
    onRequest: (reply) => reply.whole(200, { "content-type": "text/html" }, HTML),
    outcome: "stream_error",
    status: 200,
    detail: /^does not stream: content-type text\/html: <!doctype html>/,
  },
  {
    name: "plain JSON at 200",
    onRequest: (reply) => reply.whole(200, JSON_TYPE, '{"choices":[{"message":{"content":"a"}}]}'),
    outcome: "stream_error",
    status: 200,
    detail: /^does not stream: content-type application\/json/,
  },
  {
    name: "a compressed stream that nobody asked for",
    onRequest: (reply) =>
      reply
        .streamHead({ "content-encoding": "gzip" })
        .chunk(gzipSync(TEXT + DONE))
        .lastChunk(),
    outcome: "stream_error",
    status: 200,
    detail: /^does not stream: content-encoding gzip/,
  },
  {
    name: "a stream cut after its first token",
    onRequest: (reply) => {
      reply.streamHead().chunk(TEXT).socket.end();
    },
    outcome: "stream_error",
    status: 200,
    detail: /^the stream was cut: .*closed/,
    contentEvents: 1,
  },
  {
    name: "a stream cut within an event",
    onRequest: (reply) => {
      reply.streamHead().chunk(TEXT).chunk(FINISH.slice(0, -1)).socket.end();
    },
    outcome: "stream_error",
    status: 200,
    detail: /^the stream was cut/,
    contentEvents: 1,
  },
  {
    name: "an event without an end",
    onRequest: (reply) => {
      reply.streamHead().chunk(TEXT).chunk("data: ");
      const more = (): void => {
        if (!reply.socket.destroyed) {
          reply.socket.write(`10000\r\n${"x".repeat(0x10000)}\r\n`, more);
        }
      };
      more();
    },
    outcome: "stream_error",
    status: 200,
    detail: /larger than 1 MiB/,
    contentEvents: 1,
  },
];

for (const { name, onRequest, outcome, status, detail, contentEvents } of failures) {
  test(`${name} is told as ${outcome}, and never sent again`, async (t) => {
    const { server, endpoint, send } = await harness(t, onRequest);
    const { stream } = send();
    const end = await stream.ended;
    assert.equal(end.outcome, outcome, end.detail);
    assert.equal(end.status, status);
    assert.match(end.detail, detail);
    assert.equal(stream.contentEvents, contentEvents ?? 0);
    assert.equal(stream.headers.length, status === 0 ? 0 : 1);
    assert.equal(server.requests.length, 1);
    assert.equal(endpoint.redoneCount(), 0);
  });
}

test("a refused connection is a connect_error", async (t) => {
  const { server, send } = await harness(t, answer);
  await server.close();
  const end = await send().stream.ended;
  assert.equal(end.outcome, "connect_error");
  assert.match(end.detail, /ECONNREFUSED/);
});

test("a stream that had its finish_reason when the connection was cut is ok", async (t) => {
  const { send } = await harness(t, (reply) => {
    reply.streamHead().chunk(TEXT).chunk(FINISH).socket.end();
  });
  assert.equal((await send().stream.ended).outcome, "ok");
});

test("the key and the user's headers are sent, and the key is in no detail", async (t) => {
  const { server, send } = await harness(
    t,
    (reply, request) =>
      reply.whole(401, JSON_TYPE, `{"error":"bad key ${request.headers["authorization"] ?? ""}"}`),
    { apiKey: "sk-secret", target: { headers: { "X-Team": "a", "Content-Length": "7" } } },
  );
  const end = await send().stream.ended;
  const headers = server.requests[0]?.headers ?? {};
  assert.equal(headers["authorization"], "Bearer sk-secret");
  assert.equal(headers["x-team"], "a");
  assert.equal(headers["accept-encoding"], "identity");
  assert.equal(headers["content-type"], "application/json");
  assert.match(end.detail, /bad key Bearer \[key\]/);
});

test("a request that is never answered ends as its time-out says, and its socket is closed", async (t) => {
  const clock = new SimClock();
  const { server, endpoint, send } = await harness(t, () => undefined, {
    clock,
    target: { timeoutNs: 30 * NS_PER_SECOND },
  });
  const first = send();
  await eventually(() => server.requests.length === 1);
  clock.advanceTo(10 * NS_PER_SECOND);
  const second = send();
  await eventually(() => server.requests.length === 2);

  clock.advanceTo(30 * NS_PER_SECOND - 1);
  const endedAtNs = (): (number | undefined)[] =>
    [first, second].map(({ stream }) => stream.end?.atNs);
  assert.deepEqual(endedAtNs(), [undefined, undefined]);
  clock.advanceTo(30 * NS_PER_SECOND);
  assert.deepEqual(endedAtNs(), [30 * NS_PER_SECOND, undefined]);
  clock.advanceTo(40 * NS_PER_SECOND);
  assert.deepEqual(endedAtNs(), [30 * NS_PER_SECOND, 40 * NS_PER_SECOND]);
  assert.equal((await first.stream.ended).outcome, "timeout");
  assert.equal((await second.stream.ended).outcome, "timeout");
  await eventually(() => server.openCount === 0);
  assert.equal(endpoint.socketsOpen(), 0);
});

test("a stream that stalls keeps what it told when it is given up", async (t) => {
  const { server, send } = await harness(t, (reply) => reply.streamHead().chunk(TEXT));
  const { stream, giveUp } = send();
  await stream.until(() => stream.contentEvents === 1);
  giveUp("censored");
  giveUp("timeout");
  assert.equal(stream.end?.outcome, "censored");
  assert.equal(stream.end.status, 200);
  assert.deepEqual(stream.calls, ["headers", "bytes", "content", "end"]);
  await eventually(() => server.openCount === 0);
});

test("a request given up before its connection is open leaves no socket", async (t) => {
  const { server, endpoint, send } = await harness(t, answer);
  const { stream, giveUp } = send();
  giveUp("timeout");
  assert.equal(stream.end?.outcome, "timeout");
  await eventually(() => endpoint.socketsOpen() === 0 && server.openCount === 0);
  assert.equal(server.requests.length, 0);
});

test("a listener that gives up while it is told of content is told one end", async (t) => {
  const { send } = await harness(t, answer);
  const { stream, giveUp } = send();
  stream.onContent = () => {
    giveUp("censored");
  };
  assert.equal((await stream.ended).outcome, "censored");
  assert.equal(stream.calls.filter((call) => call === "end").length, 1);
});

test("closing the endpoint censors what is open", async (t) => {
  const { server, endpoint, send } = await harness(t, () => undefined);
  const { stream } = send();
  await eventually(() => server.requests.length === 1);
  await endpoint.close();
  assert.equal(stream.end?.outcome, "censored");
  assert.equal(endpoint.socketsOpen(), 0);
});

test("an early hint is not the answer's head", async (t) => {
  const { send } = await harness(t, (reply) => {
    reply.head(103, { link: "</x>" });
    answer(reply);
  });
  const { stream } = send();
  assert.equal((await stream.ended).outcome, "ok");
  assert.deepEqual(
    stream.headers.map((head) => head.status),
    [200],
  );
});

test("HTTPS: a private authority is trusted when given, or not asked for", async (t) => {
  const outcomes = await Promise.all(
    [{}, { caPem: LOOPBACK_CERTIFICATE.cert }, { tlsInsecure: true }].map(async (target) => {
      const { send } = await harness(t, answer, { tls: LOOPBACK_CERTIFICATE, target });
      return send().stream.ended;
    }),
  );
  assert.deepEqual(
    outcomes.map((end) => end.outcome),
    ["connect_error", "ok", "ok"],
  );
  assert.match(outcomes[0]?.detail ?? "", /self.signed/i);
});

test("HTTPS to a pinned address still checks the name", async (t) => {
  const ask = async (host: string): Promise<string> => {
    const { server } = await harness(t, answer, { tls: LOOPBACK_CERTIFICATE });
    const { send } = await harness(t, answer, {
      target: {
        url: `https://${host}:${server.port}/v1`,
        caPem: LOOPBACK_CERTIFICATE.cert,
      },
      addresses: ["127.0.0.1"],
    });
    const end = await send().stream.ended;
    return end.outcome === "ok" ? (server.requests[0]?.headers["host"] ?? "") : end.detail;
  };
  assert.match(await ask("target.invalid"), /^target\.invalid:/);
  assert.match(await ask("other.invalid"), /ERR_TLS_CERT_ALTNAME_INVALID/);
});
