import {
  axes,
  drawMark,
  figure,
  FRAME,
  markLegend,
  markOf,
  polyline,
  type Point,
} from "./chart.ts";
import { ms, rate } from "./format.ts";
import { load } from "./headline.ts";
import { loadAxis, rateMarks, verdictSuffix } from "./load-axis.ts";
import { NO_MARKUP, type Markup } from "./markup.ts";
import type { ProbeView, Result } from "./result.ts";
import { linearScale, logScale } from "./scale.ts";

const { left, right, top, bottom } = FRAME;
const HEADROOM = 1.15;

/**
 * What a request pays for what the server carries: end-to-end latency against completed requests. Past saturation the
 * line turns back on itself, with more latency for no more throughput.
 */
export function throughputLatencyChart(result: Result): Markup {
  const axis = loadAxis(result.probes);
  const points = result.probes.flatMap((probe) => {
    const { p50, mean } = probe.e2eMs;
    const latency = p50 ?? mean;
    return latency === null || latency <= 0 ? [] : [{ probe, latency }];
  });
  if (points.length < 2) return NO_MARKUP;
  const saturation = result.saturation?.requestsPerSecond ?? 0;
  const x = linearScale(
    Math.max(1e-3, saturation, ...points.map(({ probe }) => probe.completedPerSecond)),
    { from: left, to: right },
  );
  const latencies = points.map(({ latency }) => latency);
  const y = logScale(Math.min(...latencies), Math.max(...latencies) * HEADROOM, {
    from: bottom,
    to: top,
  });
  const placeOf = ({ probe, latency }: (typeof points)[number]): Point => [
    x.at(probe.completedPerSecond),
    y.at(latency),
  ];
  const line = points
    .filter(({ probe }) => markOf(probe) !== "void")
    .sort((a, b) => axis.of(a.probe) - axis.of(b.probe))
    .map(placeOf);
  return figure(
    {
      id: "chart-throughput-latency",
      title: "Latency against throughput",
      subtitle: "end-to-end p50 of each window, in the order of load",
      description: points.map(({ probe, latency }) => tooltipOf(probe, latency)).join("; "),
    },
    [
      ...axes(x, y, { x: "completed requests/s", y: "ms (log)" }),
      ...rateMarks({ ...result, maxRate: null }, x),
      polyline("p90", line),
      ...points.map((point) => {
        const [atX, atY] = placeOf(point);
        const tooltip = tooltipOf(point.probe, point.latency);
        return drawMark(markOf(point.probe), { x: atX, y: atY }, tooltip);
      }),
    ],
    markLegend(result.probes),
  );
}

function tooltipOf(probe: ProbeView, latency: number): string {
  return `${load(probe)}: ${rate(probe.completedPerSecond)}/s completed, end-to-end ${ms(latency)} ms${verdictSuffix(probe)}`;
}
