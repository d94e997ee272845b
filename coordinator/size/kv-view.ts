import { type Contender, tokensPerRequest, windowNear } from "../compare/contender.ts";
import { kvRequests, type KvShape } from "./kv-cache.ts";

/** What is said of a replica's KV cache. */
export interface KvCache {
  readonly shape: KvShape;
  readonly memory:
    | { readonly kind: "left"; readonly bytes: number }
    | {
        readonly kind: "of-gpus";
        readonly bytesPerGpu: number;
        /** The part that the server may use. */
        readonly utilisation: number;
        /** Of the whole replica. */
        readonly weightsBytes: number;
      };
  /** Tokens a request holds at its end; undefined: the measured mean prompt and output. */
  readonly contextTokens: number | undefined;
}

/** What the cache allows, beside what was measured. */
export interface KvView {
  readonly bytesPerToken: number;
  readonly formula: string;
  readonly memoryBytes: number;
  /** null where neither was it said nor were tokens counted. */
  readonly contextTokens: number | null;
  readonly contextFrom: "asked" | "measured";
  /** The most requests whose whole context fits. */
  readonly requests: number | null;
  /** In flight in the window nearest to the knee, or where there is none to the maximum rate. */
  readonly measured: {
    readonly at: "knee" | "maximum rate";
    readonly requestsPerSecond: number;
    readonly inFlightMean: number;
  } | null;
  readonly notes: readonly string[];
}

/** Works the cache out for a replica of so many GPUs. */
export function kvView(
  cache: KvCache,
  options: {
    readonly run: Contender;
    readonly kneePerSecond: number | null;
    readonly gpus: number;
  },
): KvView {
  const { shape, contextTokens: asked } = cache;
  const { run, gpus } = options;
  const memoryBytes = memoryLeft(cache.memory, gpus);
  const contextTokens = asked ?? measuredContext(run);
  return {
    bytesPerToken: shape.bytesPerToken,
    formula: shape.formula,
    memoryBytes,
    contextTokens,
    contextFrom: asked === undefined ? "measured" : "asked",
    requests:
      contextTokens === null
        ? null
        : kvRequests({ memoryBytes, bytesPerToken: shape.bytesPerToken, contextTokens }),
    measured: measuredAt(options),
    notes: shape.notes,
  };
}

/** Not below 0: weights that do not fit leave nothing. */
function memoryLeft(memory: KvCache["memory"], gpus: number): number {
  if (memory.kind === "left") return memory.bytes;
  const usable = memory.bytesPerGpu * gpus * memory.utilisation;
  return Math.max(0, usable - memory.weightsBytes);
}

function measuredContext(run: Contender): number | null {
  const input = tokensPerRequest(run, "inputTokensPerRequest");
  const output = tokensPerRequest(run, "outputTokensPerRequest");
  return input === null || output === null ? null : input + output;
}

function measuredAt({
  run,
  kneePerSecond,
}: {
  readonly run: Contender;
  readonly kneePerSecond: number | null;
}): KvView["measured"] {
  const ratePerSecond = kneePerSecond ?? run.maxRate?.value;
  if (ratePerSecond === undefined) return null;
  const window = windowNear(run, ratePerSecond);
  if (window === undefined || window.inFlightMean === null) return null;
  const { requestsPerSecond, inFlightMean } = window;
  const at = kneePerSecond === null ? ("maximum rate" as const) : ("knee" as const);
  return { at, requestsPerSecond, inFlightMean };
}
