import { countsOf, decidedSOf, judgeCounted, looksAfter, LOOKS_MAX } from "../one-rate-verdict.ts";
import { decidedRequests } from "../probe-verdict.ts";
import { answerOf } from "./answer.ts";
import { changed, endWith, goOn, type Move, shown, type TailStep, withNote } from "./move.ts";

/** The one-rate verdict on the low end: the answer stands with it, or not at all. */
export function onConfirm(move: Move): TailStep {
  const { options, state, observation } = move;
  const counts = countsOf(options.slo, options.thresholds, observation);
  const looks = looksAfter(decidedSOf(options.slo, observation), decidedRequests(counts));
  const isOver =
    observation.recordedS >= observation.request.recordS - 1e-6 ||
    observation.elapsedS >= options.timeBudgetS - 1;
  const window = judgeCounted(counts, isOver || looks > state.looks);
  if (window.verdict === "undecided" && !isOver && looks < LOOKS_MAX) {
    return goOn(changed(move, { looks }));
  }
  const { verdict, reason } = window;
  const judged = { segment: observation.segment, verdict, reason };
  const low = shown(state.ratePerSecond);
  if (observation.validity === "invalid") {
    const noted = withNote(move, `the confirming window at ${low} requests/s was void`);
    return endWith(move, answerOf(noted), judged);
  }
  if (verdict === "violated") {
    const contradicted = `the low end, ${low} requests/s, was judged by a window of its own and violates the SLO: ${reason}`;
    return endWith(move, { kind: "inconclusive", reason: contradicted }, judged);
  }
  const noted = withNote(
    move,
    verdict === "met"
      ? `confirmed: a window of its own at ${low} requests/s meets the SLO`
      : `a window of its own at ${low} requests/s was too short to confirm it`,
  );
  return endWith(move, answerOf(noted), judged);
}
