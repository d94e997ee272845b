import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type {
  MaxRate,
  Observation,
  SearchOptions,
} from "../../../../coordinator/search/procedure.ts";
import { answerOf } from "../../../../coordinator/search/tail/answer.ts";
import type { Block } from "../../../../coordinator/search/tail/block.ts";
import type { ClauseEstimate } from "../../../../coordinator/search/tail/clause-estimate.ts";
import { estimateOf } from "../../../../coordinator/search/tail/current-estimate.ts";
import { coBindingOf, type Estimate } from "../../../../coordinator/search/tail/estimate.ts";
import { limitNotes } from "../../../../coordinator/search/tail/limit-notes.ts";
import type { Move } from "../../../../coordinator/search/tail/move.ts";
import { modelsOf } from "../../../../coordinator/search/tail/models.ts";
import { INITIAL_STATE, type TailState } from "../../../../coordinator/search/tail/state.ts";
import { quantileClause } from "../../../support/virtual-queue.ts";
import { ANCHOR, blockAt } from "../../../support/tail-blocks.ts";

const TTFT = quantileClause("ttft", 0.99, 1);
const COUNTED = { slo: [TTFT.clause], thresholds: [TTFT.thresholds] };
const MODELS = modelsOf(COUNTED.slo, COUNTED.thresholds);

/** A tail as the surface has it: 1 % over the limit at 35 requests/s, saturation at 40. */
function fractionsAt(ratePerSecond: number): readonly number[] {
  return MODELS[0]!.thresholds.map((u) => Math.exp(-36.8 * u * (1 - ratePerSecond / 40)));
}

function focusAt(ratePerSecond: number, place: number, factor = 1): Block {
  return blockAt(ratePerSecond, {
    segment: 10 + place,
    startS: 30 * place,
    fractions: fractionsAt(ratePerSecond).map((fraction) => Math.min(0.9, factor * fraction)),
  });
}

const STEADY = [35, 34, 35.5, 35, 34, 35.5, 35, 34].map((rate, place) => focusAt(rate, place));

function moveWith(state: Partial<TailState>, options: Partial<SearchOptions> = {}): Move {
  return {
    options: {
      ...COUNTED,
      rateMinPerSecond: undefined,
      rateMaxPerSecond: undefined,
      precisionFraction: 0.5,
      confidence: 0.95,
      timeBudgetS: 300,
      ...options,
    },
    models: MODELS,
    state: { ...INITIAL_STATE, step: "focus", anchor: ANCHOR, blocks: STEADY, ...state },
    observation: {} as Observation,
  };
}

function answered(move: Move): MaxRate {
  const decision = answerOf(move);
  assert.ok(decision.kind === "found", JSON.stringify(decision));
  return decision.answer;
}

function notesOf(state: Partial<TailState>, options: Partial<SearchOptions> = {}): string {
  return answered(moveWith(state, options)).notes.join("\n");
}

