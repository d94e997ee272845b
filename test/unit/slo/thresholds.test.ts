import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseClause, parseSlo } from "../../../shared/slo/grammar.ts";
import {
  clauseFraction,
  isOver,
  limitIndex,
  thresholdTable,
  tightestGapLimitNs,
  tightestItlLimitNs,
  tightestIntendedLimitNs,
} from "../../../shared/slo/thresholds.ts";

const everyKind = parseSlo([
  "ttft p99 <= 1s",
  "service_ttft p99 <= 1s",
  "e2e p99 <= 1s",
  "service_e2e p99 <= 1s",
  "itl p99 <= 1s",
  "gap p99 <= 1s",
  "max_gap p99 <= 1s",
  "output_tokens_per_second p99 >= 20",
  "error_rate <= 1%",
  "goodput >= 99%",
]);

describe("the table of thresholds", () => {
  test("counts queueing metrics well below their limit, step times around it, others at it", () => {
    const queueing = [0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1].map((part) => part * 1e9);
    const step = [0.8, 0.9, 1, 1.1].map((part) => part * 1e9);
    assert.deepEqual(
      thresholdTable(everyKind).map((entry) => entry.thresholds),
      [queueing, queueing, queueing, queueing, step, step, [1e9], [20], [], []],
    );
  });

  test("names each clause by its place, metric and class", () => {
    const table = thresholdTable(parseSlo(["chat: itl p99 <= 1s", "goodput >= 99%"]));
    assert.deepEqual(
      table.map(({ clause, metric, className }) => [clause, metric, className]),
      [
        [0, "itl", "chat"],
        [1, "goodput", undefined],
      ],
    );
  });

  test("knows which threshold is the limit", () => {
    for (const [position, entry] of thresholdTable(everyKind).entries()) {
      const clause = everyKind[position]!;
      const limit = clause.kind === "quantile" ? clause.limit : undefined;
      assert.equal(entry.thresholds[limitIndex(entry)], limit);
    }
  });
});

test("a time is over when longer, a speed when slower, and neither at the limit itself", () => {
  assert.deepEqual(
    [9, 10, 11].map((value) => isOver("ttft", value, 10)),
    [false, false, true],
  );
  assert.deepEqual(
    [9, 10, 11].map((value) => isOver("output_tokens_per_second", value, 10)),
    [true, false, false],
  );
});

test("the fraction that may violate a clause is what its text says", () => {
  const fractions = ["ttft p99 <= 1s", "ttft p99.9 <= 1s", "error_rate <= 0.1%", "goodput >= 95%"];
  assert.deepEqual(
    fractions.map((text) => clauseFraction(parseClause(text))),
    [0.01, 0.001, 0.001, 0.05],
  );
});

test("the tightest latency limit is that of the shortest time, whatever the clause", () => {
  const slo = parseSlo([
    ...[
      "ttft p99 <= 1s",
      "e2e p99 <= 900ms",
      "service_ttft p99 <= 5ms",
      "output_tokens_per_second p99 >= 1",
    ],
    ...["gap p50 <= 40ms", "itl p99 <= 30ms", "max_gap p99 <= 2s"],
  ]);
  assert.equal(
    tightestIntendedLimitNs(slo),
    900_000_000,
    "the sender's delay is no part of the others",
  );
  assert.equal(tightestGapLimitNs(slo), 40_000_000);
  assert.equal(tightestItlLimitNs(slo), 30_000_000);
  assert.equal(tightestIntendedLimitNs(parseSlo(["service_e2e p99 <= 1s"])), undefined);
  assert.equal(tightestGapLimitNs(parseSlo(["ttft p99 <= 1s"])), undefined);
});
