import { countsOf, decidedSOf, judgeCounted, looksAfter, LOOKS_MAX } from "../one-rate-verdict.ts";
import { decidedRequests } from "../probe-verdict.ts";
import type { JudgedSegment } from "../procedure.ts";
import { answerAtLeast } from "./answer.ts";
import { estimateNow } from "./current-estimate.ts";
import { focusNext } from "./focus-next.ts";
import { changed, goOn, type Move, type TailStep, withBlock } from "./move.ts";
import { anchorAbove, timeLeftS } from "./timing.ts";
import { onVoid } from "./void.ts";

const VOID_AFTER_S = 5;

export function onCeiling(move: Move): TailStep {
  const { options, state, observation } = move;
  const counts = countsOf(options.slo, options.thresholds, observation);
  const looks = looksAfter(decidedSOf(options.slo, observation), decidedRequests(counts));
  const isOver = isThrough(move) || looks >= LOOKS_MAX;
  const window = judgeCounted(counts, isOver || looks > state.looks);
  const isDecided = isOver || window.verdict !== "undecided";
  if (observation.validity === "invalid") {
    return isDecided || observation.recordedS >= VOID_AFTER_S ? onVoid(move) : goOn(move);
  }
  if (!isDecided) return goOn(changed(move, { looks }));
  const { verdict, reason } = window;
  return onJudged(move, { segment: observation.segment, verdict, reason });
}

function isThrough({ options, state, observation }: Move): boolean {
  return (
    observation.recordedS >= observation.request.recordS - 1e-6 ||
    timeLeftS(options, state, observation.elapsedS) <= 0
  );
}

function onJudged(move: Move, judged: JudgedSegment): TailStep {
  const { state, observation } = move;
  const seen = changed(
    { ...move, state: withBlock(move, observation, "focus") },
    { voids: 0, anchor: anchorAbove(state.ratePerSecond), focusCount: state.focusCount + 1 },
  );
  return judged.verdict === "met"
    ? answerAtLeast(seen, judged)
    : focusNext(estimateNow(seen), judged);
}
