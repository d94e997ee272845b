import { chosen, count, NOTHING, quantile, rate, seconds, verdictWord } from "./format.ts";
import { load } from "./headline.ts";
import type { ProbeView } from "./result.ts";
import { printable } from "./paint.ts";

/** What is known while a segment runs. */
export interface LiveView {
  readonly elapsedS: number;
  readonly purpose: string;
  /** Planned; null for modes without a schedule. */
  readonly requestsPerSecond: number | null;
  /** Of the last interval; null without data. */
  readonly ttftP50Ms: number | null;
  readonly ttftP99Ms: number | null;
  readonly inFlight: number;
}

/** The line that is written over and over on a terminal. Without a line break. */
export function liveLine(view: LiveView): string {
  const at = view.requestsPerSecond === null ? "" : ` ${chosen(view.requestsPerSecond)} requests/s`;
  return [
    `${seconds(Math.floor(view.elapsedS))}  ${view.purpose}${at}`,
    `TTFT p50 ${optionalMs(view.ttftP50Ms)}`,
    `p99 ${optionalMs(view.ttftP99Ms)}`,
    `${count(view.inFlight)} in flight`,
  ].join("  ");
}

/** The line that stays: a probe and how it was decided. Without a line break. */
export function probeLine(probe: ProbeView): string {
  const parts = [
    `${seconds(Math.round(probe.startS + probe.durationS))}  ${probe.purpose} ${load(probe)}`,
    verdictWord(probe),
    `TTFT p50 ${quantile(probe.ttftMs, "p50")} p99 ${quantile(probe.ttftMs, "p99")} ms`,
    probe.reason,
  ];
  return printable(parts.filter((part) => part !== "").join("  "));
}

function optionalMs(value: number | null): string {
  return value === null ? NOTHING : `${rate(value)} ms`;
}
