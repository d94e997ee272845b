import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { Result } from "../show/result.ts";
import { type Candidate, curveOf, judgeSignals } from "./candidates.ts";
import { headroomFraction, type ReactionDelay, reactionDelayS } from "./headroom.ts";
import { type Measured, measuredOf, type SignalName } from "./measured.ts";
import type { SignalCurve } from "./signal-curve.ts";

export interface CalibrationOptions {
  readonly delay: ReactionDelay;
  /** γ: the part of itself by which the load grows in a second. */
  readonly growthPerSecond: number;
  readonly replicas?: number;
}

/** A number to aim at, of one replica, and where it was read. */
export interface Target {
  readonly signal: SignalName;
  /** floor(L(h λ*)). */
  readonly value: number;
  /** floor(L(λ*)): more than that is past the SLO. */
  readonly knee: number;
}

/** The decision: what to scale on, at which number, and why. Rates are requests/s of one replica. */
export interface Calibration {
  readonly measured: Measured;
  readonly candidates: readonly Candidate[];
  /** Of the first signal that was kept. */
  readonly target: Target;
  /** Of the requests in flight at the client: for autoscalers that count at a proxy. */
  readonly proxyTarget: Target;
  readonly delay: ReactionDelay;
  readonly delayS: number;
  readonly growthPerSecond: number;
  readonly headroomFraction: number;
  /** h λ*. */
  readonly plannedPerSecond: number;
  readonly notes: readonly string[];
}

/**
 * Chooses the signal, its number and the headroom from a measured run.
 *
 * @throws LoadError LL_CALIBRATE_INVALID, LL_CALIBRATE_NO_RATE, or LL_CALIBRATE_NO_SIGNAL where every signal is
 *   rejected.
 */
export function calibrate(result: Result, options: CalibrationOptions): Calibration {
  const measured = measuredOf(result, options);
  const delayS = reactionDelayS(options.delay);
  const headroom = headroomFraction(options.growthPerSecond, delayS);
  const plannedPerSecond = headroom * measured.sustainedPerSecond;
  const candidates = judgeSignals(measured, plannedPerSecond);
  const kept = candidates.find(({ isKept, signal }) => isKept && signal !== "kv-use");
  if (kept === undefined) throw noSignal(candidates);
  const at = { planned: plannedPerSecond, sustained: measured.sustainedPerSecond };
  return {
    measured,
    candidates,
    target: targetOf(measured, kept.signal, at),
    proxyTarget: targetOf(measured, "in-flight", at),
    delay: options.delay,
    delayS,
    growthPerSecond: options.growthPerSecond,
    headroomFraction: headroom,
    plannedPerSecond,
    notes: [...measured.notes, ...curveNotes(measured, plannedPerSecond)],
  };
}

function targetOf(
  measured: Measured,
  signal: SignalName,
  at: { readonly planned: number; readonly sustained: number },
): Target {
  const curve = curveOf(measured, signal);
  return { signal, value: whole(curve, at.planned), knee: whole(curve, at.sustained) };
}

/** An autoscaler takes whole numbers, and none below 1. */
function whole(curve: SignalCurve | undefined, ratePerSecond: number): number {
  return Math.max(1, Math.floor(curve?.at(ratePerSecond) ?? 0));
}

function curveNotes(measured: Measured, plannedPerSecond: number): readonly string[] {
  const notes: string[] = [];
  if (!measured.hasServerMetrics)
    notes.push(
      "the run has no server metrics: the number is of requests in flight at the client, which includes the network and a gateway",
    );
  const lowest = measured.windows[0]?.ratePerSecond ?? 0;
  if (lowest > plannedPerSecond)
    notes.push(
      `no window is at or below the planned rate: below ${lowest.toPrecision(3)}/s the curve is a straight line from 0, ` +
        `which reads too high; measure one with \`loadline run --rate ${(plannedPerSecond * measured.replicas).toPrecision(3)}\``,
    );
  return notes;
}

function noSignal(candidates: readonly Candidate[]): LoadError {
  const reasons = candidates.map(({ signal, reason }) => `${signal}: ${reason}`);
  return new LoadError(`no signal is fit to scale on: ${reasons.join("; ")}`, {
    code: "LL_CALIBRATE_NO_SIGNAL",
    hint: "measure with longer windows, with --server-metrics, or plan for less growth or a shorter startup",
    exitCode: ExitCode.Inconclusive,
  });
}
