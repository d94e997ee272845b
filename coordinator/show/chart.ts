import { lines, markup, NO_MARKUP, type Markup } from "./markup.ts";
import type { ProbeView } from "./result.ts";
import type { Scale } from "./scale.ts";

/**
 * One size for all charts. It is small, so that the text stays readable when a phone shows it 360 px wide; wide
 * screens place two side by side.
 */
export const FRAME = {
  width: 440,
  height: 300,
  left: 54,
  right: 400,
  top: 28,
  bottom: 256,
} as const;

/** The reading order of a chart: what it is, for those who do not see it too. */
export interface ChartText {
  readonly id: string;
  readonly title: string;
  readonly subtitle: string;
  /** What the chart shows, in a sentence or two; for screen readers. */
  readonly description: string;
}

/** A chart in its figure. */
export function figure(text: ChartText, content: readonly Markup[], legend: Markup): Markup {
  const { id } = text;
  return lines([
    markup`<figure>`,
    markup`<figcaption>${text.title}<small>${text.subtitle}</small></figcaption>`,
    markup`<svg viewBox="0 0 ${FRAME.width} ${FRAME.height}" role="img" aria-labelledby="${id}-t ${id}-d">`,
    markup`<title id="${id}-t">${text.title}</title><desc id="${id}-d">${text.description}</desc>`,
    ...content,
    markup`</svg>`,
    legend,
    markup`</figure>`,
  ]);
}

/** Grid, tick labels and the names of both axes. */
export function axes(
  x: Scale,
  y: Scale,
  names: { x: string; y: string; yTick?: (tick: number) => string },
): readonly Markup[] {
  const { left, right, bottom, height } = FRAME;
  const horizontal = y.ticks.map((tick) => {
    const at = px(y.at(tick));
    return markup`<line class="grid" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text x="${left - 6}" y="${at + 4}" text-anchor="end">${(names.yTick ?? tickText)(tick)}</text>`;
  });
  const vertical = x.ticks.map((tick) => {
    const at = px(x.at(tick));
    return markup`<text x="${at}" y="${bottom + 17}" text-anchor="middle">${tickText(tick)}</text>`;
  });
  return [
    ...horizontal,
    ...vertical,
    markup`<line class="axis" x1="${left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`,
    markup`<text x="${(left + right) / 2}" y="${height - 6}" text-anchor="middle">${names.x}</text>`,
    markup`<text x="2" y="14">${names.y}</text>`,
  ];
}

/** Where it lies in the chart, px. */
export type Point = readonly [number, number];

/** A line through points, from the left to the right. */
export function polyline(name: string, points: readonly Point[]): Markup {
  if (points.length < 2) return NO_MARKUP;
  const path = points.map(([x, y]) => `${px(x)},${px(y)}`).join(" ");
  return markup`<polyline class="series ${name}" points="${path}"/>`;
}

/** How a probe is marked; "void" was the generator's doing, "none" has no SLO. */
export type Mark = "met" | "violated" | "undecided" | "void" | "none";

export function markOf(probe: ProbeView): Mark {
  if (probe.validity.verdict === "invalid") return "void";
  return probe.verdict ?? "none";
}

/** A disc, a cross, a diamond, or a dashed ring, with a tooltip. */
export function drawMark(mark: Mark, at: { x: number; y: number }, tooltip: string): Markup {
  const x = px(at.x);
  const y = px(at.y);
  const title = tooltip === "" ? NO_MARKUP : markup`<title>${tooltip}</title>`;
  switch (mark) {
    case "met":
    case "none":
      return markup`<circle class="mark ${mark}" cx="${x}" cy="${y}" r="3.5">${title}</circle>`;
    case "void":
      return markup`<circle class="mark void" cx="${x}" cy="${y}" r="4">${title}</circle>`;
    case "violated":
      return markup`<path class="mark violated" d="M${x - 4} ${y - 4}l8 8m0 -8l-8 8">${title}</path>`;
    case "undecided":
      return markup`<path class="mark undecided" d="M${x} ${y - 5}l5 5l-5 5l-5 -5z">${title}</path>`;
  }
}

const MARK_WORDS = {
  met: "PASS",
  violated: "FAIL",
  undecided: "UNDECIDED",
  void: "void: the generator's fault",
  none: "window",
} as const satisfies Record<Mark, string>;

/** The marks that occur, in words. */
export function markLegend(probes: readonly ProbeView[]): Markup {
  const marks = [...new Set(probes.map(markOf))];
  if (marks.length === 1 && marks[0] === "none") return NO_MARKUP;
  const isTargets = probes.some(({ validity }) => validity.isOfTarget === true);
  const items = marks.map(
    (mark) =>
      markup`<li><svg viewBox="0 0 14 14" aria-hidden="true">${drawMark(mark, { x: 7, y: 7 }, "")}</svg>${mark === "void" && isTargets ? "void" : MARK_WORDS[mark]}</li>`,
  );
  return markup`<ul class="legend">${items}</ul>`;
}

/** Whole tenths of a pixel: enough for the eye, short in the file. */
export function px(value: number): number {
  return Math.round(value * 10) / 10;
}

function tickText(tick: number): string {
  return tick >= 10_000 ? `${tick / 1_000}k` : String(Number(tick.toPrecision(6)));
}
