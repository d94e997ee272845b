import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AgentFacts,
  judgeGenerator,
  type Validity,
  worseOf,
} from "../../../coordinator/validity/validity.ts";
import { Histogram } from "../../../shared/measurement/histogram.ts";
import type { Health } from "../../../shared/measurement/report.ts";
import { NO_COUNTERS, sampleReport } from "../../support/sample-report.ts";

const MS = 1e6;
const S = 1e9;

/** `late` of a thousand values are `lateNs`, the others 10 µs. */
function delays(late: number, lateNs: number, count = 1_000): Histogram {
  const histogram = new Histogram(1_000);
  histogram.record(10_000, count - late);
  if (late > 0) histogram.record(lateNs, late);
  return histogram;
}

function healthOf(changes: Partial<Health> = {}): Health {
  return { ...sampleReport(1).health, eventLoopDelay: delays(0, 0), ...changes };
}

/** An agent that is well. */
function agent(changes: Partial<AgentFacts> = {}): AgentFacts {
  return {
    agentId: "a",
    counters: { ...NO_COUNTERS, scheduled: 1_000, fired: 1_000, ok: 1_000 },
    sendDelay: delays(0, 0),
    health: [healthOf()],
    clockErrorBoundNs: 0.2 * MS,
    lost: false,
    switched: true,
    ...changes,
  };
}

function judge(
  changes: Partial<AgentFacts>,
  facts: { readonly tightestLimitNs?: number; readonly problems?: readonly string[] } = {},
): Validity {
  return judgeGenerator({
    agents: [agent({ agentId: "well" }), agent(changes)],
    tightestLimitNs: facts.tightestLimitNs,
    problems: facts.problems ?? [],
  });
}

const VALID: Validity = { verdict: "valid", reasons: [] };

test("a generator without a fault is valid", () => {
  assert.deepEqual(judge({}), VALID);
});

/** Each planted in agent "a" only, with the one reason that must come of it. */
const FAULTS: readonly {
  readonly fault: string;
  readonly changes: Partial<AgentFacts>;
  readonly verdict?: "suspect";
  readonly reason: RegExp;
}[] = [
  {
    fault: "one arrival without a socket",
    changes: { counters: { ...NO_COUNTERS, scheduled: 1_000, fired: 999, droppedSocket: 1 } },
    reason: /^agent a had no socket for 1 arrivals$/,
  },
  {
    fault: "one arrival kept back by the policy",
    changes: { counters: { ...NO_COUNTERS, scheduled: 1_000, fired: 999, droppedPolicy: 1 } },
    reason: /^agent a's policy kept 1 arrivals back$/,
  },
  {
    fault: "more than 1 % of the arrivals held back",
    changes: { counters: { ...NO_COUNTERS, scheduled: 1_000, fired: 989, notOfferedAborted: 11 } },
    reason: /^agent a offered 989 of 1000 arrivals \(11 held back\)$/,
  },
  {
    fault: "a send delay beyond 2 ms",
    changes: { sendDelay: delays(11, 3 * MS) },
    reason: /^agent a sent late: send delay p99 3\.0 ms \(bound 2\.0 ms\)/,
  },
  {
    fault: "an event loop late by more than 5 ms",
    changes: { health: [healthOf({ eventLoopDelay: delays(11, 6 * MS) })] },
    reason: /^agent a's event loop was late: p99 6\.0 ms \(bound 5\.0 ms\)$/,
  },
  {
    fault: "an event loop that is busy",
    changes: { health: [healthOf({ eventLoopUtilisation: 0.95 })] },
    reason: /^agent a was busy 95 % of the time \(bound 90 %\)/,
  },
  {
    fault: "an agent lost",
    changes: { lost: true },
    reason: /^agent a was lost in this window$/,
  },
  {
    fault: "a segment not started",
    changes: { switched: false },
    reason: /^agent a did not start the segment: its lease came too late$/,
  },
  {
    fault: "a clock known too loosely",
    changes: { clockErrorBoundNs: 6 * MS },
    verdict: "suspect",
    reason: /^agent a: its clock is only known to ±6\.0 ms \(bound 5 ms\)/,
  },
];