describe("an answer", () => {
  test("of blocks that are alike has nothing to be said of it", () => {
    const answer = answered(moveWith({}));
    assert.deepEqual(answer.notes, []);
    assert.ok(Math.abs(answer.ratePerSecond / 35 - 1) < 0.03, String(answer.ratePerSecond));
    assert.deepEqual([answer.limitedBy, answer.boundBy], ["server", TTFT.clause.text]);
  });

  test("rests on the blocks within 12 % of it", () => {
    const near = answered(moveWith({})).evidence.requestsNear;
    assert.equal(near, 900 * STEADY.length);
    const far = [focusAt(28, 8), focusAt(29, 9)];
    const { ratePerSecond, evidence } = answered(moveWith({ blocks: [...STEADY, ...far] }));
    assert.ok(ratePerSecond * 0.88 > 29);
    assert.equal(evidence.requestsNear, near);
  });

  test("has an interval as wide as the confidence that is asked for", () => {
    const widthAt = (confidence: number): number => {
      const { lowPerSecond, highPerSecond = NaN } = answered(moveWith({}, { confidence }));
      return highPerSecond / lowPerSecond;
    };
    assert.ok(widthAt(0.8) < widthAt(0.95) && widthAt(0.95) < widthAt(0.99));
    assert.equal(answered(moveWith({}, { confidence: 0.8 })).confidence, 0.8);
  });

  test("is at most the highest rate allowed, its low end too", () => {
    const { ratePerSecond, lowPerSecond } = answered(moveWith({}, { rateMaxPerSecond: 30 }));
    assert.deepEqual([ratePerSecond, lowPerSecond], [30, 30]);
  });

  test("says when its interval is wider than was asked for", () => {
    assert.match(notesOf({}, { precisionFraction: 0.001 }), /^the interval is ±\S+ %, wider than/m);
  });

  test("of a saturation that no load reached is the highest rate, as at least", () => {
    const anchor = { ...ANCHOR, ratePerSecond: 60, isAtLeast: true };
    const blocks = [30, 30, 30].map((rate, place) => focusAt(rate, place, 0.1));
    const { ratePerSecond, highPerSecond, limitedBy } = answered(
      moveWith({ anchor, blocks }, { rateMaxPerSecond: 30 }),
    );
    assert.deepEqual([ratePerSecond, highPerSecond, limitedBy], [30, undefined, "max-rate"]);
  });
});

describe("what limits an answer is said", () => {
  const noted = (
    changes: Partial<Omit<Estimate, "binding">> & { readonly binding?: Partial<ClauseEstimate> },
    state: Partial<TailState> = {},
  ): string => {
    const move = moveWith(state);
    const estimate = estimateOf(move, true);
    const binding = { ...estimate.binding, floor: 0, ...changes.binding };
    return limitNotes(move, { ...estimate, ...changes, binding }).join("\n");
  };

  test("and nothing where nothing does", () => {
    assert.equal(noted({}), "");
  });

  test("a limit close to what the service takes without load", () => {
    assert.match(noted({ binding: { floor: 0.0026 } }), /close to what the service takes without/);
    assert.equal(noted({ binding: { floor: 0.0025 } }), "");
  });

  test("an answer above 97 % of saturation, where that was measured", () => {
    assert.match(noted({ ratePerSecond: 38.9 }), /above 97 % of saturation/);
    assert.equal(noted({ ratePerSecond: 38.7 }), "");
    const anchor = { ...ANCHOR, isAtLeast: true };
    assert.equal(noted({ ratePerSecond: 38.9 }, { anchor }), "");
  });

  test("too few requests over the limit", () => {
    assert.match(noted({ ratePerSecond: 11.9 }), /^at 11\.9 requests\/s few requests may be over/);
    assert.equal(noted({ ratePerSecond: 12.1 }), "");
  });

  test("service times that vary by much", () => {
    assert.match(noted({}, { unloadedCv: 1.5 }), /vary by more than 1\.5 times their mean/);
    assert.equal(noted({}, { unloadedCv: 1.49 }), "");
  });

  test("a saturation that was raised", () => {
    assert.match(noted({}, { anchor: { ...ANCHOR, raised: 1 } }), /it was raised/);
  });

  test("a service that was faster before the overload", () => {
    const before = (ratePerSecond: number): Block[] => [
      ...STEADY,
      blockAt(ratePerSecond, { kind: "ramp", requests: 10_000, fractions: [0] }),
    ];
    // By more than two errors of saturation: 42, and 3 % of counting.
    assert.match(noted({}, { blocks: before(43.5) }), /before the overload it served more/);
    assert.equal(noted({}, { blocks: before(43) }), "");
  });
});

test("clauses within 5 % of the one that binds bind as well", () => {
  const { binding } = estimateOf(moveWith({}), true);
  const clauseAt = (ratePerSecond: number): ClauseEstimate => ({ ...binding, ratePerSecond });
  const [least, near, far, unbound] = [35, 36.7, 36.8, Infinity].map(clauseAt);
  assert.ok(least !== undefined && near !== undefined && far !== undefined);
  const clauses = [far, least, near, unbound!];
  const estimate = { ratePerSecond: 35, lowPerSecond: 34, highPerSecond: 36, clauses };
  assert.deepEqual(coBindingOf({ ...estimate, binding: least }), [near]);
  assert.deepEqual(coBindingOf({ ...estimate, clauses: [unbound!], binding: unbound! }), []);
});

