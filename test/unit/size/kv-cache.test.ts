import assert from "node:assert/strict";
import { test } from "node:test";
import { kvRequests, kvShapeOf } from "../../../coordinator/size/kv-cache.ts";
import { readMemory } from "../../../coordinator/size/memory.ts";

/** What the cache depends on in Llama 3.1 70B's config.json. */
const LLAMA_70B = {
  hidden_size: 8192,
  num_attention_heads: 64,
  num_hidden_layers: 80,
  num_key_value_heads: 8,
  torch_dtype: "bfloat16",
};

function shape(config: object, type?: "fp8"): ReturnType<typeof kvShapeOf> {
  return kvShapeOf(JSON.stringify(config), { type, place: "config.json" });
}

function bytes(text: string): number {
  const reading = readMemory(text);
  assert.ok("value" in reading, text);
  return reading.value;
}

test("320 KB a token and 128 GB hold 390 requests of 1,024 tokens", () => {
  const cache = { bytesPerToken: bytes("320KB"), memoryBytes: bytes("128 GB") };
  assert.equal(kvRequests({ ...cache, contextTokens: 1_024 }), 390);
  assert.equal(bytes("1GiB") - bytes("1GB"), 73_741_824);
});

test("a 70B model with grouped-query attention takes 320 KiB a token, half of it in fp8", () => {
  assert.equal(shape(LLAMA_70B).bytesPerToken, 320 * 1_024);
  assert.equal(shape(LLAMA_70B).formula, "2 × 80 layers × 8 KV heads × 128 × 2 bytes");
  assert.equal(shape(LLAMA_70B, "fp8").bytesPerToken, 160 * 1_024);
  assert.equal(shape({ ...LLAMA_70B, torch_dtype: "float32" }).bytesPerToken, 640 * 1_024);
});

test("a head size of its own, every head its own keys, and a language part one level down", () => {
  assert.equal(shape({ ...LLAMA_70B, head_dim: 64 }).bytesPerToken, 160 * 1_024);
  assert.equal(
    shape({ ...LLAMA_70B, num_key_value_heads: undefined }).bytesPerToken,
    8 * 320 * 1_024,
  );
  assert.equal(shape({ model_type: "x", text_config: LLAMA_70B }).bytesPerToken, 320 * 1_024);
});

test("latent attention keeps one vector for keys and values: DeepSeek-V3 takes 70,272 bytes a token", () => {
  const deepseek = { num_hidden_layers: 61, kv_lora_rank: 512, qk_rope_head_dim: 64 };
  assert.equal(shape({ ...deepseek, torch_dtype: "bfloat16" }).bytesPerToken, 70_272);
});

test("layers that keep a window of the context are told of", () => {
  const mixed = { ...LLAMA_70B, layer_types: ["sliding_attention", "full_attention"] };
  assert.match(shape(mixed).notes.join(), /more requests fit/);
  assert.match(shape({ ...LLAMA_70B, sliding_window: 4096 }).notes.join(), /more requests fit/);
  const off = { ...LLAMA_70B, sliding_window: 4096, use_sliding_window: false };
  assert.deepEqual([shape(off).notes, shape(LLAMA_70B).notes], [[], []]);
});

test("what is no model's config is refused by what it lacks", () => {
  assert.throws(() => shape({}), /config\.json .* has no num_hidden_layers/);
  assert.throws(() => shape({ ...LLAMA_70B, num_hidden_layers: -1 }), /num_hidden_layers -1/);
  assert.throws(() => shape([]), /is no JSON object/);
});

test("memory without its unit is refused", () => {
  for (const text of ["80", "80 apples", "much", "0GB"])
    assert.ok(!("value" in readMemory(text)), text);
});
