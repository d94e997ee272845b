import assert from "node:assert/strict";
import { test } from "node:test";
import { levelOf, type RecordedRequest } from "../../../coordinator/rescore/levels.ts";
import { WindowRecount } from "../../../coordinator/rescore/recount.ts";
import { parseClause, parseSlo } from "../../../shared/slo/grammar.ts";

const OK: RecordedRequest = {
  index: 0,
  segment: 1,
  intendedMs: 1_000,
  sendDelayMs: 2,
  ttftMs: 100,
  maxGapMs: 40,
  e2eMs: 400,
  durationMs: 399,
  outputTokens: 11,
  outcome: "ok",
  class: "chat",
};

/** Whether the request is over the limit of a clause. */
function isOver(text: string, changes: Partial<RecordedRequest> = {}): boolean | undefined {
  const clause = parseClause(text);
  assert.ok(clause.kind === "quantile");
  const level = levelOf({ ...OK, ...changes }, clause, [clause.limit]);
  return level === undefined ? undefined : level > 0;
}

test("times are those of the record, and a limit that is met exactly is met", () => {
  for (const [metric, valueMs] of [
    ["ttft", 100],
    ["service_ttft", 98],
    ["e2e", 400],
    ["service_e2e", 398],
    ["itl", 30],
    ["max_gap", 40],
  ] as const) {
    assert.equal(isOver(`${metric} p99 <= ${valueMs}ms`), false, metric);
    assert.equal(isOver(`${metric} p99 <= ${valueMs - 1}ms`), true, metric);
  }
  assert.equal(isOver("output_tokens_per_second p99 >= 33"), false);
  assert.equal(isOver("output_tokens_per_second p99 >= 34"), true);
});

test("a failure exceeds what it was not decided on; its first token was", () => {
  const failed = { outcome: "stream_error", e2eMs: 150 } as const;
  assert.equal(isOver("ttft p99 <= 100ms", failed), false);
  assert.equal(isOver("ttft p99 <= 100ms", { ...failed, ttftMs: null, e2eMs: null }), true);
  assert.equal(isOver("e2e p99 <= 10s", failed), true);
  assert.equal(isOver("itl p99 <= 10s", failed), true);
});

test("a censored request is as old as it was; of its tokens nothing is known", () => {
  const open = { outcome: "censored", durationMs: 5_000 } as const;
  assert.equal(isOver("e2e p99 <= 5s", open), true);
  assert.equal(isOver("e2e p99 <= 6s", open), false);
  assert.equal(isOver("max_gap p99 <= 4s", open), true);
  assert.equal(isOver("ttft p99 <= 4s", { ...open, ttftMs: null, e2eMs: null }), true);
  assert.equal(isOver("itl p99 <= 1ms", open), undefined);
});

test("a window counts its own requests, its class's, its drops, and the joint outcome", () => {
  const segment = {
    number: 1,
    mode: { kind: "idle" as const },
    startAtNs: 0,
    recordFromNs: 1e9,
    recordUntilNs: 2e9,
    endByNs: 2e9,
    requestsMax: 0,
    shares: [],
  };
  const request = {
    purpose: "measure",
    mode: { kind: "open", ratePerSecond: 4 },
    settleS: 1,
    recordS: 1,
    requestsMax: 0,
  } as const;
  const slo = parseSlo([
    "ttft p99 <= 100ms",
    "chat: e2e p99 <= 300ms",
    "error_rate <= 1%",
    "goodput >= 99%",
  ]);
  const recount = new WindowRecount({ segment, request, untilNs: 2e9 }, slo);
  recount.add({ ...OK, intendedMs: 999 });
  recount.add({ ...OK, intendedMs: 2_000 });
  recount.add(OK);
  recount.add({ ...OK, class: "rag", ttftMs: 101 });
  recount.add({ ...OK, class: "rag" });
  recount.add({ ...OK, class: "rag", outcome: "http_error", ttftMs: null, e2eMs: null });
  recount.addDropped(1);
  const { clauses, fired, failed } = recount.observed();
  const atLimit = clauses.map(({ total, over }) => [total, over.at(-1)]);
  assert.deepEqual(atLimit, [
    [5, 3],
    [2, 2],
    [5, 2],
    [5, 4],
  ]);
  assert.deepEqual([fired, failed], [4, 1]);
});

test("goodput counts a request once that failed or was over any limit, however good it was before it failed", () => {
  const slo = parseSlo([
    "ttft p99 <= 200ms",
    "e2e p99 <= 1s",
    "goodput >= 99%",
    "error_rate <= 1%",
  ]);
  const segment = { startAtNs: 0, recordFromNs: 0 };
  const recount = new WindowRecount({ segment, request: {}, untilNs: 9e9 } as never, slo);
  const requests: readonly Partial<RecordedRequest>[] = [
    {},
    { ttftMs: 300, e2eMs: 1_500 },
    // Its first token came in time.
    { outcome: "stream_error", e2eMs: null },
    { outcome: "censored", e2eMs: null, durationMs: 500 },
  ];
  for (const request of requests) recount.add({ ...OK, ...request });
  const [, , goodput, errors] = recount.observed().clauses;
  assert.deepEqual(
    [goodput, errors],
    [
      { total: 4, over: [2] },
      { total: 4, over: [1] },
    ],
  );
});

test("without an end-to-end clause a failure is not good either", () => {
  const segment = { startAtNs: 0, recordFromNs: 0 };
  const slo = parseSlo(["ttft p99 <= 200ms", "goodput >= 99%"]);
  const recount = new WindowRecount({ segment, request: {}, untilNs: 9e9 } as never, slo);
  recount.add({ ...OK, outcome: "timeout", e2eMs: null });
  assert.deepEqual(
    recount.observed().clauses.map(({ over }) => over.at(-1)),
    [0, 1],
  );
});
