import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import {
  listModels,
  pickModel,
  probeTarget,
  type ProbeOptions,
  type TargetFacts,
} from "../../../agent/endpoint/probe.ts";
import { LoadError } from "../../../shared/errors.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import { NS_PER_MS } from "../../../shared/units.ts";
import { answer } from "../../support/stream-fixtures/harness.ts";
import { LOOPBACK_CERTIFICATE } from "../../support/stream-fixtures/loopback-certificate.ts";
import {
  startRawServer,
  type OnRawRequest,
  type RawReply,
  type RawServer,
} from "../../support/stream-fixtures/raw-server.ts";
import { TRANSCRIPTS } from "../../support/stream-fixtures/transcripts.ts";

const JSON_TYPE = { "content-type": "application/json" };

function models(...ids: string[]): OnRawRequest {
  return (reply) => {
    const data = ids.map((id) => ({ id, object: "model" }));
    reply.whole(200, JSON_TYPE, JSON.stringify({ object: "list", data }));
  };
}

/** A server that lists one model, and answers a completion with `onCompletion`. */
async function serve(
  t: TestContext,
  onCompletion: OnRawRequest,
  onModels: OnRawRequest = models("tiny"),
): Promise<RawServer> {
  const server = await startRawServer((reply, request) => {
    (request.method === "GET" ? onModels : onCompletion)(reply, request);
  });
  t.after(() => server.close());
  return server;
}

function probe(url: string, options: Partial<ProbeOptions> = {}): Promise<TargetFacts> {
  return probeTarget({ url, endpoint: "chat", clock: new SystemClock(), ...options });
}

async function errorOf(probing: Promise<unknown>): Promise<LoadError> {
  try {
    await probing;
  } catch (error) {
    assert.ok(error instanceof LoadError, String(error));
    assert.notEqual(error.hint, "");
    return error;
  }
  throw new Error("no error");
}

function playOf(name: string): (reply: RawReply) => void {
  const transcript = TRANSCRIPTS.find((candidate) => candidate.name.startsWith(name));
  assert.ok(transcript, name);
  return (reply) => {
    reply.streamHead();
    transcript.chunks.forEach((chunk) => reply.chunk(chunk));
    reply.lastChunk();
  };
}

