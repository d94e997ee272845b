import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bisectProcedure } from "../../../coordinator/search/bisect.ts";
import type { BisectState } from "../../../coordinator/search/bisect-state.ts";
import type {
  MaxRate,
  Procedure,
  SearchOptions,
  SegmentRequest,
} from "../../../coordinator/search/procedure.ts";
import { tailProcedure } from "../../../coordinator/search/tail.ts";
import { MM4 } from "../../support/search-queues.ts";
import { runInVirtualTime, type VirtualRun } from "../../support/virtual-queue.ts";

const COUNTED = {
  slo: MM4.clauses.map(({ clause }) => clause),
  thresholds: MM4.clauses.map(({ thresholds }) => thresholds),
};

type Spoils = (request: SegmentRequest) => boolean;

interface Spoilt<State> {
  readonly run: VirtualRun<State>;
  /** Places of the segments that the generator spoilt. */
  readonly places: readonly number[];
  readonly state: State;
}

/** A search of an M/M/4 whose generator spoils the first `times` windows of those that `spoils` names. */
function searchSpoilt<State>(
  procedureOf: (options: SearchOptions) => Procedure<State>,
  options: { readonly spoils: Spoils; readonly times: number; readonly rateMaxPerSecond?: number },
): Spoilt<State> {
  const spoilt = new Set<SegmentRequest>();
  const isSpoilt = (request: SegmentRequest): boolean => {
    if (!spoilt.has(request) && options.spoils(request) && spoilt.size < options.times)
      spoilt.add(request);
    return spoilt.has(request);
  };
  const run = runInVirtualTime({
    ...COUNTED,
    procedure: procedureOf({
      ...COUNTED,
      rateMinPerSecond: undefined,
      rateMaxPerSecond: options.rateMaxPerSecond,
      precisionFraction: 0.1,
      confidence: 0.95,
      timeBudgetS: 300,
    }),
    server: MM4.server(11),
    seed: 5,
    sealDelayS: 1.7,
    armS: 1.3,
    validity: (request) => (isSpoilt(request) ? "invalid" : "valid"),
  });
  const places = run.segments.flatMap(({ request }, place) => (spoilt.has(request) ? [place] : []));
  return { run, places, state: run.steps.at(-1)!.state };
}

function answerOf({ run: { decision } }: Spoilt<unknown>): MaxRate {
  assert.ok(decision.kind === "found", JSON.stringify(decision));
  return decision.answer;
}

function rateOf({ mode }: SegmentRequest): number {
  return mode.kind === "open" ? mode.ratePerSecond : 0;
}

function requestAt({ run }: Spoilt<unknown>, place: number): SegmentRequest {
  const request = run.segments[place]?.request;
  assert.ok(request !== undefined, `segment ${place + 1}`);
  return request;
}

/** The window after the spoilt one is the same again. */
function assertRepeated(spoilt: Spoilt<unknown>): void {
  const [place] = spoilt.places;
  assert.ok(place !== undefined, "a window was spoilt");
  const [void_, again] = [requestAt(spoilt, place), requestAt(spoilt, place + 1)];
  assert.deepEqual([again.purpose, again.mode], [void_.purpose, void_.mode]);
}

const is =
  (purpose: SegmentRequest["purpose"], above = 0): Spoils =>
  (request) =>
    request.purpose === purpose && rateOf(request) >= above;

