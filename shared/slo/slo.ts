import type { Metric } from "../measurement/metric.ts";

/** Per-request metrics (and pooled gaps) that a percentile clause may name. */
export type ClauseMetric = Exclude<Metric, "send_delay" | "answer_ttft">;

/** One promise of an SLO. `text` is how it is shown: canonical, e.g. "ttft p99 <= 200ms". */
export type Clause =
  | {
      readonly kind: "quantile";
      readonly text: string;
      readonly metric: ClauseMetric;
      /** 0.99 for p99. */
      readonly quantile: number;
      /** ns, or tokens/s for output_tokens_per_second (whose slow side counts: `>=`). */
      readonly limit: number;
      readonly className: string | undefined;
    }
  /** At most `limitFraction` of the requests fail. */
  | {
      readonly kind: "error_rate";
      readonly text: string;
      readonly limitFraction: number;
      readonly className: string | undefined;
    }
  /** At least `limitFraction` of the requests meet every latency clause at once. */
  | {
      readonly kind: "goodput";
      readonly text: string;
      readonly limitFraction: number;
      readonly className: string | undefined;
    };

export type Slo = readonly Clause[];

/** What agents count for one clause: crossings of each threshold, ascending; ns or the metric's unit. */
export interface ClauseThresholds {
  /** Position in the SLO. */
  readonly clause: number;
  /** "error_rate" and "goodput" have no thresholds of their own: `over[0]` counts the bad requests. */
  readonly metric: ClauseMetric | "error_rate" | "goodput";
  readonly thresholds: readonly number[];
  readonly className: string | undefined;
}

/** met | violated | undecided; shown as PASS, FAIL, UNDECIDED. */
export type Verdict = "met" | "violated" | "undecided";
