import { chosen, percent, rate } from "../show/format.ts";
import type { Measured, SignalName } from "./measured.ts";
import { type SignalCurve, signalCurve, type SignalPoint } from "./signal-curve.ts";

/** A signal, judged. Values are of one replica; null where it was not measured. */
export interface Candidate {
  readonly signal: SignalName;
  readonly isKept: boolean;
  /** Why it was kept or rejected, in a sentence with its numbers. */
  readonly reason: string;
  readonly atPlanned: number | null;
  /** At 0.8 λ*, at λ*, and at the first rate that failed. */
  readonly atEased: number | null;
  readonly atSustained: number | null;
  readonly atFailed: number | null;
}

/** Where the signals are compared, requests/s of one replica. */
interface Rates {
  readonly planned: number;
  readonly eased: number;
  readonly sustained: number;
  readonly failed: number | undefined;
}

/** In the order of preference: what counts all requests in the engine comes first. */
const SIGNALS = ["running+waiting", "in-flight", "running", "waiting", "kv-use"] as const;

/** "Eased" is this part of λ*: where an autoscaler should still be calm. */
const EASED_FRACTION = 0.8;
/** The load differs by 1 / 0.8 at least, so a signal that follows it differs by no less. */
const SEPARATION_RATIO = 1 / EASED_FRACTION;
/** Below one request at λ* there is no whole number to compare with, and below 5 % of the cache no use. */
const SEEN_MIN = { requests: 1, fraction: 0.05 } as const;

/** Every signal with its verdict, in the order of preference. */
export function judgeSignals(measured: Measured, plannedPerSecond: number): readonly Candidate[] {
  const rates: Rates = {
    planned: plannedPerSecond,
    eased: EASED_FRACTION * measured.sustainedPerSecond,
    sustained: measured.sustainedPerSecond,
    failed: measured.failedPerSecond,
  };
  return SIGNALS.map((signal) => judge(signal, curveOf(measured, signal), rates));
}

/** The measured curve of a signal, up to the first rate that failed; undefined where it was not measured. */
export function curveOf(measured: Measured, signal: SignalName): SignalCurve | undefined {
  const highest = measured.failedPerSecond ?? Infinity;
  const points = measured.windows.flatMap((window): SignalPoint[] => {
    const value = window.signals[signal];
    if (value === null || window.ratePerSecond > highest) return [];
    return [
      {
        ratePerSecond: window.ratePerSecond,
        value,
        weight: window.durationS,
        standardDeviation: signal === "kv-use" ? 0 : meanError(value, window),
      },
    ];
  });
  return points.length === 0 ? undefined : signalCurve(points);
}

/**
 * The standard deviation of a number's time mean, when the number varies as a Poisson count does and forgets itself
 * within one answer: √(2 N τ / T).
 */
function meanError(
  mean: number,
  window: { readonly durationS: number; readonly endToEndS: number | undefined },
): number {
  return Math.sqrt((2 * mean * (window.endToEndS ?? 0)) / window.durationS);
}

function judge(signal: SignalName, curve: SignalCurve | undefined, rates: Rates): Candidate {
  if (curve === undefined) {
    const none = { atPlanned: null, atEased: null, atSustained: null, atFailed: null };
    return { signal, isKept: false, reason: "not measured: no server metrics", ...none };
  }
  const values = {
    atPlanned: curve.at(rates.planned),
    atEased: curve.at(rates.eased),
    atSustained: curve.at(rates.sustained),
    atFailed: rates.failed === undefined ? null : curve.at(rates.failed),
  };
  const objection =
    blind(signal, values.atSustained) ??
    falls(signal, curve) ??
    cannotTell(signal, values) ??
    coarse(signal, values.atPlanned);
  return {
    signal,
    isKept: objection === undefined,
    reason: objection ?? merit(signal, values),
    ...values,
  };
}

function blind(signal: SignalName, atSustained: number): string | undefined {
  const isFraction = signal === "kv-use";
  if (atSustained >= (isFraction ? SEEN_MIN.fraction : SEEN_MIN.requests)) return undefined;
  const advice =
    signal === "waiting" ? "; consider --max-num-seqs near the knee's concurrency" : "";
  return `${text(signal, atSustained)} at the highest rate within the SLO: blind${advice}`;
}

function falls(signal: SignalName, { fall }: SignalCurve): string | undefined {
  if (fall === undefined) return undefined;
  const { from, to } = fall;
  return (
    `does not rise with the rate: ${text(signal, from.value)} at ${rate(from.ratePerSecond)}/s, ` +
    `${text(signal, to.value)} at ${rate(to.ratePerSecond)}/s`
  );
}

function cannotTell(
  signal: SignalName,
  { atEased, atFailed }: { readonly atEased: number; readonly atFailed: number | null },
): string | undefined {
  if (atFailed === null || atFailed >= SEPARATION_RATIO * atEased) return undefined;
  return (
    `does not tell a failing rate (${text(signal, atFailed)}) from 0.8 of the highest good one ` +
    `(${text(signal, atEased)})`
  );
}

function coarse(signal: SignalName, atPlanned: number): string | undefined {
  if (signal === "kv-use" || atPlanned >= 1) return undefined;
  return `${text(signal, atPlanned)} at the planned rate: no whole number to aim at`;
}

function merit(
  signal: SignalName,
  { atEased, atFailed }: { readonly atEased: number; readonly atFailed: number | null },
): string {
  if (atFailed === null)
    return "rises with the rate; no window failed above the highest good rate, so its separation is untested";
  return `rises with the rate: ${text(signal, atEased)} at 0.8 of the highest good rate, ${text(signal, atFailed)} at the first that failed`;
}

/** A value of a signal as people read it. */
export function text(signal: SignalName, value: number): string {
  return signal === "kv-use" ? percent(value) : chosen(value);
}
