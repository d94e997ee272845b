import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeOrder, orderEncoder } from "../../../agent/endpoint/order-encoder.ts";
import type { Target } from "../../../shared/control/control.ts";
import { aTarget } from "../../support/stream-fixtures/target.ts";

function bodyOf(target: Partial<Target>, prompt = "hi"): Record<string, unknown> {
  const order = orderEncoder(aTarget({ url: "http://127.0.0.1/v1", ...target }))(prompt, 7);
  assert.equal(order.outputTokens, 7);
  return JSON.parse(order.body.toString()) as Record<string, unknown>;
}

test("a chat request is one user message, streamed, with usage, and no more than that", () => {
  assert.deepEqual(bodyOf({}), {
    model: "tiny",
    messages: [{ role: "user", content: "hi" }],
    stream: true,
    max_tokens: 7,
    stream_options: { include_usage: true },
  });
});

test("a completions request is a prompt", () => {
  const body = bodyOf({ endpoint: "completions" });
  assert.equal(body["prompt"], "hi");
  assert.equal(body["messages"], undefined);
});

test("a forced length asks for no early end and no fewer tokens", () => {
  const body = bodyOf({ forceOutput: true });
  assert.deepEqual([body["ignore_eos"], body["min_tokens"], body["max_tokens"]], [true, 7, 7]);
  assert.equal(bodyOf({})["ignore_eos"], undefined);
});

test("the user's fields come last and replace ours, but usage stays asked for", () => {
  const body = bodyOf({
    forceOutput: true,
    extraBody: {
      temperature: 0,
      model: "other",
      min_tokens: 1,
      stream_options: { continuous_usage_stats: true },
    },
  });
  assert.equal(body["temperature"], 0);
  assert.equal(body["model"], "other");
  assert.equal(body["min_tokens"], 1);
  assert.deepEqual(body["stream_options"], { include_usage: true, continuous_usage_stats: true });
});

test("max_completion_tokens takes the place of max_tokens: OpenAI refuses both", () => {
  const body = bodyOf({ extraBody: { max_completion_tokens: 99 } });
  assert.equal(body["max_completion_tokens"], 99);
  assert.equal(body["max_tokens"], undefined);
});

test("any prompt comes through, and no key is written twice", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: "binary" }), fc.constant("\ud800")),
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom("stream", "max_tokens")), fc.jsonValue()),
      (prompt, extraBody) => {
        fc.pre(!("messages" in extraBody));
        const target = aTarget({ url: "http://127.0.0.1/v1", extraBody });
        const text = encodeOrder({ prompt, outputTokens: 7, target }).body.toString();
        const body = JSON.parse(text) as { messages: { content: string }[] };
        assert.equal(body.messages[0]?.content, prompt);
        // A second key of the same name would not survive the round trip.
        assert.equal(JSON.stringify(body).length, text.length);
      },
    ),
  );
});

test("the model of one order may differ from the target's", () => {
  const target = aTarget({ url: "http://127.0.0.1/v1" });
  const { body } = encodeOrder({ model: "b", prompt: "hi", outputTokens: 1, target });
  assert.match(body.toString(), /^\{"model":"b",/);
});
