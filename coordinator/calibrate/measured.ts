import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { Verdict } from "../../shared/slo/slo.ts";
import { rate } from "../show/format.ts";
import type { MaxRateView, ProbeView, Result } from "../show/result.ts";

/** What an autoscaler could follow. All but the KV cache's use count requests. */
export type SignalName = "waiting" | "running" | "running+waiting" | "kv-use" | "in-flight";

/** A recorded window at one rate, of one replica. */
export interface MeasuredWindow {
  readonly ratePerSecond: number;
  readonly durationS: number;
  readonly verdict: Verdict | null;
  readonly completedPerSecond: number;
  /** Mean end-to-end time, s; undefined without answers. */
  readonly endToEndS: number | undefined;
  /** null where it was not measured. */
  readonly signals: Readonly<Record<SignalName, number | null>>;
  readonly clauses: ProbeView["clauses"];
}

/** What a run says of one replica. */
export interface Measured {
  /** Replicas that served the run; every figure below is one's share. */
  readonly replicas: number;
  /** λ*: the lower bound of the maximum rate. */
  readonly sustainedPerSecond: number;
  /** The lowest rate above λ* whose window failed; undefined where none did. */
  readonly failedPerSecond: number | undefined;
  /** What the server completes at most. */
  readonly saturationPerSecond: number;
  /** By rate. Windows too short to have settled are left out. */
  readonly windows: readonly MeasuredWindow[];
  readonly hasServerMetrics: boolean;
  readonly notes: readonly string[];
}

/** In less time than this many answers take, the number in flight has not settled. */
const SETTLED_ANSWERS = 2;

/**
 * @param options.replicas that served the run; by default what the server's metrics counted, else 1.
 * @throws LoadError LL_CALIBRATE_INVALID for a run that cannot be believed, LL_CALIBRATE_NO_RATE for one without a
 *   maximum rate, or without windows to read a curve from.
 */
export function measuredOf(result: Result, options: { readonly replicas?: number }): Measured {
  const maxRate = believed(result);
  const replicas = options.replicas ?? result.server?.replicas ?? 1;
  const all = openWindows(result, replicas);
  const sustainedPerSecond = maxRate.low / replicas;
  // Past the SLO more and more are in flight: what a short window saw there is the least there can be.
  const fails = ({ verdict, ratePerSecond }: MeasuredWindow): boolean =>
    verdict === "violated" && ratePerSecond > sustainedPerSecond;
  const windows = all.filter((window) => isSettled(window) || fails(window));
  if (windows.every(fails)) throw noCurve(result);
  return {
    replicas,
    sustainedPerSecond,
    failedPerSecond: windows.find(fails)?.ratePerSecond,
    saturationPerSecond: saturation(result, replicas, sustainedPerSecond),
    windows,
    hasServerMetrics: windows.some(({ signals }) => signals.running !== null),
    notes: notesOf(result, all.length - windows.length),
  };
}

function believed(result: Result): MaxRateView {
  const { validity, maxRate, outcome } = result;
  if (validity.verdict === "invalid") {
    throw new LoadError(
      `the run cannot be believed, so no number is taken from it: ${validity.reasons.join("; ")}`,
      {
        code: "LL_CALIBRATE_INVALID",
        hint: "measure again once that is cured; `loadline report RUN` tells of each reason",
        exitCode: ExitCode.MeasurementInvalid,
      },
    );
  }
  if (maxRate !== null && maxRate.low > 0) return maxRate;
  const why = outcome.reason === "" ? "" : ` (${outcome.reason})`;
  throw new LoadError(`the run has no maximum rate${why}, and the number is read at it`, {
    code: "LL_CALIBRATE_NO_RATE",
    hint: "calibrate a run of `loadline find` that found one",
    exitCode: ExitCode.PlanInvalid,
  });
}

function noCurve(result: Result): LoadError {
  return new LoadError(
    `none of the run's ${result.probes.length} windows shows how many requests were in flight at a rate`,
    {
      code: "LL_CALIBRATE_NO_RATE",
      hint: "calibrate a run of `loadline find` whose windows last longer than two answers",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

function openWindows(result: Result, replicas: number): readonly MeasuredWindow[] {
  return result.probes
    .flatMap((probe) => (isUsable(probe) ? [windowOf(probe, replicas)] : []))
    .sort((a, b) => a.ratePerSecond - b.ratePerSecond);
}

type RatedProbe = ProbeView & { readonly requestsPerSecond: number };

function isUsable(probe: ProbeView): probe is RatedProbe {
  return (
    probe.mode === "open" &&
    probe.requestsPerSecond !== null &&
    probe.validity.verdict !== "invalid"
  );
}

function windowOf(probe: RatedProbe, replicas: number): MeasuredWindow {
  const { server, e2eMs } = probe;
  const share = (value: number | null | undefined): number | null =>
    value === null || value === undefined ? null : value / replicas;
  const waiting = share(server?.waitingMean);
  const running = share(server?.runningMean);
  return {
    ratePerSecond: probe.requestsPerSecond / replicas,
    durationS: probe.durationS,
    verdict: probe.verdict,
    completedPerSecond: probe.completedPerSecond / replicas,
    endToEndS: e2eMs.mean === null ? undefined : e2eMs.mean / 1_000,
    signals: {
      waiting,
      running,
      "running+waiting": waiting === null || running === null ? null : waiting + running,
      "kv-use": server?.kvUseMean ?? null,
      "in-flight": probe.inFlightMean / replicas,
    },
    clauses: probe.clauses,
  };
}

function isSettled({ durationS, endToEndS }: MeasuredWindow): boolean {
  return endToEndS === undefined || durationS >= SETTLED_ANSWERS * endToEndS;
}

function saturation(result: Result, replicas: number, sustainedPerSecond: number): number {
  const completed = result.probes
    .filter(({ validity }) => validity.verdict !== "invalid")
    .map((probe) => probe.completedPerSecond / replicas);
  const measured = (result.saturation?.requestsPerSecond ?? 0) / replicas;
  return Math.max(sustainedPerSecond, measured > 0 ? measured : Math.max(0, ...completed));
}

function notesOf(result: Result, unsettledCount: number): readonly string[] {
  const { maxRate, validity, saturation: saturated } = result;
  const notes: string[] = [];
  if (validity.verdict === "suspect")
    notes.push(`the run is suspect: ${validity.reasons.join("; ")}`);
  if (maxRate?.high === null)
    notes.push(
      `the maximum rate is at least ${rate(maxRate.low)} requests/s (limited by ${maxRate.limitedBy}): the server may carry more`,
    );
  if (saturated === null)
    notes.push("saturation was not measured: the most completed stands for it");
  if (unsettledCount > 0)
    notes.push(`${unsettledCount} windows were shorter than two answers, and left out`);
  return notes;
}
