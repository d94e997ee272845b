import { axes, drawMark, figure, FRAME, markLegend, markOf, px } from "./chart.ts";
import { rate, seconds } from "./format.ts";
import { load } from "./headline.ts";
import { loadAxis, verdictSuffix } from "./load-axis.ts";
import { markup, NO_MARKUP, type Markup } from "./markup.ts";
import type { ProbeView, Result, SegmentView } from "./result.ts";
import { linearScale, type Scale } from "./scale.ts";
import { serverOverTime } from "./server-overlay.ts";

const { left, right, top, bottom } = FRAME;

/** Segments without a load of their own are drawn this high. */
const FOOT_PX = 6;

interface Scales {
  readonly x: Scale;
  readonly y: Scale;
}

/** The whole run: what was sent when, the recorded windows filled, and how each was judged. */
export function timeLineChart(result: Result): Markup {
  const { probes, timeLine = [] } = result;
  const axis = loadAxis(probes);
  const ends = [
    ...probes.map((probe) => probe.startS + probe.durationS),
    ...timeLine.map(({ endS }) => endS),
  ];
  const x = linearScale(Math.max(1e-3, ...ends), { from: left, to: right });
  const y = linearScale(Math.max(1e-3, ...probes.map(axis.of)), {
    from: bottom,
    to: top,
    stepMin: axis.stepMin,
  });
  const server = serverOverTime(result, x);
  const heightOf = (segment: SegmentView): number => loadOf(segment, axis.isRate) ?? 0;
  return figure(
    {
      id: "chart-time",
      title: "The whole run over time",
      subtitle:
        timeLine.length === 0
          ? "each recorded window, as high as its load"
          : "pale: load that was sent; filled: recorded windows, as high as their load",
      description: probes
        .map((probe) => `${seconds(probe.startS)}: ${load(probe)}${verdictSuffix(probe)}`)
        .join("; "),
    },
    [
      ...axes(x, y, { x: "seconds since the first segment", y: axis.name }),
      ...timeLine.map((segment) => segmentBar(segment, { x, y }, heightOf(segment))),
      ...probes.map((probe) => windowBar(probe, { x, y }, axis.of(probe))),
      ...server.content,
    ],
    markup`${markLegend(probes)}${timeLine.length === 0 ? NO_MARKUP : kinds(timeLine)}${server.legend}`,
  );
}

function loadOf(segment: SegmentView, isRate: boolean): number | null {
  return isRate ? segment.requestsPerSecond : segment.streams;
}

/** From its start to where the next one took over; what was no load of the axis is a strip at the foot. */
function segmentBar(segment: SegmentView, { x, y }: Scales, height: number): Markup {
  const from = x.at(segment.startS);
  const width = Math.max(1, x.at(segment.endS) - from);
  const at = height > 0 ? y.at(height) : bottom - FOOT_PX;
  const name = segment.mode === "idle" ? "idle" : height > 0 ? "sent" : "foot";
  const cut = segment.isCutOff ? ", void: its coordinator was killed" : "";
  const tooltip = `segment ${segment.segment}, ${segment.purpose}, ${wordsOf(segment)}, ${seconds(segment.startS)} to ${seconds(segment.endS)}${cut}`;
  return markup`<rect class="sent ${name}" x="${px(from)}" y="${px(at)}" width="${px(width)}" height="${px(bottom - at)}"><title>${tooltip}</title></rect>`;
}

function wordsOf({ mode, requestsPerSecond, streams }: SegmentView): string {
  if (requestsPerSecond !== null) return `${rate(requestsPerSecond)} requests/s`;
  if (mode === "serial") return "one request at a time";
  if (mode === "idle") return "no load";
  return streams === null ? mode : `${streams} streams`;
}

function windowBar(probe: ProbeView, { x, y }: Scales, height: number): Markup {
  const from = x.at(probe.startS);
  const width = Math.max(2, x.at(probe.startS + probe.durationS) - from - 1);
  const at = y.at(height);
  const tooltip = `${probe.purpose}, ${load(probe)} from ${seconds(probe.startS)} for ${seconds(probe.durationS)}${verdictSuffix(probe)}`;
  return markup`<rect class="bar ${markOf(probe)}" x="${px(from)}" y="${px(at)}" width="${px(width)}" height="${px(bottom - at)}"><title>${tooltip}</title></rect>${drawMark(markOf(probe), { x: from + width / 2, y: at - 8 }, "")}`;
}

/** How the run's time was spent, in words. */
function kinds(timeLine: readonly SegmentView[]): Markup {
  const spent = new Map<string, number>();
  for (const { purpose, startS, endS } of timeLine)
    spent.set(purpose, (spent.get(purpose) ?? 0) + endS - startS);
  const items = [...spent].map(([purpose, s]) => markup`<li>${purpose} ${seconds(s)}</li>`);
  return items.length === 0 ? NO_MARKUP : markup`<ul class="legend">${items}</ul>`;
}
