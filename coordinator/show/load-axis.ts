import { FRAME, px } from "./chart.ts";
import { rate, verdictWord } from "./format.ts";
import { markup, type Markup } from "./markup.ts";
import type { ProbeView, Result } from "./result.ts";
import type { Scale } from "./scale.ts";

const { left, right, top, bottom } = FRAME;

export interface LoadAxis {
  readonly name: string;
  /** Rates, not streams: the answer of a search can be drawn on it. */
  readonly isRate: boolean;
  /** The smallest step between ticks: streams are whole. */
  readonly stepMin: number;
  readonly of: (probe: ProbeView) => number;
}

/** What lies on the horizontal axis: planned rates if there are any, else streams. */
export function loadAxis(probes: readonly ProbeView[]): LoadAxis {
  if (probes.some((probe) => probe.requestsPerSecond !== null)) {
    const of = (probe: ProbeView): number => probe.requestsPerSecond ?? probe.achievedPerSecond;
    return { name: "offered requests/s", isRate: true, stepMin: 0, of };
  }
  return { name: "streams", isRate: false, stepMin: 1, of: (probe) => probe.streams ?? 1 };
}

/** The answer as a line, its interval as a band. */
export function answerBand(result: Result, x: Scale | undefined): readonly Markup[] {
  const { maxRate } = result;
  if (maxRate === null || x === undefined) return [];
  const low = x.at(maxRate.low);
  const high = Math.min(right, x.at(maxRate.high ?? maxRate.low));
  const at = px(x.at(maxRate.requestsPerSecond));
  const isLate = at > (left + right) / 2;
  return [
    markup`<rect class="band" x="${px(low)}" y="${top}" width="${px(Math.max(1, high - low))}" height="${bottom - top}"/>`,
    markup`<line class="answer" x1="${at}" x2="${at}" y1="${top}" y2="${bottom}"/>`,
    markup`<text class="tall-label" x="${px(isLate ? low - 4 : high + 4)}" y="${top + 10}" text-anchor="${isLate ? "end" : "start"}">${maxRate.high === null ? "≥ " : ""}${rate(maxRate.requestsPerSecond)}/s</text>`,
  ];
}

/** ", FAIL" and the like, to end a tooltip with. */
export function verdictSuffix(probe: ProbeView): string {
  const word = verdictWord(probe);
  return word === "" ? "" : `, ${word}`;
}
