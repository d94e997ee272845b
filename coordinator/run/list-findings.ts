import { type CurvePoint, kneedle, mostPower } from "../search/knee.ts";
import type { ProbeView, Result } from "../show/result.ts";

/** A window that falls short of its offered load by more than this, beyond chance, shows the server full. */
const SHORTFALL_FRACTION = 0.1;
/** Half as many streams again that complete hardly more show it full as well. */
const STREAMS_FACTOR = 1.5;
const GAIN_FRACTION = 0.05;

/**
 * What a list of windows shows beside its table: where the server is full, and where its curve turns. Latency is the
 * mean end-to-end time, of all requests of a window; nothing is fitted. Windows that the generator spoilt are left out.
 */
export function listFindings(
  command: Result["command"],
  probes: readonly ProbeView[],
): Pick<Result, "saturation" | "knee"> {
  const valid = probes.filter(({ validity }) => validity.verdict !== "invalid");
  const full = valid.filter((probe) => isFull(probe, valid, command));
  return { saturation: saturationOf(full), knee: kneeOf(valid) };
}

/** The most that was completed where the server was full; its error is what counting alone leaves open. */
function saturationOf(full: readonly ProbeView[]): Result["saturation"] {
  const [most] = [...full].sort((a, b) => b.completedPerSecond - a.completedPerSecond);
  if (most === undefined || most.completedPerSecond === 0) return null;
  const completed = most.completedPerSecond * most.durationS;
  return {
    requestsPerSecond: most.completedPerSecond,
    relativeSd: Math.round(1e4 / Math.sqrt(completed)) / 1e4,
  };
}

function isFull(probe: ProbeView, all: readonly ProbeView[], command: Result["command"]): boolean {
  const { mode, streams, completedPerSecond } = probe;
  if (mode === "open") return fallsShort(probe, all);
  if (mode !== "closed" || streams === null) return false;
  // A sweep asks for more streams than a batch holds.
  return (
    command === "sweep" ||
    all.some(
      (other) =>
        (other.streams ?? Infinity) * STREAMS_FACTOR <= streams &&
        other.completedPerSecond * (1 + GAIN_FRACTION) >= completedPerSecond,
    )
  );
}

/** Requests of the window's last moments end behind it, however fast the server is; and arrivals come by chance. */
function fallsShort(probe: ProbeView, all: readonly ProbeView[]): boolean {
  const { requestsPerSecond, completedPerSecond, durationS } = probe;
  const offered = (requestsPerSecond ?? 0) * durationS;
  const means = all.flatMap(({ e2eMs }) => (e2eMs.mean === null ? [] : [e2eMs.mean]));
  const behindS = means.length === 0 ? 0 : Math.min(...means) / 1_000;
  const unavoidable = (requestsPerSecond ?? 0) * behindS + 3 * Math.sqrt(offered);
  return completedPerSecond * durationS < (1 - SHORTFALL_FRACTION) * offered - unavoidable;
}

function kneeOf(probes: readonly ProbeView[]): Result["knee"] {
  const powerPoints = probes.flatMap(({ completedPerSecond: x, e2eMs }) =>
    e2eMs.mean === null || x === 0 ? [] : [{ x, y: e2eMs.mean }],
  );
  const knee = kneeOfRates(probes) ?? kneeOfStreams(probes);
  const power = mostPower(powerPoints);
  if (knee === undefined) return null;
  return {
    requestsPerSecond: knee,
    method: "kneedle",
    ...(power === undefined ? {} : { powerRequestsPerSecond: power }),
  };
}

/** Latency against rate; one request at a time is its beginning. */
function kneeOfRates(probes: readonly ProbeView[]): number | undefined {
  const points = probes.flatMap((probe): CurvePoint[] => {
    const x = probe.mode === "serial" ? probe.completedPerSecond : probe.requestsPerSecond;
    return x === null || probe.e2eMs.mean === null ? [] : [{ x, y: probe.e2eMs.mean }];
  });
  return kneedle(points, { shape: "convex" });
}

/** Throughput against streams; told as the throughput there. */
function kneeOfStreams(probes: readonly ProbeView[]): number | undefined {
  const points = probes.flatMap(({ streams, completedPerSecond }) =>
    streams === null ? [] : [{ x: streams, y: completedPerSecond }],
  );
  const streams = kneedle(points, { shape: "concave" });
  return points.find(({ x }) => x === streams)?.y;
}