describe("a window of a tail search that the generator spoilt", () => {
  for (const [name, spoils, rateMaxPerSecond] of [
    ["a step of the ramp", is("ramp", 15), undefined],
    ["the step at which the ramp trips", is("ramp", 80), undefined],
    ["saturation", is("saturate"), undefined],
    ["a focus block", is("focus"), undefined],
    ["the highest rate allowed", is("probe"), 15],
  ] as const)
    test(`${name}: is driven once more, and nothing is taken from it`, () => {
      const spoilt = searchSpoilt(tailProcedure, {
        ...{ spoils, times: 1 },
        ...(rateMaxPerSecond === undefined ? {} : { rateMaxPerSecond }),
      });
      assertRepeated(spoilt);
      const numbers = spoilt.places.map((place) => place + 1);
      const taken = spoilt.state.blocks.map(({ segment }) => segment);
      assert.deepEqual(
        taken.filter((segment) => numbers.includes(segment)),
        [],
      );
      const { lowPerSecond, highPerSecond, ratePerSecond } = answerOf(spoilt);
      if (rateMaxPerSecond === undefined) {
        assert.ok(lowPerSecond <= MM4.truthPerSecond);
        assert.ok(MM4.truthPerSecond <= (highPerSecond ?? 0));
      } else assert.equal(ratePerSecond, rateMaxPerSecond);
    });

  test("each is repeated, the step that trips, saturation and a block, though none was clean in between", () => {
    const kinds = new Set<string>();
    const spoilt = searchSpoilt(tailProcedure, {
      spoils: (request) => {
        const isWanted = is("ramp", 80)(request) || request.purpose === "saturate";
        if (!isWanted && request.purpose !== "focus") return false;
        return kinds.size < kinds.add(request.purpose).size;
      },
      times: Infinity,
    });
    assert.equal(spoilt.places.length, 3);
    const purposes = spoilt.places.flatMap((place) => [
      requestAt(spoilt, place).purpose,
      requestAt(spoilt, place + 1).purpose,
    ]);
    assert.deepEqual(purposes, ["ramp", "ramp", "saturate", "saturate", "focus", "focus"]);
    for (const place of spoilt.places)
      assert.deepEqual(requestAt(spoilt, place).mode, requestAt(spoilt, place + 1).mode);
  });

  for (const times of [2, Infinity])
    test(`saturation that is spoilt ${times === 2 ? "twice" : "each time"} is done without: the step that tripped stands in for it`, () => {
      const spoilt = searchSpoilt(tailProcedure, { spoils: is("saturate"), times });
      assert.equal(spoilt.places.length, 2);
      const [first = -1, second = -1] = spoilt.places;
      assert.equal(second, first + 1);
      assert.equal(requestAt(spoilt, second + 1).purpose, "drain");
      assert.ok((spoilt.state.anchor?.relativeSd ?? 0) > 0.025, "it is known less well");
      assert.ok(spoilt.run.elapsedS <= 301, String(spoilt.run.elapsedS));
      answerOf(spoilt);
    });

  test("a focus block that is spoilt twice is followed by a slower one", () => {
    const spoilt = searchSpoilt(tailProcedure, { spoils: is("focus"), times: 2 });
    const [first, second] = spoilt.places;
    assert.equal(second, (first ?? 0) + 1);
    const [before, after] = [requestAt(spoilt, second), requestAt(spoilt, second + 1)];
    assert.equal(after.purpose, "focus");
    assert.ok(rateOf(after) <= 0.97 * rateOf(before));
  });

  test("a generator that spoils every focus block ends the search, and no time is lost on it", () => {
    const spoilt = searchSpoilt(tailProcedure, { spoils: is("focus"), times: Infinity });
    assert.equal(spoilt.places.length, 6);
    assert.equal(spoilt.run.segments.length, (spoilt.places.at(-1) ?? 0) + 1);
    const { decision } = spoilt.run;
    assert.ok(decision.kind === "inconclusive", JSON.stringify(decision));
    assert.match(decision.reason, /^the load generator could not hold \d/);
  });
});

describe("a window of a bisection that the generator spoilt", () => {
  const probesOf = ({ probes }: BisectState): readonly number[] =>
    probes.map(({ segment }) => segment);

  for (const [name, spoils] of [
    ["a step of the ramp", is("ramp", 15)],
    ["a probe", is("probe")],
  ] as const)
    test(`${name}: is driven once more, and nothing is taken from it`, () => {
      const spoilt = searchSpoilt(bisectProcedure, { spoils, times: 1 });
      assertRepeated(spoilt);
      const [place = -1] = spoilt.places;
      assert.ok(!probesOf(spoilt.state).includes(place + 1));
      answerOf(spoilt);
    });

  test("a rate that the generator cannot hold is its ceiling", () => {
    const spoilt = searchSpoilt(bisectProcedure, {
      spoils: (request) => rateOf(request) > 25,
      times: Infinity,
    });
    const answer = answerOf(spoilt);
    assert.deepEqual([answer.limitedBy, answer.highPerSecond], ["generator", undefined]);
    assert.ok(answer.ratePerSecond > 10 && answer.ratePerSecond <= 25);
    assert.match(answer.notes.join(), /the load generator could not hold \d/);
  });
});
