import type { RateInterval } from "./ratio.ts";

/** Quantiles of one metric at one load, ms; null where there were too few samples, or none. */
export interface Latency {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** What is known of one load that was held for a while. */
export interface MeasuredWindow {
  /** Planned, or where there was no plan achieved; requests/s. */
  readonly requestsPerSecond: number;
  /** Requests that succeeded: the weight of the window. */
  readonly okCount: number;
  readonly ttftMs: Latency;
  readonly itlMs: Latency;
  readonly e2eMs: Latency;
  /** Means; null where they were not counted. */
  readonly inputTokensPerRequest: number | null;
  readonly outputTokensPerRequest: number | null;
  /** The median user's; null where it was not measured. */
  readonly outputTokensPerSecondPerUser: number | null;
  readonly inFlightMean: number | null;
}

/** What must be alike in two runs for their difference to be the server's. */
export const TRAITS = [
  "model",
  "lengths",
  "arrivals",
  "slo",
  "agents",
  "seed",
  "endpoint",
  "request",
] as const;
export type Trait = (typeof TRAITS)[number];

/** One run as a comparison sees it, whoever measured it. */
export interface Contender {
  readonly name: string;
  /** "Loadline 0.1.0", or the tool whose figures these are. */
  readonly origin: string;
  /** Where it was read. */
  readonly source: string;
  readonly model: string;
  /** With its interval; undefined: none was found, and `noRateReason` says why. */
  readonly maxRate: (RateInterval & { readonly confidence: number }) | undefined;
  readonly noRateReason: string;
  /** The SLO was missed at every rate: the maximum rate is none at all. */
  readonly isHopeless: boolean;
  /** What one replica carries with a backlog, requests/s; null where it was not measured. */
  readonly saturationPerSecond: number | null;
  /** Metric of the first clause of the SLO. */
  readonly leadMetric: "ttft" | "itl" | "e2e";
  /** By rate, ascending; none that the generator spoiled. */
  readonly windows: readonly MeasuredWindow[];
  /** How each trait reads; undefined where its tool does not tell. */
  readonly traits: Readonly<
    Partial<Record<Trait, { readonly key: string; readonly text: string }>>
  >;
  /** Sentences: what a reader must know before he believes it. */
  readonly warnings: readonly string[];
}

/** Means over all windows, each by its requests; null where none counted tokens. */
export function tokensPerRequest(
  { windows }: Pick<Contender, "windows">,
  of: "inputTokensPerRequest" | "outputTokensPerRequest",
): number | null {
  let tokens = 0;
  let requests = 0;
  for (const window of windows) {
    const mean = window[of];
    if (mean === null) continue;
    tokens += mean * window.okCount;
    requests += window.okCount;
  }
  return requests === 0 ? null : tokens / requests;
}

/** The window whose rate is closest on the log scale. */
export function windowNear(
  { windows }: Pick<Contender, "windows">,
  ratePerSecond: number,
): MeasuredWindow | undefined {
  const distance = (window: MeasuredWindow): number =>
    Math.abs(Math.log(window.requestsPerSecond / ratePerSecond));
  return windows.reduce<MeasuredWindow | undefined>(
    (best, each) => (best === undefined || distance(each) < distance(best) ? each : best),
    undefined,
  );
}
