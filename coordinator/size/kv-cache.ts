import { ExitCode, LoadError } from "../../shared/errors.ts";

/** What of a model's `config.json` the KV cache depends on. */
export interface KvShape {
  readonly bytesPerToken: number;
  /** As shown: "2 × 80 layers × 8 KV heads × 128 × 2 bytes". */
  readonly formula: string;
  /** Sentences; empty for a model whose every layer keeps every token. */
  readonly notes: readonly string[];
}

/** Bytes of a number of the cache. */
export const KV_BYTES = { fp32: 4, fp16: 2, bf16: 2, fp8: 1, int8: 1 } as const;
export type KvType = keyof typeof KV_BYTES;

const DTYPES: Readonly<Record<string, KvType>> = {
  float32: "fp32",
  float16: "fp16",
  bfloat16: "bf16",
};

/** The most requests whose whole context fits: what memory is left / (bytes per token × context tokens). */
export function kvRequests(cache: {
  readonly memoryBytes: number;
  readonly bytesPerToken: number;
  readonly contextTokens: number;
}): number {
  return Math.floor(cache.memoryBytes / (cache.bytesPerToken * cache.contextTokens));
}

/**
 * Bytes of the KV cache per token, from a model's `config.json` (Hugging Face):
 * 2 × layers × KV heads × head size × bytes; with multi-head latent attention (DeepSeek) layers × (latent rank +
 * rope part) × bytes, once for both.
 *
 * @param options.type what the server keeps the cache in; undefined: the model's own type, else 2 bytes.
 * @throws LoadError LL_MODEL_CONFIG
 */
export function kvShapeOf(
  text: string,
  options: { readonly type: KvType | undefined; readonly place: string },
): KvShape {
  const file = fieldsOf(text, options.place);
  // A model that also sees or hears keeps its language part one level down.
  const config = { ...file, ...(recordOf(file["text_config"]) ?? {}) };
  const whole = (name: string): number => wholeOf(config, { name, place: options.place });
  const bytes = KV_BYTES[options.type ?? typeOf(config)];
  const layers = whole("num_hidden_layers");
  const notes = slidingNotes(config);
  if (config["kv_lora_rank"] !== undefined && config["kv_lora_rank"] !== null) {
    const [rank, rope] = [whole("kv_lora_rank"), whole("qk_rope_head_dim")];
    return {
      bytesPerToken: layers * (rank + rope) * bytes,
      formula: `${layers} layers × (${rank} + ${rope}) × ${bytesText(bytes)} (latent attention)`,
      notes,
    };
  }
  const heads = "num_key_value_heads" in config ? "num_key_value_heads" : "num_attention_heads";
  const kvHeads = whole(heads);
  const headSize =
    typeof config["head_dim"] === "number"
      ? whole("head_dim")
      : whole("hidden_size") / whole("num_attention_heads");
  return {
    bytesPerToken: 2 * layers * kvHeads * headSize * bytes,
    formula: `2 × ${layers} layers × ${kvHeads} KV heads × ${headSize} × ${bytesText(bytes)}`,
    notes,
  };
}

function bytesText(bytes: number): string {
  return bytes === 1 ? "1 byte" : `${bytes} bytes`;
}

function typeOf(config: Readonly<Record<string, unknown>>): KvType {
  const name = config["torch_dtype"] ?? config["dtype"];
  return (typeof name === "string" ? DTYPES[name] : undefined) ?? "fp16";
}

function slidingNotes(config: Readonly<Record<string, unknown>>): readonly string[] {
  const layers: unknown = config["layer_types"];
  const mixed = Array.isArray(layers) && layers.some((layer) => layer !== "full_attention");
  const always = config["sliding_window"] !== undefined && config["sliding_window"] !== null;
  const off = config["use_sliding_window"] === false;
  return mixed || (always && !off)
    ? ["some layers keep only a window of the context: more requests fit than this says"]
    : [];
}

function fieldsOf(text: string, place: string): Readonly<Record<string, unknown>> {
  try {
    const fields = recordOf(JSON.parse(text));
    if (fields !== undefined) return fields;
  } catch {
    // Said below.
  }
  throw configProblem(place, "is no JSON object");
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function wholeOf(
  config: Readonly<Record<string, unknown>>,
  { name, place }: { readonly name: string; readonly place: string },
): number {
  const value = config[name];
  if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
  throw configProblem(
    place,
    value === undefined ? `has no ${name}` : `has ${name} ${JSON.stringify(value)}`,
  );
}

function configProblem(place: string, what: string): LoadError {
  return new LoadError(`${place} is to tell the size of the KV cache, and ${what}`, {
    code: "LL_MODEL_CONFIG",
    hint: "give the model's own config.json of Hugging Face, or say --kv-bytes-per-token",
    exitCode: ExitCode.PlanInvalid,
  });
}
