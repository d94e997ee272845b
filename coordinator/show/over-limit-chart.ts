import {
  axes,
  drawMark,
  figure,
  FRAME,
  markLegend,
  type Mark,
  markOf,
  polyline,
  px,
  type Point,
} from "./chart.ts";
import { chosen, count, percent } from "./format.ts";
import { load } from "./headline.ts";
import { type LoadAxis, loadAxis, loadScale, rateMarks, verdictSuffix } from "./load-axis.ts";
import { markup, NO_MARKUP, type Markup } from "./markup.ts";
import type { CurveView, ProbeView, Result, SloClauseView } from "./result.ts";
import { logScale, type Scale } from "./scale.ts";

const { left, right, bottom, top } = FRAME;

/** A page is no wall: of a long SLO the first clauses have their chart, all have their column in the table. */
const CHARTS_MAX = 4;
/** Below it there is nothing that a window of any length here could show. */
const FRACTION_MIN = 1e-5;
/** Two-sided 95 %. */
const Z = 1.959964;

interface Block {
  readonly probe: ProbeView;
  /** Of this clause alone. */
  readonly mark: Mark;
  readonly at: number;
  readonly over: number;
  readonly total: number;
  readonly low: number;
  readonly high: number;
}

/**
 * How many requests were over a clause's limit, window by window, against the load; with the curve that the search
 * fitted, where it did. This is what a verdict is made of: the answer is where the curve crosses the limit.
 */
export function overLimitCharts(result: Result): readonly Markup[] {
  return result.slo
    .filter(({ metric }) => metric !== "goodput")
    .slice(0, CHARTS_MAX)
    .map((clause, place) => overLimitChart(result, clause, place));
}

function overLimitChart(result: Result, clause: SloClauseView, place: number): Markup {
  const axis = loadAxis(result.probes);
  const clumpFactor = clumpFactorOf(result, clause);
  const blocks = blocksOf(result, { clause, axis, clumpFactor });
  const curve = result.curve?.find((each) => each.clause === clause.text);
  if (blocks.length === 0 && curve === undefined) return NO_MARKUP;
  const limit = curve?.limitFraction ?? limitFractionOf(clause);
  const x = loadScale(result, axis);
  const y = scaleOf(blocks, limit);
  const content = [
    ...axes(x, y, {
      x: axis.name,
      y: "part over the limit (log)",
      yTick: (tick) => percent(tick).replace(" ", ""),
    }),
    ...rateMarks(result, axis.isRate ? x : undefined),
    ...(curve === undefined ? [] : curveMarks(curve, { x, y })),
    limitLine(limit, y),
    ...blocks.map((block) => blockMark(block, { x, y })),
  ];
  return figure(
    {
      id: `chart-over-${place}`,
      title: `Over the limit: ${clause.text}`,
      subtitle: `${percent(limit)} may be; ${subtitleOf(clumpFactor, curve !== undefined)}`,
      description: blocks.map(tooltipOf).join("; "),
    },
    content,
    markLegend(result.probes),
  );
}

/** Over-limit requests come in clumps: so many of them tell no more than one. */
function clumpFactorOf({ maxRate }: Result, clause: SloClauseView): number {
  if (maxRate === null || maxRate.boundBy !== clause.text) return 1;
  return Math.max(1, maxRate.evidence.clumpFactor);
}

function subtitleOf(clumpFactor: number, hasCurve: boolean): string {
  const bars =
    clumpFactor > 1
      ? `bars: 95 %, for clumps of about ${chosen(clumpFactor)}`
      : "bars: 95 %, were requests independent";
  return hasCurve ? `${bars}; curve and band: fitted` : bars;
}

function blocksOf(
  { probes }: Result,
  { clause, axis, clumpFactor }: { clause: SloClauseView; axis: LoadAxis; clumpFactor: number },
): readonly Block[] {
  return probes.flatMap((probe) => {
    const counted = probe.clauses.find((each) => each.text === clause.text);
    if (counted === undefined || counted.total === 0) return [];
    const { overCount: over, total } = counted;
    const mark = markOf(probe) === "void" ? "void" : counted.verdict;
    const bounds = wilson(over, total, clumpFactor);
    return [{ probe, mark, at: axis.of(probe), over, total, ...bounds }];
  });
}

/** Wilson's score interval, of as many independent requests as there are clumps. */
function wilson(over: number, total: number, clumpFactor: number): { low: number; high: number } {
  const n = total / clumpFactor;
  const p = over / total;
  const middle = p + (Z * Z) / (2 * n);
  const reach = Z * Math.sqrt((p * (1 - p)) / n + (Z * Z) / (4 * n * n));
  const scale = 1 + (Z * Z) / n;
  return {
    low: Math.max(0, (middle - reach) / scale),
    high: Math.min(1, (middle + reach) / scale),
  };
}

function limitFractionOf({ stat, limit }: SloClauseView): number {
  return stat === "fraction" ? limit : 1 - Number(stat.slice(1)) / 100;
}

/** From a tenth of the limit, or the least that was seen, to all. */
function scaleOf(blocks: readonly Block[], limit: number): Scale {
  const seen = blocks.flatMap(({ over, total }) => (over === 0 ? [] : [over / total]));
  const least = Math.max(FRACTION_MIN, Math.min(limit / 10, ...seen) * 0.8);
  return logScale(least, 1, { from: bottom, to: top });
}

/** None over the limit lies at the foot of the chart, with its bar above. */
function blockMark(block: Block, { x, y }: Scales): Markup {
  const { mark, at, over, total, low, high } = block;
  const place = px(x.at(at));
  const bar = markup`<line class="bar-95 ${mark}" x1="${place}" x2="${place}" y1="${px(y.at(low))}" y2="${px(y.at(high))}"/>`;
  return markup`${bar}${drawMark(mark, { x: x.at(at), y: y.at(over / total) }, tooltipOf(block))}`;
}

function tooltipOf({ probe, over, total, low, high }: Block): string {
  return `${load(probe)}: ${count(over)} of ${count(total)} over (${percent(low)} to ${percent(high)})${verdictSuffix(probe)}`;
}

interface Scales {
  readonly x: Scale;
  readonly y: Scale;
}

/** As far as the chart goes, to all sides: a curve is fitted beyond the rates that were sent. */
function curveMarks({ points }: CurveView, { x, y }: Scales): readonly Markup[] {
  const floor = y.ticks[0] ?? 0;
  const shown = points
    .map((point) => ({ ...point, at: x.at(point.requestsPerSecond) }))
    .filter(({ at, high }) => at >= left && at <= right + 0.5 && high >= floor)
    .sort((a, b) => a.at - b.at);
  if (shown.length < 2) return [];
  const line = shown
    .filter(({ overFraction }) => overFraction >= floor)
    .map(({ at, overFraction }): Point => [at, y.at(overFraction)]);
  const edge = [
    ...shown.map(({ at, high }): Point => [at, y.at(high)]),
    ...shown.map(({ at, low }): Point => [at, y.at(low)]).reverse(),
  ];
  const outline = edge.map(([atX, atY]) => `${px(atX)},${px(atY)}`).join(" ");
  return [markup`<polygon class="band" points="${outline}"/>`, polyline("p90", line)];
}

function limitLine(limit: number, y: Scale): Markup {
  const at = px(y.at(limit));
  return markup`<line class="limit" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="limit-label" x="${right + 4}" y="${px(at + 4)}">${percent(limit)}</text>`;
}
