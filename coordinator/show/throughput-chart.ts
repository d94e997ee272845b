import { axes, drawMark, figure, FRAME, markLegend, markOf, polyline, px } from "./chart.ts";
import { rate } from "./format.ts";
import { load } from "./headline.ts";
import { loadAxis, loadScale, rateMarks } from "./load-axis.ts";
import { markup, NO_MARKUP, type Markup } from "./markup.ts";
import type { Result } from "./result.ts";
import { linearScale, type Scale } from "./scale.ts";

const { left, right, top, bottom } = FRAME;

/** Requests completed against requests offered; what the server cannot carry falls away from the diagonal. */
export function throughputChart(result: Result): Markup {
  const axis = loadAxis(result.probes);
  const points = result.probes
    .map((probe) => ({ probe, at: axis.of(probe) }))
    .sort((a, b) => a.at - b.at);
  const saturation = result.saturation?.requestsPerSecond;
  const xMax = Math.max(1e-3, ...points.map(({ at }) => at));
  const yMax = Math.max(
    1e-3,
    saturation ?? 0,
    ...points.map(({ probe }) => probe.completedPerSecond),
  );
  const x = loadScale(result, axis);
  const y = linearScale(yMax, { from: bottom, to: top });
  const diagonalEnd = Math.min(xMax, yMax);
  const line = points
    .filter(({ probe }) => markOf(probe) !== "void")
    .map(({ probe, at }) => [x.at(at), y.at(probe.completedPerSecond)] as const);
  return figure(
    {
      id: "chart-throughput",
      title: "Throughput against load",
      subtitle: axis.isRate
        ? "dotted: everything offered is completed"
        : "completed requests per second",
      description: points
        .map(
          ({ probe }) => `${load(probe)}: ${rate(probe.completedPerSecond)} requests/s completed`,
        )
        .join("; "),
    },
    [
      ...axes(x, y, { x: axis.name, y: "completed requests/s" }),
      axis.isRate
        ? markup`<line class="identity" x1="${px(x.at(0))}" y1="${px(y.at(0))}" x2="${px(x.at(diagonalEnd))}" y2="${px(y.at(diagonalEnd))}"/>`
        : NO_MARKUP,
      ...saturationLine(saturation, y),
      ...rateMarks(result, axis.isRate ? x : undefined, { saturation: false }),
      polyline("p90", line),
      ...points.map(({ probe, at }) =>
        drawMark(
          markOf(probe),
          { x: x.at(at), y: y.at(probe.completedPerSecond) },
          `${load(probe)}: ${rate(probe.completedPerSecond)}/s completed, ${rate(probe.outputTokensPerSecond)} tokens/s`,
        ),
      ),
    ],
    markLegend(result.probes),
  );
}

function saturationLine(saturation: number | undefined, y: Scale): readonly Markup[] {
  if (saturation === undefined) return [];
  const at = px(y.at(saturation));
  return [
    markup`<line class="limit" x1="${left}" x2="${right}" y1="${at}" y2="${at}"/>`,
    markup`<text class="limit-label" x="${left + 4}" y="${at + 14}">saturation ${rate(saturation)}/s</text>`,
  ];
}
