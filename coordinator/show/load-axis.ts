import { FRAME, px } from "./chart.ts";
import { rate, verdictWord } from "./format.ts";
import { markup, type Markup } from "./markup.ts";
import type { ProbeView, Result } from "./result.ts";
import { linearScale, type Scale } from "./scale.ts";

const { left, right, top, bottom } = FRAME;
const LINE_HEIGHT = 15;

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
    const of = (probe: ProbeView): number => probe.requestsPerSecond ?? probe.completedPerSecond;
    return { name: "offered requests/s", isRate: true, stepMin: 0, of };
  }
  return { name: "streams", isRate: false, stepMin: 1, of: (probe) => probe.streams ?? 1 };
}

/** From nothing to the highest load, saturation within it if there is one. */
export function loadScale(result: Result, axis: LoadAxis): Scale {
  const loads = result.probes.map(axis.of);
  const marks = axis.isRate
    ? [result.saturation?.requestsPerSecond ?? 0, result.maxRate?.high ?? 0]
    : [];
  return linearScale(Math.max(1e-3, ...loads, ...marks), {
    from: left,
    to: right,
    stepMin: axis.stepMin,
  });
}

/** The answer as a line with its interval as a band; knee and saturation as lines. One label below the other. */
export function rateMarks(
  result: Result,
  x: Scale | undefined,
  options: { readonly saturation: boolean } = { saturation: true },
): readonly Markup[] {
  if (x === undefined) return [];
  const { maxRate, knee, saturation } = result;
  const marks: Markup[] = [];
  if (maxRate !== null) {
    const low = x.at(maxRate.low);
    const high = Math.min(right, x.at(maxRate.high ?? maxRate.low));
    const text = `${maxRate.high === null ? "≥ " : ""}${rate(maxRate.requestsPerSecond)}/s`;
    marks.push(
      markup`<rect class="band" x="${px(low)}" y="${top}" width="${px(Math.max(1, high - low))}" height="${bottom - top}"/>`,
      line("answer", x.at(maxRate.requestsPerSecond)),
      label({ at: { low, high }, row: 0, name: "tall-label" }, text),
    );
  }
  if (knee !== null) {
    const at = x.at(knee.requestsPerSecond);
    marks.push(
      line("knee", at),
      label({ at: { low: at, high: at }, row: 1, name: "rate-label" }, "knee"),
    );
  }
  if (saturation !== null && options.saturation) {
    const at = x.at(saturation.requestsPerSecond);
    marks.push(
      line("saturation", at),
      label({ at: { low: at, high: at }, row: 2, name: "rate-label" }, "saturation"),
    );
  }
  return marks;
}

function line(name: string, at: number): Markup {
  return markup`<line class="${name}" x1="${px(at)}" x2="${px(at)}" y1="${top}" y2="${bottom}"/>`;
}

/** Left of its line where that lies in the right half. */
function label(
  place: {
    readonly at: { readonly low: number; readonly high: number };
    readonly row: number;
    readonly name: string;
  },
  text: string,
): Markup {
  const { low, high } = place.at;
  const isLate = high > (left + right) / 2;
  return markup`<text class="${place.name}" x="${px(isLate ? low - 4 : high + 4)}" y="${top + 10 + LINE_HEIGHT * place.row}" text-anchor="${isLate ? "end" : "start"}">${text}</text>`;
}

/** ", FAIL" and the like, to end a tooltip with. */
export function verdictSuffix(probe: ProbeView): string {
  const word = verdictWord(probe);
  return word === "" ? "" : `, ${word}`;
}
