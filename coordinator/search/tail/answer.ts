import type {
  Decision,
  JudgedSegment,
  MaxRate,
  SearchOptions,
  SegmentRequest,
} from "../procedure.ts";
import { focusOf } from "./clause-estimate.ts";
import { confirmRequest } from "./confirm.ts";
import { ceilingOf, estimateOf } from "./current-estimate.ts";
import { driftOf, inversionOf, newerHalf } from "./drift.ts";
import { coBindingOf, type Estimate, halfWidthOf } from "./estimate.ts";
import { precisionNotes } from "../precision-note.ts";
import { findingsOf } from "./findings.ts";
import { limitNotes } from "./limit-notes.ts";
import { changed, endWith, type Move, next, shown, type TailStep } from "./move.ts";

const NEAR_FRACTION = 0.12;
/** Half-width beyond which the counts have said nothing. */
const HALF_WIDTH_MAX = 0.6;
const FOCUS_BLOCKS_MIN = 2;

/** Ends the search with what its blocks show, by way of a confirming window where one is asked for. */
export function finish(move: Move, judged?: JudgedSegment): TailStep {
  const decision = answerOf(move);
  if (decision.kind !== "found" || move.options.confirm !== true || move.state.step === "confirm") {
    return endWith(move, decision, judged);
  }
  const request: SegmentRequest = confirmRequest(move, decision.answer.lowPerSecond);
  const confirming = changed(move, {
    step: "confirm",
    previousRatePerSecond: move.state.ratePerSecond,
    ratePerSecond: decision.answer.lowPerSecond,
  });
  return next(confirming, request, judged);
}

/** The first answer, from the ramp and saturation alone. */
export function answerQuick(move: Move): TailStep {
  const estimate = estimateOf(move, true);
  return endWith(
    move,
    found(move, estimate, [
      "a first answer, from the ramp and saturation alone: leave --quick out for a narrower interval",
    ]),
  );
}

/** The highest rate allowed meets the SLO. */
export function answerAtLeast(move: Move, judged: JudgedSegment): TailStep {
  return endWith(move, atLeast(move, estimateOf(move, false)), judged);
}

export function answerOf(move: Move): Decision {
  const { state, options } = move;
  const focus = focusOf(state.blocks);
  if (focus.length < FOCUS_BLOCKS_MIN) return tooLittle(move);
  const whole = estimateOf(move, true);
  if (halfWidthOf(whole) > HALF_WIDTH_MAX) return tooLittle(move);
  const inversion = inversionOf(state.blocks, whole);
  if (inversion !== undefined) {
    const capped = {
      ...whole,
      ratePerSecond: Math.min(whole.ratePerSecond, inversion.ratePerSecond),
      lowPerSecond: Math.min(whole.lowPerSecond, inversion.ratePerSecond),
    };
    return found(move, capped, [inversion.note]);
  }
  const drift = driftOf(state.blocks, whole);
  if (drift !== undefined) {
    const newer = changed(move, { blocks: newerHalf(state.blocks) });
    return found(move, estimateOf(newer, true), [drift]);
  }
  const ceiling = ceilingOf({ options, state });
  if (state.anchor?.isAtLeast === true && whole.ratePerSecond >= ceiling) {
    return atLeast(move, whole);
  }
  return found(move, whole, []);
}

function tooLittle(move: Move): Decision {
  const { models, state } = move;
  const requests = state.blocks.reduce((sum, { fired }) => sum + fired, 0);
  const rarest = models.reduce((least, one) =>
    one.allowedFraction < least.allowedFraction ? one : least,
  );
  const needed = Math.ceil(10 / rarest.allowedFraction);
  const ceiling = state.generatorCeilingPerSecond;
  const reason =
    ceiling === null || ceiling === move.options.cleanRatePerSecond
      ? `only ${requests} requests could be sent within the time budget, and ${rarest.clause.text} takes about ${needed} near the answer; give a longer --time-budget, or ask for a lower percentile`
      : `the load generator could not hold ${shown(ceiling)} requests/s, and no lower rate was shown to meet the SLO`;
  const findings = findingsOf(move, undefined);
  return { kind: "inconclusive", reason, findings };
}

