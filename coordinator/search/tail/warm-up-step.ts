import type { SecondObserved, WindowObserved } from "../procedure.ts";
import { calibrateRequest, firstRate, unloadedOf } from "../unloaded.ts";
import { changed, endWith, goOn, type Move, next, type TailStep, withBlock } from "./move.ts";
import { rampTo } from "./requests.ts";
import { scaleOf } from "./timing.ts";

const WINDOW_S = 5;
const WINDOW_MIN_S = 1;
const WINDOW_REQUESTS_MIN = 3;
const WARM_UP_MAX_S = 120;
/** Two windows agree when their means differ by less, beyond what chance does to them. */
const AGREEMENT = 0.05;
const CHANCE_DEVIATIONS = 2;

/**
 * One request at a time. Successive windows whose first tokens come faster and faster show a cold service: it is then
 * warmed up until two agree, and calibrated again. A warm one pays nothing for it.
 */
export function onCalibrate(move: Move): TailStep {
  const { options, observation } = move;
  const sight = unloadedOf(options, observation);
  if (sight.kind === "unknown") return goOn(move);
  if (sight.kind === "void") return next(move, calibrateRequest(options));
  if (sight.kind !== "known") return endWith(move, sight);
  const isFirst = observation.segment === 1;
  if (isFirst && isCooling(observation, windowS(move) / 2)) return warmUp(move);
  const { unloaded } = sight;
  const known = changed(
    { ...move, state: withBlock(move, observation, "unloaded") },
    {
      unloaded,
      unloadedCv: (observation.e2eSdS ?? 0) / unloaded.endToEndS,
      residenceS: unloaded.endToEndS,
    },
  );
  return rampTo(known, firstRate(options, unloaded));
}

function warmUp(move: Move): TailStep {
  return next(changed(move, { step: "warm-up" }), {
    purpose: "warm-up",
    mode: { kind: "serial" },
    settleS: 0,
    recordS: Math.max(2 * windowS(move), WARM_UP_MAX_S * scaleOf(move.options)),
    requestsMax: 0,
  });
}

export function onWarmUp(move: Move): TailStep {
  const { options, observation } = move;
  const isOver = observation.observedS >= observation.request.recordS - 1e-6;
  if (!isOver && isCooling(observation, windowS(move))) return goOn(move);
  return next(changed(move, { step: "calibrate" }), calibrateRequest(options));
}

function windowS({ options }: Move): number {
  return Math.max(WINDOW_MIN_S, WINDOW_S * scaleOf(options));
}

/** Whether the first tokens of the last window came faster than those of the one before; true while there is only one. */
export function isCooling(
  { seconds, e2eMeanS, e2eSdS }: Pick<WindowObserved, "seconds" | "e2eMeanS" | "e2eSdS">,
  windowS: number,
): boolean {
  const later = windowBefore(seconds, { endsAt: seconds.length, windowS });
  const earlier = windowBefore(seconds, { endsAt: later.from, windowS });
  if (earlier.requests < WINDOW_REQUESTS_MIN || later.requests < WINDOW_REQUESTS_MIN) {
    return earlier.from > 0 || earlier.requests === 0;
  }
  const variation =
    e2eMeanS === undefined || e2eSdS === undefined ? 1 : Math.min(1, e2eSdS / e2eMeanS);
  const deviation = variation * Math.sqrt(1 / earlier.requests + 1 / later.requests);
  const chance = CHANCE_DEVIATIONS * deviation;
  return earlier.meanS > later.meanS * (1 + AGREEMENT + chance);
}

/** The mean first-token time of a stretch, by Little's law: request-seconds of waiting over first tokens. */
function windowBefore(
  seconds: readonly SecondObserved[],
  { endsAt, windowS }: { readonly endsAt: number; readonly windowS: number },
): { readonly from: number; readonly requests: number; readonly meanS: number } {
  let from = endsAt;
  let spanS = 0;
  let waitedS = 0;
  let requests = 0;
  while (from > 0 && (spanS < windowS - 1e-6 || requests < WINDOW_REQUESTS_MIN)) {
    from--;
    const second = seconds[from];
    if (second === undefined) break;
    spanS += second.toS - second.fromS;
    waitedS += second.waitingIntegralS;
    requests += second.firstTokens;
  }
  return { from, requests, meanS: waitedS / Math.max(1, requests) };
}