for (const { fault, changes, verdict = "invalid", reason } of FAULTS) {
  test(`${fault}: ${verdict}, and it says whose fault it is`, () => {
    const validity = judge(changes);
    assert.equal(validity.verdict, verdict);
    assert.equal(validity.reasons.length, 1, validity.reasons.join("; "));
    assert.match(validity.reasons[0]!, reason);
  });
}

test("a report that is missing or does not add up is invalid, in its own words", () => {
  const problem = "agent a: reports 2 to 3 are missing";
  assert.deepEqual(judge({}, { problems: [problem] }), { verdict: "invalid", reasons: [problem] });
});

test("a server that is slow, fails, hangs or is overrun leaves the window valid", () => {
  const scheduled = { ...NO_COUNTERS, scheduled: 1_000 };
  const servers = {
    failing: { ...scheduled, fired: 1_000, httpErrors: new Map([[503, 1_000]]) },
    refusing: { ...scheduled, fired: 1_000, connectErrors: 1_000 },
    cutting: { ...scheduled, fired: 1_000, streamErrors: 1_000 },
    hanging: { ...scheduled, fired: 1_000, timeouts: 1_000 },
    slow: { ...scheduled, fired: 1_000, censored: 400 },
    overrun: { ...scheduled, fired: 300, ok: 300, droppedInFlightBound: 700 },
  };
  for (const [name, counters] of Object.entries(servers))
    assert.deepEqual(judge({ counters }), VALID, name);
});

test("at each bound the window is still valid", () => {
  assert.deepEqual(
    judge({
      counters: { ...NO_COUNTERS, scheduled: 1_000, fired: 990, notOfferedAborted: 10 },
      sendDelay: delays(10, 3 * MS),
      health: [healthOf({ eventLoopDelay: delays(10, 6 * MS), eventLoopUtilisation: 0.9 })],
      clockErrorBoundNs: 5 * MS,
    }),
    VALID,
  );
});

test("the bounds of the delays grow with the tightest limit", () => {
  const late = {
    sendDelay: delays(20, 3 * MS),
    health: [healthOf({ eventLoopDelay: delays(20, 6 * MS) })],
  };
  assert.equal(judge(late, { tightestLimitNs: 100 * MS }).reasons.length, 2);
  assert.deepEqual(judge(late, { tightestLimitNs: 200 * MS }), VALID);
});

test("one or two late ones of a short window are no tail", () => {
  assert.deepEqual(judge({ sendDelay: delays(2, 50 * MS, 20) }), VALID);
  assert.equal(judge({ sendDelay: delays(3, 50 * MS, 20) }).verdict, "invalid");
});

test("utilisation is weighed by time, and quantiles are those of all intervals together", () => {
  const brief = healthOf({ fromNs: 0, toNs: 0.1 * S, eventLoopUtilisation: 1 });
  const long = healthOf({ fromNs: 0.1 * S, toNs: 1 * S, eventLoopUtilisation: 0.5 });
  assert.deepEqual(judge({ health: [brief, long] }), VALID);
  const lateOnce = healthOf({ eventLoopDelay: delays(11, 6 * MS) });
  assert.deepEqual(judge({ health: [lateOnce, healthOf()] }), VALID, "11 of 2,000");
});

test("what makes it invalid comes before what makes it suspect", () => {
  const { verdict, reasons } = judge({ lost: true, clockErrorBoundNs: 6 * MS });
  assert.equal(verdict, "invalid");
  assert.match(reasons[0]!, /lost/);
  assert.match(reasons[1]!, /clock/);
});

test("the worse of two verdicts keeps the reasons of both, each once", () => {
  const suspect: Validity = { verdict: "suspect", reasons: ["s", "x"] };
  const invalid: Validity = { verdict: "invalid", reasons: ["i", "x"] };
  assert.deepEqual(worseOf(VALID, suspect), suspect);
  assert.deepEqual(worseOf(suspect, invalid), { verdict: "invalid", reasons: ["s", "x", "i"] });
  assert.equal(worseOf(invalid, suspect).verdict, "invalid");
});
