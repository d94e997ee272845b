import { axes, figure, FRAME, polyline, px } from "../show/chart.ts";
import { percent, rate, VERDICT_WORDS } from "../show/format.ts";
import { STYLE } from "../show/html-style.ts";
import { lines, markup, trusted, type Markup } from "../show/markup.ts";
import { linearScale, type Scale } from "../show/scale.ts";
import type { Replay } from "./replay.ts";
import { factLines } from "./replay-text.ts";
import { ruleText } from "./scaling-rule.ts";
import type { SimulatedMinute, Simulation } from "./simulation.ts";

const { left, right, top, bottom } = FRAME;
const SECONDS_PER_HOUR = 3_600;
/** Points of a line: as many as there are pixels. */
const POINTS_MAX = 360;
const MISS_HEIGHT_PX = 8;

/** A replay as one self-contained page: a picture a rule, all on the same axes. */
export function replayPage(replay: Replay, title: string): string {
  const { forecast, simulations, calibration } = replay;
  const { sustainedPerSecond } = calibration.measured;
  const highest = Math.max(
    ...simulations.flatMap(({ minutes }) =>
      minutes.map((minute) => Math.max(minute.ratePerSecond, minute.ready * sustainedPerSecond)),
    ),
  );
  const scales = {
    x: linearScale(forecast.durationS / SECONDS_PER_HOUR, { from: left, to: right }),
    y: linearScale(highest, { from: bottom, to: top }),
  };
  const page = lines([
    markup`<!doctype html>`,
    markup`<html lang="en">`,
    markup`<head>`,
    markup`<meta charset="utf-8">`,
    markup`<meta name="viewport" content="width=device-width, initial-scale=1">`,
    markup`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    markup`<title>${title}</title>`,
    markup`<style>${trusted(STYLE)}</style>`,
    markup`</head>`,
    markup`<body>`,
    markup`<header><p>Loadline calibrate simulate</p><h1>${title}</h1></header>`,
    markup`<main>`,
    markup`<section class="charts" aria-label="Charts">${simulations.map((each, place) => chart(each, { ...scales, sustainedPerSecond, place }))}</section>`,
    markup`<section aria-label="What to know">${factLines(replay).map((line) => markup`<p class="note">${line}</p>`)}</section>`,
    markup`</main>`,
    markup`</body>`,
    markup`</html>`,
  ]);
  return `${page.markup}\n`;
}

interface ChartInput {
  readonly x: Scale;
  readonly y: Scale;
  readonly sustainedPerSecond: number;
  readonly place: number;
}

function chart(simulation: Simulation, { x, y, sustainedPerSecond, place }: ChartInput): Markup {
  const { rule, minutes, meetsSlo, replicaHours, minutesWithinFraction } = simulation;
  const every = Math.max(1, Math.ceil(minutes.length / POINTS_MAX));
  const shown = minutes.filter((_, index) => index % every === 0);
  const at = (minute: SimulatedMinute): number => x.at(minute.atS / SECONDS_PER_HOUR);
  const verdict = VERDICT_WORDS[meetsSlo ? "met" : "violated"];
  return figure(
    {
      id: `rule-${place}`,
      title: `${ruleText(rule)}: ${verdict}`,
      subtitle: `${rate(replicaHours)} replica-hours, ${percent(minutesWithinFraction)} of the minutes within the SLO`,
      description: `The load and what the ready replicas carry within the SLO, over ${rate((minutes.at(-1)?.atS ?? 0) / SECONDS_PER_HOUR)} hours.`,
    },
    [
      ...axes(x, y, { x: "hours", y: "requests/s" }),
      polyline(
        "p50",
        shown.map((minute) => [at(minute), y.at(minute.ready * sustainedPerSecond)]),
      ),
      polyline(
        "p99",
        shown.map((minute) => [at(minute), y.at(minute.ratePerSecond)]),
      ),
      ...misses(minutes).map(([fromS, toS]) => {
        const from = x.at(fromS / SECONDS_PER_HOUR);
        const width = Math.max(1, x.at(toS / SECONDS_PER_HOUR) - from);
        return markup`<rect class="bar violated" x="${px(from)}" y="${bottom - MISS_HEIGHT_PX}" width="${px(width)}" height="${MISS_HEIGHT_PX}"><title>past the SLO for ${Math.round((toS - fromS) / 60)} min</title></rect>`;
      }),
    ],
    LEGEND,
  );
}

function swatch(name: string): Markup {
  return markup`<svg viewBox="0 0 14 14" aria-hidden="true"><line class="series ${name}" x1="0" x2="14" y1="7" y2="7"/></svg>`;
}

const LEGEND = markup`<ul class="legend"><li>${swatch("p99")}load</li><li>${swatch("p50")}carried within the SLO by the ready replicas</li><li><svg viewBox="0 0 14 14" aria-hidden="true"><rect class="bar violated" x="1" y="3" width="12" height="8"/></svg>minutes past the SLO</li></ul>`;

/** Stretches of minutes past the SLO, from and to, s. */
function misses(minutes: readonly SimulatedMinute[]): readonly (readonly [number, number])[] {
  const stretches: [number, number][] = [];
  for (const { atS, meetsSlo } of minutes) {
    if (meetsSlo) continue;
    const last = stretches.at(-1);
    if (last !== undefined && last[1] === atS - 60) last[1] = atS;
    else stretches.push([atS - 60, atS]);
  }
  return stretches;
}
