import { NS_PER_SECOND } from "../../shared/units.ts";
import { mean, pointsIn, type Point, type Stretch } from "./points.ts";
import type { Gauge } from "./replica-track.ts";
import type { ServerLog } from "./server-log.ts";
import { together } from "./window.ts";

/** Gauges over time, for pictures. Null where nothing was told. */
export interface ServerSeries {
  /** The middle of each step, s from the stretch's start. */
  readonly atS: readonly number[];
  readonly waiting: readonly (number | null)[];
  readonly running: readonly (number | null)[];
  readonly kvUse: readonly (number | null)[];
}

/** As many as a picture can show; a longer run has longer steps. */
const STEPS_MAX = 240;

/** Means over equal steps of a second or more. */
export function serverSeriesOf(log: ServerLog, stretch: Stretch): ServerSeries {
  const lengthNs = stretch.untilNs - stretch.fromNs;
  const steps = Math.min(STEPS_MAX, Math.max(1, Math.floor(lengthNs / NS_PER_SECOND)));
  const stepNs = lengthNs / steps;
  const replicas = log.tracks.filter((track) => track.gauge("kvUse").length > 0).length;
  const kvUse = together(log.tracks, "kvUse", stretch).map(({ atNs, value }) => ({
    atNs,
    value: value / replicas,
  }));
  const stepped = (points: readonly Point[]): readonly (number | null)[] =>
    Array.from({ length: steps }, (_, step) => {
      const fromNs = stretch.fromNs + step * stepNs;
      const within = pointsIn(points, { fromNs, untilNs: fromNs + stepNs - 1 });
      return rounded(mean(within.map(({ value }) => value)));
    });
  const gauge = (name: Gauge): readonly (number | null)[] =>
    stepped(together(log.tracks, name, stretch));
  return {
    atS: Array.from(
      { length: steps },
      (_, step) => Math.round(((step + 0.5) * stepNs) / (NS_PER_SECOND / 1_000)) / 1_000,
    ),
    waiting: gauge("waiting"),
    running: gauge("running"),
    kvUse: stepped(kvUse),
  };
}

function rounded(value: number | null): number | null {
  return value === null ? null : Math.round(value * 1e4) / 1e4;
}
