import { axes, drawMark, figure, FRAME, markLegend, markOf, px } from "./chart.ts";
import { seconds } from "./format.ts";
import { load } from "./headline.ts";
import { loadAxis, verdictSuffix } from "./load-axis.ts";
import { markup, type Markup } from "./markup.ts";
import type { Result } from "./result.ts";
import { linearScale } from "./scale.ts";

const { left, right, top, bottom } = FRAME;

/** When which load was recorded, and how it was judged. */
export function timeLineChart(result: Result): Markup {
  const { probes } = result;
  const axis = loadAxis(probes);
  const end = Math.max(1e-3, ...probes.map((probe) => probe.startS + probe.durationS));
  const x = linearScale(end, { from: left, to: right });
  const y = linearScale(Math.max(1e-3, ...probes.map(axis.of)), {
    from: bottom,
    to: top,
    stepMin: axis.stepMin,
  });
  const bars = probes.map((probe) => {
    const from = x.at(probe.startS);
    const width = Math.max(2, x.at(probe.startS + probe.durationS) - from - 1);
    const height = y.at(axis.of(probe));
    const tooltip = `${probe.purpose}, ${load(probe)} from ${seconds(probe.startS)} for ${seconds(probe.durationS)}${verdictSuffix(probe)}`;
    return markup`<rect class="bar ${markOf(probe)}" x="${px(from)}" y="${px(height)}" width="${px(width)}" height="${px(bottom - height)}"><title>${tooltip}</title></rect>${drawMark(markOf(probe), { x: from + width / 2, y: height - 8 }, "")}`;
  });
  return figure(
    {
      id: "chart-time",
      title: "Windows over time",
      subtitle: "each recorded window, as high as its load",
      description: probes
        .map((probe) => `${seconds(probe.startS)}: ${load(probe)}${verdictSuffix(probe)}`)
        .join("; "),
    },
    [...axes(x, y, { x: "seconds since the first segment", y: axis.name }), ...bars],
    markLegend(probes),
  );
}
