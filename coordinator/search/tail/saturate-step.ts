import { errorBurstOf } from "../overload.ts";
import { answerQuick } from "./answer.ts";
import { estimateNow } from "./current-estimate.ts";
import { deadReason } from "./dead.ts";
import { focusNext } from "./focus-next.ts";
import { changed, endWith, goOn, type Move, type TailStep, withNote } from "./move.ts";
import { drain, SATURATE_LONGEST, UNKNOWN_UNLOADED } from "./requests.ts";
import { anchorFrom, saturationSeen, trippedAnchor } from "./saturation.ts";
import { drainMaxS, saturateS } from "./timing.ts";
import { onVoid } from "./void.ts";

/** Completions beyond which the throughput is known well enough. */
const COMPLETIONS_WANTED = 1_200;
/** In flight and waiting, as parts of what the estimated rate holds, for a drain to be over. */
const IN_FLIGHT_DRAINED = 0.8;
const WAITING_DRAINED = 0.5;
/**
 * Of the unloaded time in system: below saturation it is hardly longer, while what was seen in an overload tells of the
 * overload, and a drain that ends by it leaves the next block a queue that is not its own.
 */
const RESIDENCE_DRAINED = 2;
/** Part of a drain at its end in which a service that is alive finishes something. */
const ALIVE_PART = 1 / 3;

export function onSaturate(move: Move): TailStep {
  const { options, state, observation } = move;
  const burst = errorBurstOf(observation.seconds);
  if (burst === undefined && !isMeasured(move)) return goOn(move);
  if (observation.validity === "invalid") return onVoid(move);
  if (burst !== undefined) {
    const noted = withNote(move, `at saturation the target answered with errors: ${burst}`);
    return drain(changed(noted, { anchor: trippedAnchor(state) }), "after-saturation");
  }
  const anchor = anchorFrom(options, state, observation) ?? trippedAnchor(state);
  return drain(changed(move, { anchor, voids: 0 }), "after-saturation");
}

/** Whether throughput is known well enough. What comes in until the drain starts is measured as well. */
function isMeasured({ options, state, observation }: Move): boolean {
  const { measureS } = saturateS(options, state.unloaded ?? UNKNOWN_UNLOADED);
  const seen = saturationSeen(options, state, observation);
  const measuredS = seen.measuredS + state.latencyS;
  return (
    seen.completed >= COMPLETIONS_WANTED ||
    (measuredS >= measureS && seen.turnedOver) ||
    measuredS >= SATURATE_LONGEST * measureS ||
    observation.observedS >= observation.request.recordS - 1e-6
  );
}

export function onDrain(move: Move): TailStep {
  const { options, state, observation } = move;
  const estimated = estimateNow(move);
  const isOver = observation.observedS >= drainMaxS(options, state.drainReason) - 1e-6;
  const isClear = isDrained(estimated);
  if (!isClear && !isOver) return goOn(move);
  if (state.drainReason === "after-hot-block") return focusNext(estimated);
  const recovered = changed(estimated, { recoveredS: observation.observedS, isRecovered: isClear });
  if (!isClear && !isAlive(move))
    return endWith(move, { kind: "inconclusive", reason: deadReason(move) });
  const noted = isClear
    ? recovered
    : withNote(
        recovered,
        `after saturation the service did not recover within ${Math.round(observation.observedS)} s without load`,
      );
  return options.quick === true ? answerQuick(noted) : focusNext(noted);
}

/** Whether the backlog will be gone by the time the next segment starts: the server goes on meanwhile. */
function isDrained({ state, observation }: Move): boolean {
  const last = observation.seconds.at(-1);
  if (last === undefined) return false;
  const rate = state.estimatePerSecond ?? 0;
  const unloadedS = state.unloaded?.endToEndS ?? state.residenceS;
  const residenceS = Math.min(state.residenceS, RESIDENCE_DRAINED * unloadedS);
  const aheadS = state.latencyS / Math.max(last.toS - last.fromS, 1e-3);
  const waiting = last.waitingEnd - last.firstTokens * aheadS;
  const inFlight = last.inFlightEnd - last.completed * aheadS;
  return (
    waiting <= 1 + WAITING_DRAINED * rate * (state.unloaded?.firstTokenS ?? 0) &&
    inFlight <= 1 + IN_FLIGHT_DRAINED * rate * residenceS
  );
}

function isAlive({ observation }: Move): boolean {
  const { seconds, observedS } = observation;
  return seconds
    .filter(({ fromS }) => fromS >= (1 - ALIVE_PART) * observedS)
    .some(({ completedOk }) => completedOk > 0);
}
