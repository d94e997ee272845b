import { NS_PER_SECOND } from "../../shared/units.ts";
import { type LikenessToPoisson, likenessToPoisson } from "../poisson.ts";
import { quantileOf } from "../quantile.ts";
import type { Reported } from "./client.ts";
import type { TreeSample } from "./process-tree.ts";
import type { ServerLog } from "./server-log.ts";

/** A client's run as the server and the machine saw it, beside what the client says. */
export interface Judgement {
  readonly client: string;
  /** From STEADY_FROM_S after the first arrival to the last one; NaN for a run that is too short. */
  readonly cpuUsPerToken: number;
  /** The most that was seen of the whole tree; NaN where it is not told. */
  readonly memoryMb: number;
  readonly likeness: LikenessToPoisson;
  readonly ttft: { readonly p50: Quantile; readonly p99: Quantile };
  readonly arrived: number;
  readonly asked: number;
  readonly arrivedPerSecond: number;
}

export interface Quantile {
  readonly reportedMs: number | null;
  readonly trueMs: number;
}

/** Loaded, compiled and connected by then. */
const STEADY_FROM_S = 5;

export function judge(
  reported: Reported,
  log: ServerLog,
  samples: readonly TreeSample[],
): Judgement {
  const { arrivedAtNs, ttftMs } = log;
  const firstNs = arrivedAtNs[0] ?? NaN;
  const lastNs = arrivedAtNs.at(-1) ?? NaN;
  const spanS = (lastNs - firstNs) / NS_PER_SECOND;
  const memoryMb = samples.flatMap((sample) => sample.memoryMb ?? []);
  return {
    client: reported.client,
    cpuUsPerToken: cpuUsPerToken(log, samples, {
      fromNs: firstNs + STEADY_FROM_S * NS_PER_SECOND,
      toNs: lastNs,
    }),
    memoryMb: memoryMb.length === 0 ? NaN : Math.max(...memoryMb),
    likeness: likenessToPoisson(arrivedAtNs, arrivedAtNs.length === 0 ? 0 : Math.floor(spanS)),
    ttft: {
      p50: { reportedMs: reported.ttftP50Ms, trueMs: quantileOf(ttftMs, 0.5) },
      p99: { reportedMs: reported.ttftP99Ms, trueMs: quantileOf(ttftMs, 0.99) },
    },
    arrived: arrivedAtNs.length,
    asked: reported.asked,
    arrivedPerSecond: (arrivedAtNs.length - 1) / spanS,
  };
}

/** Between the first and the last sample within the window. */
function cpuUsPerToken(
  log: ServerLog,
  samples: readonly TreeSample[],
  { fromNs, toNs }: { readonly fromNs: number; readonly toNs: number },
): number {
  const within = samples.filter(({ atNs }) => atNs >= fromNs && atNs <= toNs);
  const first = within[0];
  const last = within.at(-1);
  if (first === undefined || last === undefined || first === last) return NaN;
  const tokens = log.tokensBetween(first.atNs, last.atNs);
  return ((last.cpuSeconds - first.cpuSeconds) * 1e6) / tokens;
}
