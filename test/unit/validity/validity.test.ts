import assert from "node:assert/strict";
import { test } from "node:test";
import type { AgentFacts, RecordFacts, WindowFacts } from "../../../coordinator/validity/facts.ts";
import { judgeGenerator, type Validity, worseOf } from "../../../coordinator/validity/validity.ts";
import { Histogram } from "../../../shared/measurement/histogram.ts";
import { ZERO_ACTIVITY } from "../../../shared/measurement/interval.ts";
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
    activity: { ...ZERO_ACTIVITY, completed: 1_000, completedOk: 1_000 },
    health: [healthOf()],
    clockErrorBoundNs: 0.2 * MS,
    clockMovedNs: 0,
    gapErrorP99Ns: 0.1 * MS,
    itlErrorP99Ns: 0.01 * MS,
    silenceNs: 1.1 * S,
    missingNs: 0,
    lost: undefined,
    switched: true,
    ...changes,
  };
}

function judge(changes: Partial<AgentFacts>, facts: Partial<WindowFacts> = {}): Validity {
  return judgeGenerator({
    agents: [agent({ agentId: "well" }), agent(changes)],
    intendedLimitNs: undefined,
    gapLimitNs: undefined,
    itlLimitNs: undefined,
    problems: [],
    backlogGrew: true,
    verdictHolds: false,
    records: undefined,
    ...facts,
  });
}

const VALID: Validity = { verdict: "valid", reasons: [] };
const DROPPED = {
  ...NO_COUNTERS,
  scheduled: 1_000,
  fired: 600,
  ok: 600,
  droppedInFlightBound: 400,
};
const LATE = { sendDelay: delays(20, 3 * MS) };

test("a generator without a fault is valid", () => {
  assert.deepEqual(judge({}), VALID);
});