test("each end of the interval is the smallest of the clauses' own, whichever binds", () => {
  const { clause, thresholds } = quantileClause("e2e", 0.99, 1);
  const models = modelsOf([TTFT.clause, clause], [TTFT.thresholds, thresholds]);
  // The second clause breaks a little later, and was seen by few requests.
  const blocks = STEADY.map((block) => {
    const few = blockAt(block.ratePerSecond, {
      requests: 30,
      fractions: fractionsAt(block.ratePerSecond * 0.94),
    });
    return { ...block, clauses: [...block.clauses, ...few.clauses] };
  });
  const estimate = estimateOf({ ...moveWith({ blocks }), models }, true);
  const [first, second] = estimate.clauses;
  assert.equal(estimate.binding, first);
  assert.ok((second?.lowPerSecond ?? Infinity) < estimate.binding.lowPerSecond);
  assert.equal(estimate.lowPerSecond, second?.lowPerSecond);
  assert.equal(estimate.highPerSecond, estimate.binding.highPerSecond);
  // As little behind the first one, it binds as well.
  const slo = [TTFT.clause, clause];
  const move = {
    ...moveWith({ blocks }, { slo, thresholds: [TTFT.thresholds, thresholds] }),
    models,
  };
  const { boundBy, coBinding, clauseRates } = answered(move);
  assert.deepEqual([boundBy, coBinding], [TTFT.clause.text, [clause.text]]);
  assert.deepEqual(
    clauseRates,
    [first, second].map((each) => ({
      clause: each?.model.clause.text,
      ratePerSecond: each?.ratePerSecond,
    })),
  );
});

describe("blocks that contradict each other", () => {
  const { clause, thresholds } = quantileClause("itl", 0.99, 0.05);
  const counted = { slo: [clause], thresholds: [thresholds] };
  const models = modelsOf(counted.slo, counted.thresholds);

  /** Of a batch that has 1 % over at 35 requests/s; `factors` times as many in each block. */
  function movesOf(rates: readonly number[], factors: readonly number[]): Move {
    const blocks = rates.map((rate, place) =>
      blockAt(rate, {
        ...{ segment: 10 + place, startS: 30 * place, requests: 9_000 },
        fractions: models[0]!.thresholds.map((u) =>
          Math.min(0.9, 0.01 * factors[place]! * Math.exp(12 * (1 - u) + 0.5 * (rate - 35))),
        ),
      }),
    );
    return { ...moveWith({ blocks }, counted), models };
  }

  test("by a drift: the answer is of the newer half", () => {
    const rates = [35, 34, 35.5, 35, 34, 35.5, 35, 34];
    const move = movesOf(rates, [0.2, 0.6, 1, 1.4, 1.8, 2.2, 2.6, 3]);
    const { notes, ratePerSecond } = answered(move);
    assert.match(notes[0] ?? "", /^the service became slower .* of the newer half/);
    const { blocks } = move.state;
    const newer = { ...move, state: { ...move.state, blocks: blocks.slice(4) } };
    assert.equal(ratePerSecond, estimateOf(newer, true).ratePerSecond);
    assert.ok(ratePerSecond < estimateOf(move, true).ratePerSecond);
  });

  test("by a curve that falls twice: the answer lies below the lowest rate that failed", () => {
    const rates = [31, 32, 33, 34, 35, 36];
    const { notes, ratePerSecond, lowPerSecond } = answered(
      movesOf(rates, [1, 40, 1, 25, 0.5, 0.5]),
    );
    assert.match(notes[0] ?? "", /^the curve is not monotone/);
    assert.ok(ratePerSecond <= 31 && lowPerSecond <= 31, `${ratePerSecond}, ${lowPerSecond}`);
  });
});
