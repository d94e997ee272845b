import assert from "node:assert/strict";
import { test } from "node:test";
import { bisectProcedure } from "../../../coordinator/search/bisect.ts";
import type { MaxRate } from "../../../coordinator/search/procedure.ts";
import { md1MaxRate, mmcMaxRate } from "../../../simulator/theory.ts";
import { quantileClause, runInVirtualTime } from "../../support/virtual-queue.ts";
import { type Draws, fifoServer } from "../../support/virtual-server.ts";

const SEEDS = 20;

/** A queue whose highest rate with p99 of the sojourn within `limitS` is known in closed form. */
interface Queue {
  readonly name: string;
  readonly slots: number;
  readonly serviceS: (draws: Draws) => number;
  readonly limitS: number;
  readonly truthPerSecond: number;
  readonly timeBudgetS: number;
  readonly rateMinPerSecond: number | undefined;
}

function mmc(slots: number, meanS: number, limitS: number): Omit<Queue, "name" | "timeBudgetS"> {
  return {
    slots,
    serviceS: (draws) => draws.exponential(1 / meanS),
    limitS,
    truthPerSecond: mmcMaxRate({ c: slots, mu: 1 / meanS, limitS, quantile: 0.99 }),
    rateMinPerSecond: undefined,
  };
}

const QUEUES: readonly Queue[] = [
  { name: "M/M/4", ...mmc(4, 0.1, 1), timeBudgetS: 300 },
  {
    name: "M/D/1",
    slots: 1,
    serviceS: () => 0.02,
    limitS: 0.2,
    truthPerSecond: md1MaxRate({ serviceS: 0.02, limitS: 0.2, quantile: 0.99 }),
    timeBudgetS: 300,
    rateMinPerSecond: undefined,
  },
  { name: "the demo's M/M/16", ...mmc(16, 0.06, 0.5), timeBudgetS: 45, rateMinPerSecond: 60 },
];

function search(queue: Queue, seed: number): MaxRate | undefined {
  const { clause, thresholds } = quantileClause("ttft", 0.99, queue.limitS);
  const options = { slo: [clause], thresholds: [thresholds] };
  const { decision, elapsedS } = runInVirtualTime({
    ...options,
    procedure: bisectProcedure({
      ...options,
      rateMinPerSecond: queue.rateMinPerSecond,
      rateMaxPerSecond: undefined,
      precisionFraction: 0.1,
      confidence: 0.95,
      timeBudgetS: queue.timeBudgetS,
    }),
    server: fifoServer({ slots: queue.slots, serviceS: queue.serviceS, seed: 77 * seed }),
    seed: 31 * seed,
    ...(queue.timeBudgetS < 100 ? { sealDelayS: 0.6, armS: 0.4 } : {}),
  });
  assert.ok(elapsedS <= queue.timeBudgetS + 2, `${elapsedS} s of a budget of ${queue.timeBudgetS}`);
  return decision.kind === "found" ? decision.answer : undefined;
}

for (const queue of QUEUES) {
  test(`bisection finds ${queue.name}'s rate, and its interval holds the truth`, () => {
    const answers = Array.from({ length: SEEDS }, (_, seed) => search(queue, seed + 1)).filter(
      (answer) => answer !== undefined,
    );
    assert.ok(
      answers.length >= 0.9 * SEEDS,
      `only ${answers.length} of ${SEEDS} searches answered`,
    );
    const { truthPerSecond } = queue;
    const covered = answers.filter(
      ({ lowPerSecond, highPerSecond }) =>
        lowPerSecond <= truthPerSecond && truthPerSecond <= (highPerSecond ?? Infinity),
    );
    assert.ok(
      covered.length >= 0.85 * answers.length,
      `${covered.length} of ${answers.length} intervals hold ${truthPerSecond.toFixed(1)}/s`,
    );
    const errors = answers
      .map(({ ratePerSecond }) => Math.abs(ratePerSecond / truthPerSecond - 1))
      .sort((a, b) => a - b);
    const median = errors[Math.floor(errors.length / 2)] ?? 1;
    assert.ok(median < 0.12, `the median error is ${(100 * median).toFixed(1)} %`);
  });
}
