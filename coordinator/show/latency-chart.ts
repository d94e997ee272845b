import { axes, drawMark, figure, FRAME, markLegend, markOf, polyline, px } from "./chart.ts";
import { ms } from "./format.ts";
import { load } from "./headline.ts";
import { loadAxis, loadScale, rateMarks, verdictSuffix } from "./load-axis.ts";
import { markup, type Markup } from "./markup.ts";
import type { MetricsView, ProbeView, Result, SloClauseView, Summary } from "./result.ts";
import { logScale, type Scale } from "./scale.ts";
import { serverOverLoad } from "./server-overlay.ts";

const { left, right, top, bottom } = FRAME;

const FROM_INTENDED = "counted from the intended send time";
const FROM_SENT = "counted from the actual send time";

/** The metrics a chart can be drawn of, by the SLO's name for them. */
const CHARTED = {
  ttft: { key: "ttftMs", title: "Time to first token", counted: FROM_INTENDED },
  itl: {
    key: "itlMs",
    title: "Inter-token latency",
    counted: "a request's mean time per output token",
  },
  gap: { key: "gapMs", title: "Gap between events", counted: "every gap of every request" },
  max_gap: { key: "maxGapMs", title: "Largest gap of a request", counted: "one value a request" },
  e2e: { key: "e2eMs", title: "End-to-end latency", counted: FROM_INTENDED },
  service_ttft: { key: "serviceTtftMs", title: "Service time to first token", counted: FROM_SENT },
  service_e2e: { key: "serviceE2eMs", title: "Service end-to-end latency", counted: FROM_SENT },
} as const satisfies Record<string, { key: keyof MetricsView; title: string; counted: string }>;
type Charted = keyof typeof CHARTED;

/** Room above the highest value, so that a limit up there is not taken for the frame. */
const HEADROOM = 1.15;

const CURVES = ["p50", "p90", "p99"] as const;

/** TTFT first, then every other latency the SLO limits; each against the load. */
export function latencyCharts(result: Result): readonly Markup[] {
  const limited = result.slo.map((clause) => clause.metric).filter(isCharted);
  return [...new Set<Charted>(["ttft", ...limited])].map((metric) => latencyChart(result, metric));
}

function isCharted(metric: string): metric is Charted {
  return metric in CHARTED;
}

function latencyChart(result: Result, metric: Charted): Markup {
  const { key, title, counted } = CHARTED[metric];
  const axis = loadAxis(result.probes);
  const limits = result.slo.filter((clause) => clause.metric === metric && clause.unit === "ms");
  const points = result.probes
    .map((probe) => ({ probe, at: axis.of(probe), summary: probe[key] }))
    .sort((a, b) => a.at - b.at);
  const values = [
    ...points.flatMap(({ summary }) => CURVES.map((curve) => summary[curve])),
    ...limits.map((clause) => clause.limit),
  ]
    .filter((value) => value !== null)
    .filter((value) => value > 0);
  const x = loadScale(result, axis);
  const y = logScale(
    Math.max(1e-3, Math.min(...(values.length === 0 ? [1] : values))),
    Math.max(1e-3, ...values) * HEADROOM,
    { from: bottom, to: top },
  );

  const trusted = points.filter(({ probe }) => markOf(probe) !== "void");
  const server = serverOverLoad(result, trusted, x);
  const curves = CURVES.map((curve) => ({
    curve,
    points: trusted.flatMap(({ at, summary }) => toPoint({ x, y }, at, summary[curve])),
  }));
  const content = [
    ...axes(x, y, { x: axis.name, y: "ms (log)" }),
    ...rateMarks(result, axis.isRate ? x : undefined),
    ...server.content,
    ...limits.map((clause) => limitLine(clause, y)),
    ...curves.map(({ curve, points: line }) => polyline(curve, line)),
    ...points.flatMap(({ probe, at, summary }) => marks(probe, { x, y, at }, summary)),
    ...endLabels(curves),
  ];
  return figure(
    {
      id: `chart-${metric}`,
      title: `${title} against load`,
      subtitle: `p50, p90 and p99 of each window; ${counted}`,
      description: describe(result, key),
    },
    content,
    markup`${markLegend(result.probes)}${server.legend}`,
  );
}

function toPoint(
  scales: { x: Scale; y: Scale },
  at: number,
  value: number | null,
): readonly (readonly [number, number])[] {
  return value === null ? [] : [[scales.x.at(at), scales.y.at(value)]];
}

/** Dots for p50 and p90; the verdict's mark on the highest quantile that is known. */
function marks(
  probe: ProbeView,
  at: { x: Scale; y: Scale; at: number },
  summary: Summary,
): readonly Markup[] {
  const known = CURVES.filter((curve) => summary[curve] !== null);
  const topmost = known.at(-1);
  const x = at.x.at(at.at);
  return known.map((curve) => {
    const value = summary[curve] ?? 0;
    const y = at.y.at(value);
    const tooltip = `${load(probe)}: ${curve} ${ms(value)} ms${verdictSuffix(probe)}`;
    if (curve === topmost) return drawMark(markOf(probe), { x, y }, tooltip);
    return markup`<circle class="dot ${curve}" cx="${px(x)}" cy="${px(y)}" r="2.5"><title>${tooltip}</title></circle>`;
  });
}

function limitLine(clause: SloClauseView, y: Scale): Markup {
  const at = px(y.at(clause.limit));
  return markup`<line class="limit" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/><text class="limit-label" x="${left + 4}" y="${at - 5}">${clause.text}</text>`;
}

/** Names at the right end of the curves, at least a line of text apart. */
function endLabels(
  curves: readonly { curve: string; points: readonly (readonly [number, number])[] }[],
): readonly Markup[] {
  const LINE_HEIGHT = 15;
  let lowest = bottom + 4 + LINE_HEIGHT;
  return curves.flatMap(({ curve, points }) => {
    const end = points.at(-1);
    if (end === undefined) return [];
    lowest = Math.min(end[1] + 4, lowest - LINE_HEIGHT);
    return [markup`<text x="${px(end[0] + 9)}" y="${px(lowest)}">${curve}</text>`];
  });
}

function describe(result: Result, key: keyof MetricsView): string {
  const windows = result.probes.map((probe) => {
    const { p50, p99 } = probe[key];
    const told = (value: number | null): string => (value === null ? "unknown" : `${ms(value)} ms`);
    return `${load(probe)}: p50 ${told(p50)}, p99 ${told(p99)}${verdictSuffix(probe)}`;
  });
  return windows.join("; ");
}