function found(move: Move, estimate: Estimate, flags: readonly string[]): Decision {
  const { options, state } = move;
  const ceiling = ceilingOf({ options, state });
  const wide = precisionNotes(halfWidthOf(estimate), options.precisionFraction);
  const ratePerSecond = Math.min(estimate.ratePerSecond, ceiling);
  const lowPerSecond = Math.min(estimate.lowPerSecond, ratePerSecond);
  const answer: MaxRate = {
    ratePerSecond,
    lowPerSecond,
    highPerSecond: estimate.highPerSecond,
    confidence: options.confidence,
    method: "tail",
    boundBy: Number.isFinite(estimate.binding.ratePerSecond)
      ? estimate.binding.model.clause.text
      : undefined,
    limitedBy: "server",
    evidence: evidenceOf(move, estimate),
    notes: [...state.notes, ...flags, ...limitNotes(move, estimate), ...wide],
    coBinding: coBindingOf(estimate).map(({ model }) => model.clause.text),
    clauseRates: clauseRatesOf(estimate),
  };
  return { kind: "found", answer, findings: findingsOf(move, { estimate, answer }) };
}

function atLeast(move: Move, estimate: Estimate): Decision {
  const { options, state } = move;
  const ceiling = ceilingOf({ options, state });
  const byGenerator =
    state.generatorCeilingPerSecond !== null && ceiling === state.generatorCeilingPerSecond;
  const isBounded = Number.isFinite(ceiling);
  const ratePerSecond = isBounded ? ceiling : state.ratePerSecond;
  const answer: MaxRate = {
    ratePerSecond,
    lowPerSecond: ratePerSecond,
    highPerSecond: undefined,
    confidence: options.confidence,
    method: "tail",
    boundBy: undefined,
    limitedBy: byGenerator ? "generator" : isBounded ? "max-rate" : "budget",
    evidence: evidenceOf(move, { ...estimate, ratePerSecond }),
    notes: [
      ...state.notes,
      ...(byGenerator
        ? [generatorNote(options, ratePerSecond)]
        : [`no saturation was seen up to ${shown(ratePerSecond)} requests/s`]),
    ],
  };
  return { kind: "found", answer, findings: findingsOf(move, undefined) };
}

function generatorNote({ cleanRatePerSecond }: SearchOptions, ratePerSecond: number): string {
  return ratePerSecond === cleanRatePerSecond
    ? `the agents carry about ${shown(ratePerSecond)} requests/s with a valid measurement: more agents would go on`
    : `the load generator could not hold more than ${shown(ratePerSecond)} requests/s`;
}

function clauseRatesOf({ clauses }: Estimate): NonNullable<MaxRate["clauseRates"]> {
  return clauses.map(({ model, ratePerSecond }) => ({
    clause: model.clause.text,
    ratePerSecond: Number.isFinite(ratePerSecond) ? ratePerSecond : null,
  }));
}

function evidenceOf(
  { state }: Move,
  { binding, ratePerSecond }: Pick<Estimate, "binding" | "ratePerSecond">,
): MaxRate["evidence"] {
  const { index, limitIndex } = binding.model;
  const near = focusOf(state.blocks).filter(
    (block) => Math.abs(block.ratePerSecond / ratePerSecond - 1) <= NEAR_FRACTION,
  );
  const sum = (of: "decided" | "over"): number =>
    near.reduce((total, { clauses }) => total + (clauses[index]?.[of][limitIndex] ?? 0), 0);
  return {
    requestsNear: Math.round(sum("decided")),
    overCount: sum("over"),
    clumpFactor: binding.clumpFactor,
  };
}
