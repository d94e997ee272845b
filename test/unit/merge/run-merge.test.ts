import assert from "node:assert/strict";
import { test } from "node:test";
import { RunMerge } from "../../../coordinator/merge/run-merge.ts";
import { ReportIntake } from "../../../coordinator/run/report-intake.ts";
import type { Health, IntervalReport } from "../../../shared/measurement/report.ts";
import { NO_COUNTERS, sampleBatch, sampleReport } from "../../support/sample-report.ts";

const S = 1e9;

function taken(...reports: readonly IntervalReport[]): RunMerge {
  const merge = new RunMerge("run-1");
  for (const report of reports) {
    assert.equal(merge.check(report), "new");
    merge.take(report);
  }
  return merge;
}

function codeOf(checked: ReturnType<RunMerge["check"]>): string {
  return typeof checked === "string" ? checked : checked.code;
}

test("a report that comes again is a duplicate, however much later", () => {
  const merge = taken(sampleReport(1), sampleReport(2), sampleReport(3));
  for (const sequence of [1, 2, 3])
    assert.equal(merge.check(sampleReport(sequence)), "duplicate", `report ${sequence}`);
  assert.equal(merge.check(sampleReport(4)), "new");
});

test("the same key with another payload is refused", () => {
  const merge = taken(sampleReport(1));
  const failed = { ...NO_COUNTERS, scheduled: 1, fired: 1 };
  const slower = sampleReport(2).deltas[0]!.classes;
  const others: readonly Partial<IntervalReport>[] = [
    { totals: { ...failed, streamErrors: 1 } },
    { totals: { ...failed, httpErrors: new Map([[503, 1]]) } },
    { deltas: [{ ...sampleReport(1).deltas[0]!, classes: slower }] },
    { open: 1, totals: { ...NO_COUNTERS, scheduled: 2, fired: 2, ok: 1 } },
    { sealedUntilNs: 2 * S },
    { deltas: [] },
  ];
  for (const change of others)
    assert.equal(codeOf(merge.check(sampleReport(1, change))), "LL_REPORT_CONFLICT");
});

test("a report of another run is refused, whoever sends it", () => {
  const merge = taken(sampleReport(1));
  assert.equal(codeOf(merge.check(sampleReport(2, { runId: "run-2" }))), "LL_REPORT_FOREIGN_RUN");
});

test("agents, and epochs of one agent, count their reports each for itself", () => {
  const merge = taken(
    sampleReport(1),
    sampleReport(1, { agentId: "agent-2" }),
    sampleReport(1, { epoch: 8 }),
  );
  assert.deepEqual(merge.problems, []);
  assert.equal(merge.segment(1).counters.fired, 3);
});

test("a missing sequence is a problem that names the reports", () => {
  const merge = taken(sampleReport(1), sampleReport(4));
  assert.equal(merge.problems.length, 1);
  assert.match(merge.problems[0]!, /agent-1: reports 2 to 3 are missing/);
});

test("books that do not balance are a problem that names the report", () => {
  const merge = taken(sampleReport(1, { open: 3 }));
  assert.match(merge.problems[0]!, /agent-1, report 1: 1 requests were fired/);
});

test("the slowest agent is the one whose report the rest waits for", () => {
  const merge = taken(sampleReport(1), sampleReport(2), sampleReport(1, { agentId: "agent-2" }));
  assert.equal(merge.slowestOf(["agent-1", "agent-2"]), "agent-2");
  assert.equal(
    merge.slowestOf(["agent-1", "agent-3", "agent-2"]),
    "agent-3",
    "it said nothing yet",
  );
  assert.equal(merge.slowestOf([]), undefined);
});

test("the run is sealed as far as its slowest agent, and not at all before each has reported", () => {
  const merge = taken(sampleReport(1), sampleReport(2));
  const both = ["agent-1", "agent-2"];
  assert.equal(merge.sealedUntilNs(both), Number.NEGATIVE_INFINITY);
  merge.take(sampleReport(1, { agentId: "agent-2" }));
  assert.equal(merge.sealedUntilNs(both), S);
  assert.equal(merge.sealedUntilNs(["agent-1"]), 2 * S);
});

test("totals are of every epoch, drain and firing segment those of the newest", () => {
  const merge = taken(
    sampleReport(1),
    sampleReport(2, { drained: true }),
    sampleReport(1, { epoch: 8, firingSegment: 3 }),
  );
  assert.equal(merge.totalsOf("agent-1").totals.fired, 3);
  assert.equal(merge.drained(["agent-1"]), false);
  assert.equal(merge.firingSegmentOf("agent-1"), 3);
  assert.equal(merge.firingSegmentOf("agent-9"), 0);
});

