import type { Command } from "commander";
import { readFraction, readWhole } from "../coordinator/plan/quantities.ts";
import { KV_BYTES, type KvShape, kvShapeOf, type KvType } from "../coordinator/size/kv-cache.ts";
import type { KvCache } from "../coordinator/size/kv-view.ts";
import { readMemory } from "../coordinator/size/memory.ts";
import { readFlagFile } from "./flag-file.ts";
import { flagInvalid, valueOf } from "./flag-invalid.ts";

export interface KvFlags {
  readonly kv?: true;
  readonly modelConfig?: string;
  readonly kvBytesPerToken?: string;
  readonly kvType?: string;
  readonly kvMemory?: string;
  readonly gpuMemory?: string;
  readonly weights?: string;
  readonly memoryUtilization?: string;
  readonly contextTokens?: string;
}

const CONTEXT_TOKENS_MAX = 100_000_000;

/** Flags of `loadline size --kv`. */
export function addKvFlags(command: Command): Command {
  return command
    .option("--kv", "what the KV cache allows, beside what was measured")
    .option("--model-config <file>", "the model's config.json")
    .option("--kv-bytes-per-token <memory>", "instead, such as 320KB")
    .option("--kv-type <type>", `${Object.keys(KV_BYTES).join(", ")} (default: the model's)`)
    .option("--gpu-memory <memory>", "of one GPU, such as 80GB")
    .option("--weights <memory>", "of the model on all GPUs of a replica, such as 141GB")
    .option("--memory-utilization <percent>", "that the server may use (default: 90%)")
    .option("--kv-memory <memory>", "instead: what is left for the cache")
    .option("--context-tokens <n>", "of a request (default: the run's mean prompt and output)");
}

const KV_FLAGS = [
  "kv",
  "modelConfig",
  "kvBytesPerToken",
  "kvType",
  "kvMemory",
  "gpuMemory",
  "weights",
  "memoryUtilization",
  "contextTokens",
] as const satisfies readonly (keyof KvFlags)[];

/**
 * What the flags say of the cache; undefined where none of them is given.
 *
 * @throws LoadError LL_FLAG_INVALID, LL_MODEL_CONFIG, LL_FILE_UNREADABLE.
 */
export async function kvCacheOf(flags: KvFlags): Promise<KvCache | undefined> {
  if (KV_FLAGS.every((name) => flags[name] === undefined)) return undefined;
  return {
    shape: await shapeOf(flags),
    memory: memoryOf(flags),
    contextTokens:
      flags.contextTokens === undefined
        ? undefined
        : valueOf(
            "--context-tokens",
            readWhole(flags.contextTokens, { min: 1, max: CONTEXT_TOKENS_MAX }),
          ),
  };
}

async function shapeOf({ modelConfig, kvBytesPerToken, kvType }: KvFlags): Promise<KvShape> {
  if (kvBytesPerToken !== undefined) {
    const bytesPerToken = valueOf("--kv-bytes-per-token", readMemory(kvBytesPerToken));
    return { bytesPerToken, formula: "as asked for", notes: [] };
  }
  if (modelConfig === undefined) {
    throw flagInvalid(
      "the KV cache is asked for, and nothing says how much a token takes",
      "give --model-config config.json, or --kv-bytes-per-token 320KB",
    );
  }
  const text = await readFlagFile("--model-config", modelConfig, "a model's config.json");
  return kvShapeOf(text, { type: typeOf(kvType), place: modelConfig });
}

function typeOf(text: string | undefined): KvType | undefined {
  if (text === undefined) return undefined;
  const types = Object.keys(KV_BYTES) as KvType[];
  const type = types.find((each) => each === text);
  if (type !== undefined) return type;
  throw flagInvalid(`--kv-type is ${text}, which is not known`, `give one of ${types.join(", ")}`);
}

function memoryOf(flags: KvFlags): KvCache["memory"] {
  const { kvMemory, gpuMemory, weights, memoryUtilization } = flags;
  if (kvMemory !== undefined) {
    return { kind: "left", bytes: valueOf("--kv-memory", readMemory(kvMemory)) };
  }
  if (gpuMemory === undefined || weights === undefined) {
    throw flagInvalid(
      "the KV cache is asked for, and nothing says how much memory is left for it",
      "give --gpu-memory 80GB and --weights 141GB (with --gpus), or --kv-memory 128GB",
    );
  }
  const bounds = { min: 0.05, max: 1 };
  return {
    kind: "of-gpus",
    bytesPerGpu: valueOf("--gpu-memory", readMemory(gpuMemory)),
    weightsBytes: valueOf("--weights", readMemory(weights)),
    utilisation: valueOf("--memory-utilization", readFraction(memoryUtilization ?? "90%", bounds)),
  };
}
