import { FRAME, type Point, polyline, px } from "./chart.ts";
import { count, percent, rate } from "./format.ts";
import { load } from "./headline.ts";
import { markup, NO_MARKUP, type Markup } from "./markup.ts";
import type { ProbeView, Result } from "./result.ts";
import { linearScale, type Scale } from "./scale.ts";

const { top, bottom } = FRAME;

const LINES = ["running", "waiting", "kvUse"] as const;
type Line = (typeof LINES)[number];

const NAMES = { running: "running", waiting: "waiting", kvUse: "KV cache" } as const;

/** What the target said of itself, to lie over a chart; it has scales of its own, which the legend tells. */
export interface ServerOverlay {
  readonly content: readonly Markup[];
  readonly legend: Markup;
}

const NO_OVERLAY: ServerOverlay = { content: [], legend: NO_MARKUP };

/** A value and the place of it on the horizontal axis, px; null where nothing was told. */
interface Told {
  readonly x: number;
  readonly value: number | null;
  /** Empty: without a dot. */
  readonly tooltip: string;
}

/** Requests at the server and its cache's use over the whole run. */
export function serverOverTime({ server }: Result, x: Scale): ServerOverlay {
  if (server === undefined) return NO_OVERLAY;
  const { series } = server;
  return overlay((line) =>
    series[line].map((value, step) => ({ x: x.at(series.atS[step] ?? 0), value, tooltip: "" })),
  );
}

/** The same against the load, one point a window. */
export function serverOverLoad(
  { server }: Result,
  points: readonly { readonly probe: ProbeView; readonly at: number }[],
  x: Scale,
): ServerOverlay {
  if (server === undefined) return NO_OVERLAY;
  return overlay((line) =>
    points.map(({ probe, at }) => {
      const value = probe.server?.[`${line}Mean`] ?? null;
      const tooltip = value === null ? "" : `${load(probe)}: ${words(line, value)} at the server`;
      return { x: x.at(at), value, tooltip };
    }),
  );
}

function words(line: Line, value: number): string {
  return line === "kvUse" ? `KV cache ${percent(value)}` : `${rate(value)} ${NAMES[line]}`;
}

function overlay(toldOf: (line: Line) => readonly Told[]): ServerOverlay {
  const told = LINES.map((line) => ({ line, points: toldOf(line) })).filter(({ points }) =>
    points.some(({ value }) => value !== null),
  );
  const requests = told
    .filter(({ line }) => line !== "kvUse")
    .flatMap(({ points }) => points.map(({ value }) => value ?? 0));
  const span = { from: bottom, to: top };
  const y = linearScale(Math.max(1, ...requests), span);
  const full = linearScale(1, span);
  const content = told.flatMap(({ line, points }) =>
    drawn(line, points, line === "kvUse" ? full : y),
  );
  return {
    content,
    legend: legendOf(
      told.map(({ line }) => line),
      y,
    ),
  };
}

/** A line for each stretch without a gap, and a dot where there is something to say. */
function drawn(line: Line, points: readonly Told[], y: Scale): readonly Markup[] {
  const stretches: Point[][] = [[]];
  for (const { x, value } of points) {
    if (value === null) stretches.push([]);
    else stretches.at(-1)?.push([x, y.at(value)]);
  }
  const dots = points.map(({ x, value, tooltip }) =>
    value === null || tooltip === ""
      ? NO_MARKUP
      : markup`<circle class="dot server-${line}" cx="${px(x)}" cy="${px(y.at(value))}" r="2.5"><title>${tooltip}</title></circle>`,
  );
  return [
    // So that it is seen on a bar of any colour.
    ...stretches.map((stretch) => polyline("server-halo", stretch)),
    ...stretches.map((stretch) => polyline(`server-${line}`, stretch)),
    ...dots,
  ];
}

function legendOf(lines: readonly Line[], y: Scale): Markup {
  if (lines.length === 0) return NO_MARKUP;
  const topmost = count(y.ticks.at(-1) ?? 1);
  const items = lines.map((line) => {
    const scale = line === "kvUse" ? "100 %" : topmost;
    return markup`<li><svg viewBox="0 0 14 14" aria-hidden="true"><line class="series server-${line}" x1="0" x2="14" y1="7" y2="7"/></svg>server: ${NAMES[line]} (top: ${scale})</li>`;
  });
  return markup`<ul class="legend">${items}</ul>`;
}