const shapes: readonly [name: string, facts: Partial<TargetFacts>][] = [
  [
    "vLLM chat: an empty text",
    { roleFirst: true, usage: "own-event", doneMarker: true, outputTokens: 8, contentEvents: 3 },
  ],
  ["vLLM chat with continuous", { usage: "every-event", outputTokens: 8 }],
  ["llama_cpp.server", { roleFirst: true, usage: "never", outputTokens: -1, doneMarker: true }],
  ["transformers serve chat", { usage: "finish-event", doneMarker: false, finishReason: true }],
  ["guidellm mock chat", { roleFirst: false, usage: "own-event", contentEvents: 2 }],
];
for (const [name, facts] of shapes) {
  test(`a probe sees the shape of ${name}`, async (t) => {
    const server = await serve(t, playOf(name));
    const seen = await probe(server.url);
    for (const [key, value] of Object.entries(facts)) {
      assert.equal(seen[key as keyof TargetFacts], value, key);
    }
    assert.equal(seen.model, "tiny");
    assert.deepEqual(seen.models, ["tiny"]);
    assert.equal(seen.keepsConnection, true);
    assert.ok(seen.headersNs > 0 && seen.firstContentNs >= seen.headersNs);
    assert.deepEqual(
      server.requests.map(({ method, path }) => `${method} ${path}`),
      ["GET /v1/models", "POST /v1/chat/completions"],
    );
    assert.match(server.requests[1]?.body ?? "", /^\{"model":"tiny",/);
  });
}

test("a probe sees that the connection is closed after the stream without a word", async (t) => {
  const server = await serve(t, (reply) => {
    answer(reply);
    reply.socket.end();
  });
  assert.equal((await probe(server.url)).keepsConnection, false);
});

test("the model is asked for only where it is needed, and a missing list is no fault", async (t) => {
  const server = await serve(t, answer, (reply) => reply.whole(404, {}, "no"));
  const facts = await probe(server.url, { model: "x" });
  assert.equal(facts.model, "x");
  assert.equal(facts.models, undefined);
  assert.equal((await errorOf(probe(server.url))).code, "LL_TARGET_REFUSES");
});

test("several models and none named, or one named that is not there, are said with the names", async (t) => {
  const server = await serve(t, answer, models("a", "b"));
  const ambiguous = await errorOf(probe(server.url));
  assert.equal(ambiguous.code, "LL_MODEL_AMBIGUOUS");
  assert.match(ambiguous.message, /serves 2: a, b/);
  const unknown = await errorOf(probe(server.url, { model: "c" }));
  assert.equal(unknown.code, "LL_MODEL_UNKNOWN");
  assert.match(unknown.message, /"c".*a, b/);
  assert.equal((await probe(server.url, { model: "b" })).model, "b");
  assert.throws(() => pickModel([], undefined), { code: "LL_MODEL_AMBIGUOUS" });
});

test("listing the models sends that one request", async (t) => {
  const server = await serve(t, answer, models("a", "b"));
  const access = { url: server.url, clock: new SystemClock(), apiKey: "sk-1" };
  assert.deepEqual(await listModels(access), ["a", "b"]);
  assert.equal(server.requests.length, 1);
  assert.equal(server.requests[0]?.headers["authorization"], "Bearer sk-1");
  const html = await serve(t, answer, (reply) =>
    reply.whole(200, { "content-type": "text/html" }, "<html>"),
  );
  const error = await errorOf(listModels({ ...access, url: html.url }));
  assert.equal(error.code, "LL_TARGET_NO_MODELS");
});

const troubles: readonly [name: string, answers: OnRawRequest, code: string, message: RegExp][] = [
  [
    "HTML",
    (reply) => reply.whole(200, { "content-type": "text/html" }, "<html>hello</html>"),
    "LL_TARGET_NOT_STREAMING",
    /content-type text\/html: <html>hello/,
  ],
  [
    "plain JSON",
    (reply) => reply.whole(200, JSON_TYPE, '{"choices":[]}'),
    "LL_TARGET_NOT_STREAMING",
    /content-type application\/json/,
  ],
  [
    "a compressed stream",
    (reply) => reply.streamHead({ "content-encoding": "br" }).chunk("x").lastChunk(),
    "LL_TARGET_NOT_STREAMING",
    /content-encoding br/,
  ],
  [
    "a stream without one text",
    (reply) => reply.streamHead().chunk("data: [DONE]\n\n").lastChunk(),
    "LL_TARGET_NOT_STREAMING",
    /without one text/,
  ],
  [
    "a status of the server",
    (reply) => reply.whole(503, JSON_TYPE, '{"error":{"message":"loading"}}'),
    "LL_TARGET_REFUSES",
    /HTTP 503: .*loading/,
  ],
  [
    "a redirect",
    (reply) => reply.whole(301, { location: "https://elsewhere/v1" }, ""),
    "LL_TARGET_REFUSES",
    /HTTP 301: redirects to https:\/\/elsewhere\/v1/,
  ],
  [
    "an error inside the stream",
    playOf("transformers serve: an error"),
    "LL_TARGET_STREAM_BROKEN",
    /holds an error: `max_new_tokens`/,
  ],
  [
    "a stream that ends too soon",
    playOf("a stream that ends with neither"),
    "LL_TARGET_STREAM_BROKEN",
    /neither finish_reason nor \[DONE\]/,
  ],
  [
    "a stream that is cut",
    (reply) => reply.streamHead().chunk('data: {"choices":[{"text":"a"}]}\n\n').socket.end(),
    "LL_TARGET_STREAM_BROKEN",
    /was cut/,
  ],
];
for (const [name, answers, code, message] of troubles) {
  test(`a probe says what is wrong: ${name}`, async (t) => {
    const server = await serve(t, answers);
    const error = await errorOf(probe(server.url));
    assert.equal(error.code, code);
    assert.equal(error.exitCode, 3);
    assert.match(error.message, message);
  });
}

test("a probe says that nobody listens", async (t) => {
  const server = await serve(t, answer);
  await server.close();
  const error = await errorOf(probe(server.url));
  assert.equal(error.code, "LL_TARGET_UNREACHABLE");
  assert.match(error.message, /ECONNREFUSED/);
});

test("a probe says that what listens does not speak HTTP", async (t) => {
  const server = await startRawServer((reply) => reply.socket.write("SSH-2.0-x\r\n"));
  t.after(() => server.close());
  assert.equal((await errorOf(probe(server.url))).code, "LL_TARGET_NOT_HTTP");
});

test("a probe says that a certificate does not hold, and what to do", async (t) => {
  const server = await startRawServer(models("tiny"), { tls: LOOPBACK_CERTIFICATE });
  t.after(() => server.close());
  const error = await errorOf(probe(server.url));
  assert.equal(error.code, "LL_TARGET_TLS");
  assert.match(error.hint, /--ca.*--insecure/);
  const access = { url: server.url, clock: new SystemClock(), caPem: LOOPBACK_CERTIFICATE.cert };
  assert.deepEqual(await listModels(access), ["tiny"]);
});

test("a probe does not wait for ever, neither for an answer nor for its end", async (t) => {
  const timeoutNs = 50 * NS_PER_MS;
  const silent = await serve(t, () => undefined);
  const error = await errorOf(probe(silent.url, { timeoutNs }));
  assert.equal(error.code, "LL_TARGET_TIMEOUT");
  const stalling = await serve(t, (reply) => reply.streamHead());
  assert.equal((await errorOf(probe(stalling.url, { timeoutNs }))).code, "LL_TARGET_TIMEOUT");
});

test("the key is in no message", async (t) => {
  const server = await serve(t, (reply, request) =>
    reply.whole(401, {}, `bad ${request.headers["authorization"] ?? ""}`),
  );
  const error = await errorOf(probe(server.url, { apiKey: "sk-secret" }));
  assert.match(error.message, /bad Bearer \[key\]/);
  assert.match(error.hint, /--api-key-env/);
});