/** Each planted in agent "a" only, with the one reason that must come of it. */
const FAULTS: readonly {
  readonly fault: string;
  readonly changes: Partial<AgentFacts>;
  readonly facts?: Partial<WindowFacts>;
  readonly verdict?: "suspect";
  readonly reason: RegExp;
}[] = [
  {
    fault: "one arrival without a socket",
    changes: { counters: { ...NO_COUNTERS, scheduled: 1_000, fired: 999, droppedSocket: 1 } },
    reason: /^agent a had no socket for 1 arrivals \(bound 0\).* raise ulimit -n/,
  },
  {
    fault: "a full descriptor table, or no local port left",
    changes: { activity: { ...ZERO_ACTIVITY, completed: 1_000, ownConnectErrors: 40 } },
    reason: /^agent a had no socket for 40 arrivals .*file descriptors or local ports/,
  },
  {
    fault: "one arrival kept back by the policy",
    changes: { counters: { ...NO_COUNTERS, scheduled: 1_000, fired: 999, droppedPolicy: 1 } },
    reason: /^agent a's policy kept 1 arrivals back \(bound 0\); start it with higher limits/,
  },
  {
    fault: "more than 1 % of the arrivals held back",
    changes: { counters: { ...NO_COUNTERS, scheduled: 1_000, fired: 989, notOfferedAborted: 11 } },
    reason: /^agent a offered 989 of 1000 arrivals \(98\.9 %, bound 99 %; 11 held back\)/,
  },
  {
    fault: "an in-flight bound reached though no backlog grew",
    changes: { counters: DROPPED },
    facts: { backlogGrew: false },
    reason: /^agent a dropped 400 arrivals at its bound .* raise --max-in-flight$/,
  },
  {
    fault: "a send delay beyond 2 ms",
    changes: { sendDelay: delays(11, 3 * MS) },
    reason: /^agent a sent late: send delay p99 3\.0 ms \(bound 2\.0 ms\); use more agents/,
  },
  {
    fault: "an event loop late by more than 5 ms",
    changes: { health: [healthOf({ eventLoopDelay: delays(11, 6 * MS) })] },
    reason: /^agent a's event loop was late: p99 6\.0 ms \(bound 5\.0 ms\); give it a core/,
  },
  {
    fault: "an event loop that is busy",
    changes: { health: [healthOf({ eventLoopUtilisation: 0.95 })] },
    reason: /^agent a was busy 95 % of the time \(bound 90 %\)/,
  },
  {
    fault: "a gap error of more than a tenth of the limit",
    changes: { gapErrorP99Ns: 6 * MS },
    facts: { gapLimitNs: 50 * MS },
    reason: /^agent a mistakes gaps by 6\.0 ms by itself \(p99 against a null sink, bound 5\.0 ms/,
  },
  {
    fault: "an error of the mean gap of more than a tenth of its limit",
    changes: { itlErrorP99Ns: 6 * MS },
    facts: { itlLimitNs: 50 * MS },
    reason: /^agent a mistakes mean gaps \(ITL\) by 6\.0 ms by itself \(p99 .*, bound 5\.0 ms/,
  },
  {
    fault: "lengths that are not those forced",
    changes: { activity: { ...ZERO_ACTIVITY, completedOk: 1_000, lengthsOff: 21 } },
    reason: /^the server did not generate the lengths .*: 21 of 2000 answers \(1\.1 %, bound 1 %\)/,
  },
  {
    fault: "an agent lost whose requests decide",
    changes: { lost: { unknownCount: 12 } },
    reason: /^agent a was lost in this window: the outcome of 12 of its requests .* hangs on them/,
  },
  {
    fault: "an agent lost whose requests do not decide",
    changes: { lost: { unknownCount: 12 } },
    facts: { verdictHolds: true },
    verdict: "suspect",
    reason: /^agent a was lost in this window: .*12 .* the same with all of them good and all/,
  },
  {
    fault: "an interval missing",
    changes: { missingNs: 1 * S },
    reason: /^agent a's reports leave 1000\.0 ms of the window out \(bound 0\)/,
  },
  {
    fault: "a segment not started",
    changes: { switched: false },
    reason: /^agent a did not start the segment: its lease came too late; see to its network/,
  },
  {
    fault: "a clock that was set during the run",
    changes: { clockMovedNs: 300 * MS },
    verdict: "suspect",
    reason: /^agent a: its clock moved by 300\.0 ms during the run \(bound 5 ms\)/,
  },
  {
    fault: "a clock known too loosely",
    changes: { clockErrorBoundNs: 6 * MS },
    verdict: "suspect",
    reason: /^agent a: its clock is only known to ±6\.0 ms \(bound 5 ms\): arrivals .* out of step/,
  },
];

for (const { fault, changes, facts, verdict = "invalid", reason } of FAULTS) {
  test(`${fault}: ${verdict}, and it says whose fault it is`, () => {
    const validity = judge(changes, facts);
    assert.equal(validity.verdict, verdict);
    assert.equal(validity.reasons.length, 1, validity.reasons.join("; "));
    assert.match(validity.reasons[0]!, reason);
    const isOfAgent = verdict === "invalid" && validity.reasons[0]!.includes("agent a");
    assert.deepEqual(validity.agentIds, isOfAgent ? ["a"] : undefined);
  });
}

/** What an agent measured of itself, and the cause it makes likely. */
const CAUSES: readonly {
  readonly changes: Partial<AgentFacts>;
  readonly cause: RegExp | undefined;
}[] = [
  { changes: {}, cause: undefined },
  {
    changes: { health: [healthOf({ throttledNs: 400 * MS })] },
    cause: /its CPU quota held it .* back for 400\.0 ms of the window: raise the quota$/,
  },
  {
    changes: { health: [healthOf({ gcPauses: 20, gcPauseSeconds: 0.1 })] },
    cause: /20 garbage collections paused it for 100\.0 ms \(10 % of the window\)$/,
  },
  {
    changes: { silenceNs: 2.5 * S },
    cause: /nothing was heard of it for 2500\.0 ms: its process or its network stood still$/,
  },
  {
    changes: { health: [healthOf({ reportsLost: 3 })] },
    cause: /it had no more room for 3 reports/,
  },
  {
    changes: { silenceNs: 2.5 * S, health: [healthOf({ throttledNs: 400 * MS })] },
    cause: /CPU quota .*, and nothing was heard/,
  },
];

for (const { changes, cause } of CAUSES) {
  test(`a late agent's likely cause: ${cause?.source ?? "none"}; and by itself it is no fault`, () => {
    const { reasons } = judge({ ...LATE, ...changes });
    assert.equal(reasons.length, 1);
    if (cause === undefined) assert.doesNotMatch(reasons[0]!, /likely cause/);
    else assert.match(reasons[0]!, new RegExp(`; likely cause: .*${cause.source}`));
    assert.deepEqual(judge(changes), VALID);
  });
}

test("an error of single gaps is held against limits of single gaps only", () => {
  assert.deepEqual(judge({ gapErrorP99Ns: 6 * MS }, { itlLimitNs: 50 * MS }), VALID);
  assert.deepEqual(judge({ itlErrorP99Ns: 6 * MS }, { gapLimitNs: 50 * MS }), VALID);
});

test("a cause is named from its bound on, and not before", () => {
  const reasonOf = (health: Partial<Health>, silenceNs = 1.1 * S): string =>
    judge({ ...LATE, health: [healthOf(health)], silenceNs }).reasons[0] ?? "";
  // Of a window of 1 s: 1 % throttled, 2 % of collections or 2 ms each; a silence of 1.5 s.
  for (const [noted, unnoted, cause] of [
    [{ throttledNs: 15 * MS }, { throttledNs: 9 * MS }, /CPU quota/],
    [{ gcPauses: 30, gcPauseSeconds: 0.03 }, { gcPauses: 19, gcPauseSeconds: 0.019 }, /30 garbage/],
    [{ gcPauses: 5, gcPauseSeconds: 0.015 }, { gcPauses: 5, gcPauseSeconds: 0.009 }, /5 garbage/],
  ] as const) {
    assert.match(reasonOf(noted), cause);
    assert.doesNotMatch(reasonOf(unnoted), /likely cause/);
  }
  assert.match(reasonOf({}, 1.6 * S), /nothing was heard of it for 1600\.0 ms/);
  assert.doesNotMatch(reasonOf({}, 1.5 * S), /likely cause/);
});

test("collections that add up to less than half of a delay are not its cause", () => {
  const health = [healthOf({ gcPauses: 1, gcPauseSeconds: 0.003 })];
  const reasonOf = (lateMs: number): string =>
    judge({ sendDelay: delays(20, lateMs * MS), health }).reasons[0] ?? "";
  assert.match(reasonOf(5), /likely cause: 1 garbage collections/);
  assert.match(reasonOf(30), /sent late/);
  assert.doesNotMatch(reasonOf(30), /likely cause/);
});

test("a few late ones of each of many agents are many", () => {
  const few = { counters: { ...NO_COUNTERS, scheduled: 20, fired: 20, ok: 20 } };
  const agents = Array.from({ length: 5 }, (_, place) =>
    agent({ agentId: `a${place}`, ...few, sendDelay: delays(2, 50 * MS, 20) }),
  );
  const { verdict, reasons, agentIds } = judge({}, { agents });
  assert.equal(verdict, "invalid");
  assert.match(reasons[0]!, /^the agents together sent late: send delay p99 50\.\d ms/);
  assert.equal(agentIds, undefined);
});

function books(meteredS: number, recordedS: number): RecordFacts {
  const well = { agentId: "well", meteredS: 10, recordedS: 10 };
  return {
    departures: undefined,
    books: [well, { agentId: "a", meteredS, recordedS }],
    untested: [],
  };
}

test("in flight by the meter and by the records may differ by 2 %, and by the dust of rounding", () => {
  for (const [metered, recorded] of [
    [100, 98.1],
    [100, 102],
    [0.005, 0],
    [0, 0],
  ] as const)
    assert.deepEqual(judge({}, { records: books(metered, recorded) }), VALID);
  for (const [metered, recorded] of [
    [100, 97],
    [97, 100],
    [1, 0],
    [0.03, 0],
  ] as const) {
    const { verdict, reasons, agentIds } = judge({}, { records: books(metered, recorded) });
    assert.equal(verdict, "invalid");
    assert.match(reasons[0]!, /^the books of agent a do not agree: .* in flight .*bound 2 %/);
    assert.deepEqual(agentIds, ["a"]);
  }
});

test("books of each agent that differ by the dust of rounding, and of all together by more, do not agree", () => {
  const books = Array.from({ length: 10 }, (_, place) => ({
    agentId: `a${place}`,
    meteredS: 0.1,
    recordedS: 0.091,
  }));
  const of = (count: number): Validity =>
    judge({}, { records: { departures: undefined, books: books.slice(0, count), untested: [] } });
  assert.deepEqual(of(1), VALID);
  const { verdict, reasons, agentIds } = of(10);
  assert.deepEqual([verdict, agentIds], ["invalid", undefined]);
  assert.match(
    reasons[0]!,
    /^the books of all agents together do not agree: 1\.00 .* 0\.91 by its records \(9 % apart/,
  );
});

test("what could not be tested is told, and is no fault", () => {
  const untested = ["departures were not tested: 3 records of requests are missing"];
  const records = { departures: undefined, books: [], untested };
  assert.deepEqual(judge({}, { records }), { ...VALID, untested });
});

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
    // At the in-flight bound, with a backlog that grew (WindowFacts.backlogGrew).
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
  assert.equal(judge(late, { intendedLimitNs: 100 * MS }).reasons.length, 2);
  assert.deepEqual(judge(late, { intendedLimitNs: 200 * MS }), VALID);
});

test("one or two late ones of a short window are no tail", () => {
  assert.deepEqual(judge({ sendDelay: delays(2, 50 * MS, 20) }), VALID);
  assert.equal(judge({ sendDelay: delays(3, 50 * MS, 20) }).verdict, "invalid");
});

test("utilisation is weighed by time, and quantiles are those of all intervals together", () => {
  const brief = healthOf({ fromNs: 0, toNs: 0.1 * S, eventLoopUtilisation: 1 });
  const long = healthOf({ fromNs: 0.1 * S, toNs: 1 * S, eventLoopUtilisation: 0.5 });
  assert.deepEqual(judge({ health: [brief, long] }), VALID);
  const idle = healthOf({ fromNs: 0, toNs: 0.05 * S, eventLoopUtilisation: 0 });
  const busy = healthOf({ fromNs: 0.05 * S, toNs: 1 * S, eventLoopUtilisation: 0.96 });
  assert.match(judge({ health: [idle, busy] }).reasons[0]!, /^agent a was busy 91 % of the time/);
  const lateOnce = healthOf({ eventLoopDelay: delays(11, 6 * MS) });
  assert.deepEqual(judge({ health: [lateOnce, healthOf()] }), VALID, "11 of 2,000");
});

test("what makes it invalid comes before what makes it suspect", () => {
  const { verdict, reasons } = judge({ lost: { unknownCount: 1 }, clockErrorBoundNs: 6 * MS });
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
  const more = { ...invalid, agentIds: ["a"], untested: ["u"] };
  const { agentIds, untested } = worseOf({ ...suspect, untested: ["u", "v"] }, more);
  assert.deepEqual([agentIds, untested], [["a"], ["u", "v"]]);
});
