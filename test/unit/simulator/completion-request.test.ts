import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { countWords, readCompletion } from "../../../simulator/http/completion-request.ts";
import type { CompletionRequest } from "../../../simulator/http/completion-request.ts";
import { MANNERS, errorBody } from "../../../simulator/http/manners.ts";
import type { RequestProblem } from "../../../simulator/http/manners.ts";
import { SHAPE_NAMES } from "../../../simulator/http/shape-name.ts";
import type { ShapeName } from "../../../simulator/http/shape-name.ts";

type Read = { request: CompletionRequest } | { problem: RequestProblem };

function read(
  body: unknown,
  options: { shape?: ShapeName; endpoint?: "chat" | "completions"; contextTokensMax?: number } = {},
): Read {
  const { shape = "openai", endpoint = "chat", contextTokensMax = 4096 } = options;
  return readCompletion(typeof body === "string" ? body : JSON.stringify(body), {
    endpoint,
    manners: MANNERS[shape],
    model: "sim",
    contextTokensMax,
  });
}

/** The status, or "served", or "stream-error". */
function fateOf(result: Read): number | string {
  if ("problem" in result) return result.problem.status;
  return result.request.streamError === undefined ? "served" : "stream-error";
}

const GOOD = { model: "sim", messages: [{ role: "user", content: "a b c" }], max_tokens: 8 };

test("what is read of a good request", () => {
  const result = read({
    ...GOOD,
    messages: [
      { role: "system", content: "be kind" },
      { role: "user", content: [{ type: "text", text: " one two" }, { type: "image_url" }] },
    ],
    stream: true,
    stream_options: { include_usage: true },
    n: 3,
    min_tokens: 2,
    ignore_eos: true,
  });
  assert.deepEqual(result, {
    request: {
      ignoreEos: true,
      outputTokensMin: 2,
      outputTokensMax: 8,
      streamError: undefined,
      stream: true,
      includeUsage: true,
      continuousUsage: false,
      choices: 3,
      promptTokens: 4,
      promptMarker: "one two",
    },
  });
});

test("a completions prompt may be text, texts or tokens", () => {
  const tokensOf = (prompt: unknown) => {
    const result = read({ prompt, max_tokens: 1 }, { endpoint: "completions" });
    return "request" in result
      ? [result.request.promptTokens, result.request.promptMarker]
      : result.problem;
  };
  assert.deepEqual(tokensOf("a b c d e f g"), [7, "a b c d e f"]);
  assert.deepEqual(tokensOf(["a b"]), [2, "a b"]);
  assert.deepEqual(tokensOf([5, 6, 7]), [3, "5 6 7"]);
});

test("words are counted as white space divides them", () => {
  assert.deepEqual(["", " ", "a", " a  b\n\tc ", "漢字 x"].map(countWords), [0, 0, 1, 3, 2]);
});

describe("each server's manners", () => {
  /** broken JSON, no messages, unknown model, max_tokens -1, over the context, temperature "hot", ignore_eos */
  const expected: Record<ShapeName, (number | string)[]> = {
    openai: [400, 400, 404, 400, 400, 400, "served"],
    vllm: [400, 400, 404, 400, 400, 400, "served"],
    llmd: [400, "served", 404, 400, 400, "served", "served"],
    "llama-server": [500, 400, "served", "served", "served", 400, "served"],
    "llama-cpp-python": [400, 400, "served", "served", "served", 400, "served"],
    transformers: [422, 500, 400, "stream-error", 400, 400, 422],
    guidellm: [500, 400, "served", "served", "served", 400, "served"],
  };
  for (const shape of SHAPE_NAMES) {
    test(shape, () => {
      const asked: unknown[] = [
        "{broken",
        { ...GOOD, messages: undefined },
        { ...GOOD, model: "other" },
        { ...GOOD, max_tokens: -1 },
        { ...GOOD, max_tokens: 10_000_000 },
        { ...GOOD, temperature: "hot" },
        { ...GOOD, ignore_eos: true },
      ];
      assert.deepEqual(
        asked.map((body) => fateOf(read(body, { shape }))),
        expected[shape],
      );
    });
  }

  test("a prompt over the context is refused by all", () => {
    const body = { ...GOOD, messages: [{ role: "user", content: "a ".repeat(50) }] };
    for (const shape of SHAPE_NAMES) {
      assert.equal(fateOf(read(body, { shape, contextTokensMax: 50 })), 400);
    }
  });

  test("max_completion_tokens is obeyed by some, and ignored by others", () => {
    const maxOf = (shape: ShapeName) => {
      const result = read({ ...GOOD, max_tokens: undefined, max_completion_tokens: 5 }, { shape });
      return "request" in result ? result.request.outputTokensMax : result.problem;
    };
    assert.equal(maxOf("vllm"), 5);
    assert.equal(maxOf("transformers"), 1024);
    assert.equal(maxOf("llama-cpp-python"), 1024);
  });
});

test("a body that is JSON but no object is a bad request, and crashes nothing", () => {
  for (const body of ["null", "[]", "3", '""', ""]) assert.equal(fateOf(read(body)), 400);
  for (const fields of [{ messages: [null, 3, {}] }, { messages: "x" }, { n: "x" }, { n: -1 }]) {
    assert.ok([400, "served"].includes(fateOf(read({ ...GOOD, ...fields }))));
  }
});

test("error bodies have the form of their server", () => {
  const problem = { status: 400, type: "T", message: "m" };
  assert.deepEqual(
    (["openai", "vllm", "llama-server", "guidellm", "transformers"] as const).map((form) =>
      errorBody(form, problem),
    ),
    [
      '{"error":{"message":"m","type":"T","param":null,"code":null}}',
      '{"error":{"message":"m","type":"T","param":null,"code":400}}',
      '{"error":{"code":400,"message":"m","type":"T"}}',
      '{"error":{"message":"m","type":"T","code":"400"}}',
      '{"detail":"m"}',
    ],
  );
});