test("the newest epoch is the one that began last, whatever its number: an agent's clock may have been set back", () => {
  const merge = taken(
    sampleReport(1, { epoch: 8, firingSegment: 1 }),
    sampleReport(2, { epoch: 8, firingSegment: 1 }),
    sampleReport(1, { epoch: 5, firingSegment: 3, sealedUntilNs: 7 * S }),
  );
  assert.equal(merge.sealedUntilNs(["agent-1"]), 7 * S);
  assert.equal(merge.firingSegmentOf("agent-1"), 3);
  merge.take(sampleReport(3, { epoch: 8, firingSegment: 1 }));
  assert.equal(merge.firingSegmentOf("agent-1"), 3, "late word of the one before");
  merge.take(sampleReport(2, { epoch: 5, firingSegment: 4, sealedUntilNs: 8 * S }));
  assert.equal(merge.sealedUntilNs(["agent-1"]), 8 * S);
  assert.equal(merge.totalsOf("agent-1").totals.fired, 5);
});

test("an agent's health adds up, and its extremes are kept", () => {
  const { health } = sampleReport(1);
  const merge = taken(
    sampleReport(1, { health: { ...health, cpuSeconds: 1, eventLoopUtilisation: 0.9 } }),
    sampleReport(2, { health: { ...health, cpuSeconds: 2, eventLoopUtilisation: 0.1 } }),
  );
  const sum = merge.healthOf("agent-1")!;
  assert.equal(sum.cpuSeconds, 3);
  assert.equal(sum.utilisationMax, 0.9);
});

test("health of a window is what lies in it, also where the agent went on a little beyond its end", () => {
  const sum = taken(...[1, 2, 3, 4, 5].map((sequence) => sampleReport(sequence))).healthOf(
    "agent-1",
  )!;
  const spans = (fromS: number, untilS: number): readonly (readonly [number, number])[] =>
    sum.within(fromS * S, untilS * S).map(({ fromNs, toNs }) => [fromNs / S, toNs / S]);
  assert.deepEqual(spans(0, 5), [[0, 5]]);
  assert.deepEqual(spans(0, 4), [[0, 5]], "a second beyond the end");
  assert.deepEqual(spans(0, 2), [], "most of it is of another window");
  assert.deepEqual(spans(1, 5), [], "it began before");
});

test("health is kept by window, not by report: it does not grow with the run", () => {
  const health = (sequence: number, cpuSeconds: number): Health => ({
    ...sampleReport(sequence).health,
    cpuSeconds,
    eventLoopUtilisation: sequence === 2 ? 0.5 : 0.2,
  });
  const hour = Array.from({ length: 3_600 }, (_, i) =>
    sampleReport(i + 1, { health: health(i + 1, 0.25) }),
  );
  const { stretches } = taken(...hour).healthOf("agent-1")!;
  assert.deepEqual(
    stretches.map(({ fromNs, toNs, cpuSeconds }) => [fromNs, toNs, cpuSeconds]),
    [[0, 3_600 * S, 900]],
  );
  // Weighed by time.
  assert.ok(Math.abs(stretches[0]!.eventLoopUtilisation - (0.2 + 0.3 / 3_600)) < 1e-12);
  // Another segment, what is not recorded, and a hole begin another stretch.
  const unrecorded = sampleReport(4).deltas.map((delta) => ({ ...delta, recorded: false }));
  const parts = taken(
    sampleReport(1),
    sampleReport(2, { firingSegment: 2, deltas: [] }),
    sampleReport(3),
    sampleReport(4, { deltas: unrecorded }),
    sampleReport(6),
  ).healthOf("agent-1")!.stretches;
  assert.deepEqual(
    parts.map(({ fromNs, toNs }) => [fromNs / S, toNs / S]),
    [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
      [5, 6],
    ],
  );
});

function intakeInto(
  merge: RunMerge,
  appendInterval: () => Promise<void>,
  recordsWritten: string[] = [],
) {
  const merged: number[] = [];
  const notKept: unknown[] = [];
  const intake = new ReportIntake({
    merge,
    store: {
      appendInterval,
      appendRecords: ({ runId, agentId }) => {
        recordsWritten.push(`${runId} ${agentId}`);
        return Promise.resolve();
      },
    },
    isMember: (agentId) => agentId === "agent-1",
    onRefused: () => undefined,
    onNotKept: (error) => notKept.push(error),
    onRecords: () => undefined,
    onMerged: ({ sequence }) => merged.push(sequence),
  });
  return { intake, merged, notKept };
}

test("a report that comes twice at once is written and merged once", async () => {
  const merge = new RunMerge("run-1");
  let written = 0;
  const { intake, merged } = intakeInto(merge, () => {
    written += 1;
    return Promise.resolve();
  });
  const answers = await Promise.all(
    [1, 1, 2, 1].map((sequence) => intake.onInterval(sampleReport(sequence))),
  );
  assert.deepEqual(answers, [undefined, undefined, undefined, undefined]);
  assert.equal(written, 2);
  assert.deepEqual(merged, [1, 2]);
  assert.equal(merge.segment(1).counters.fired, 2);
});

