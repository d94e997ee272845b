import assert from "node:assert/strict";
import { test } from "node:test";
import type { Decision, MaxRate, SearchOptions } from "../../../coordinator/search/procedure.ts";
import { tailProcedure } from "../../../coordinator/search/tail.ts";
import {
  BATCH_ITL,
  BATCH_TTFT,
  MD1,
  MM16_FAST,
  MM4,
  type SearchQueue,
} from "../../support/search-queues.ts";
import { runInVirtualTime, type VirtualRun } from "../../support/virtual-queue.ts";

type Tail =
  ReturnType<typeof tailProcedure> extends { begin(): { state: infer State } } ? State : never;

/** Three seconds from the end of an interval to the segment it asked for, as a fleet takes. */
const FLEET = { sealDelayS: 1.7, armS: 1.3 };
const LOCAL = { sealDelayS: 0.6, armS: 0.4 };

function search(
  queue: SearchQueue,
  seed: number,
  { timeBudgetS = 300, rateMinPerSecond }: Partial<SearchOptions> = {},
): VirtualRun<Tail> {
  const counted = {
    slo: queue.clauses.map(({ clause }) => clause),
    thresholds: queue.clauses.map(({ thresholds }) => thresholds),
  };
  const run = runInVirtualTime({
    ...counted,
    procedure: tailProcedure({
      ...counted,
      rateMinPerSecond,
      rateMaxPerSecond: undefined,
      precisionFraction: 0.005,
      confidence: 0.95,
      timeBudgetS,
    }),
    server: queue.server(977 * seed),
    seed: 313 * seed,
    ...(timeBudgetS < 100 ? LOCAL : FLEET),
  });
  assert.ok(run.elapsedS <= timeBudgetS + 1, `${run.elapsedS} s of a budget of ${timeBudgetS}`);
  return run;
}

function answerOf(decision: Decision): MaxRate {
  assert.ok(decision.kind === "found", JSON.stringify(decision));
  return decision.answer;
}

/** The acceptance table on fewer seeds, with room for that; the whole one is `npm run bench:search`. */
const TABLE: readonly {
  readonly queue: SearchQueue;
  readonly seeds: number;
  readonly medianMax: number;
  readonly options?: Partial<SearchOptions>;
}[] = [
  { queue: MM4, seeds: 8, medianMax: 0.05 },
  { queue: MD1, seeds: 8, medianMax: 0.05 },
  { queue: BATCH_TTFT, seeds: 6, medianMax: 0.07 },
  { queue: BATCH_ITL, seeds: 6, medianMax: 0.07 },
  {
    queue: MM16_FAST,
    seeds: 10,
    medianMax: 0.07,
    options: { timeBudgetS: 45, rateMinPerSecond: 60 },
  },
];

for (const { queue, seeds, medianMax, options } of TABLE) {
  test(`the tail search finds ${queue.name}'s rate, and its interval holds the truth`, () => {
    const { truthPerSecond } = queue;
    const answers = Array.from({ length: seeds }, (_, seed) =>
      answerOf(search(queue, 40 + seed, options).decision),
    );
    const errors = answers
      .map(({ ratePerSecond }) => Math.abs(ratePerSecond / truthPerSecond - 1))
      .sort((a, b) => a - b);
    const median = errors[Math.floor(errors.length / 2)]!;
    assert.ok(median <= medianMax, `the median error is ${(100 * median).toFixed(1)} %`);
    const held = answers.filter(
      ({ lowPerSecond, highPerSecond }) =>
        lowPerSecond <= truthPerSecond && truthPerSecond <= (highPerSecond ?? Infinity),
    );
    assert.ok(held.length >= seeds - 2, `${held.length} of ${seeds} intervals hold the truth`);
    assert.deepEqual(new Set(answers.map(({ boundBy }) => boundBy)), new Set([queue.binding]));
  });
}