test("a report is merged and acknowledged only once it is written", async () => {
  const merge = new RunMerge("run-1");
  let onDisk = (): void => undefined;
  const { intake, merged } = intakeInto(
    merge,
    () =>
      new Promise((resolve) => {
        onDisk = resolve;
      }),
  );
  let answered = false;
  const answer = intake.onInterval(sampleReport(1)).then(() => {
    answered = true;
  });
  await new Promise(setImmediate);
  assert.deepEqual([merged, answered], [[], false]);
  onDisk();
  await answer;
  assert.deepEqual(merged, [1]);
});

test("a failed write fails its report, which may come again, and not the next one", async () => {
  const merge = new RunMerge("run-1");
  let isFull = true;
  const { intake } = intakeInto(merge, () =>
    isFull ? Promise.reject(new Error("disk full")) : Promise.resolve(),
  );
  await assert.rejects(intake.onInterval(sampleReport(1)), /disk full/);
  isFull = false;
  assert.equal(await intake.onInterval(sampleReport(1)), undefined);
  assert.equal(await intake.onInterval(sampleReport(2)), undefined);
  assert.deepEqual(merge.problems, []);
  assert.equal(merge.segment(1).counters.fired, 2);
});

test("an agent that takes no part is refused and nothing of it is merged", async () => {
  const merge = new RunMerge("run-1");
  const { intake } = intakeInto(merge, () => Promise.resolve());
  const refusal = await intake.onInterval(sampleReport(1, { agentId: "agent-2" }));
  assert.equal(refusal?.code, "LL_REPORT_FOREIGN_AGENT");
  assert.equal(intake.refused, 1);
  assert.equal(merge.segment(1).counters.fired, 0);
});

test("once the run is over reports are refused, those that were on their way are taken", async () => {
  const merge = new RunMerge("run-1");
  let written = 0;
  const { intake, merged } = intakeInto(merge, () => {
    written += 1;
    return Promise.resolve();
  });
  const before = intake.onInterval(sampleReport(1));
  await intake.close();
  assert.deepEqual(merged, [1]);
  assert.equal(await before, undefined);
  const refusal = await intake.onInterval(sampleReport(2));
  assert.equal(refusal?.code, "LL_REPORT_RUN_OVER");
  assert.deepEqual([written, merged], [1, [1]]);
});

test("records of another run, or of an agent that takes no part, are refused and not written", async () => {
  const merge = new RunMerge("run-1");
  const written: string[] = [];
  const { intake } = intakeInto(merge, () => Promise.resolve(), written);
  const codes: (string | undefined)[] = [];
  for (const changes of [{ runId: "run-2" }, { agentId: "agent-2" }, {}])
    codes.push((await intake.onRecords({ ...sampleBatch(1, 2), ...changes }))?.code);
  assert.deepEqual(codes, ["LL_REPORT_FOREIGN_RUN", "LL_REPORT_FOREIGN_AGENT", undefined]);
  assert.deepEqual(written, ["run-1 agent-1"]);
});

test("a problem is one of the windows that it is about, and a refusal of all that follow", () => {
  const merge = new RunMerge("run-1");
  merge.take(sampleReport(1));
  merge.take(sampleReport(3));
  assert.equal(merge.problems.length, 1);
  assert.deepEqual(merge.problemsIn(0, 1e9), [], "before the hole");
  assert.match(merge.problemsIn(0, 2e9)[0]!, /reports 2 to 2 are missing/);
  assert.deepEqual(merge.problemsIn(3e9, 9e9), [], "behind it");

  const intake = new ReportIntake({
    merge,
    store: { appendInterval: () => Promise.resolve(), appendRecords: () => Promise.resolve() },
    isMember: (agentId) => agentId === "agent-1",
    onMerged: () => undefined,
    onNotKept: () => undefined,
    onRefused: (agentId) => lost.push(agentId),
    onRecords: () => undefined,
  });
  const lost: string[] = [];
  const refusal = { code: "LL_REPORT_MALFORMED", message: "another geometry", hint: "update it" };
  intake.onMalformed("a stranger", refusal);
  intake.onMalformed("agent-1", refusal);
  intake.onMalformed("agent-1", refusal);
  assert.deepEqual(lost, ["agent-1", "agent-1"]);
  assert.deepEqual(merge.problemsIn(0, 3e9).length, 1, "what was sealed by then is whole");
  assert.deepEqual(merge.problemsIn(3e9, 9e9), [
    "agent agent-1's reports were refused (LL_REPORT_MALFORMED): another geometry; update it",
  ]);
});
