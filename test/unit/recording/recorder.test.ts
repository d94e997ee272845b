import assert from "node:assert/strict";
import { test } from "node:test";
import { Recorder, type Sealed } from "../../../agent/recording/recorder.ts";
import { conservationProblems, zeroCounters } from "../../../shared/measurement/counters.ts";
import { type Interval, sumIntervals } from "../../../shared/measurement/interval.ts";
import type { RequestRecord } from "../../../shared/measurement/report.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { parseSlo } from "../../../shared/slo/grammar.ts";
import { thresholdTable } from "../../../shared/slo/thresholds.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../../shared/units.ts";

const MS = NS_PER_MS;
const S = NS_PER_SECOND;
/** The agent's clock is this far ahead of the run's. */
const AHEAD = 1_000 * S;

const SEGMENT: Segment = {
  number: 1,
  mode: { kind: "open", arrivals: { kind: "constant", ratePerSecond: 10 } },
  startAtNs: 0,
  recordFromNs: 0,
  recordUntilNs: 10 * S,
  endByNs: 10 * S,
  requestsMax: 0,
  shares: [{ agentId: "a", capacity: 1 }],
};

function recorderWith(...slo: string[]) {
  const records: RequestRecord[] = [];
  const recorder = new Recorder({
    classNames: ["default"],
    thresholds: thresholdTable(parseSlo(slo)),
    intervalNs: S,
    forcesLengths: true,
    onEnded: (_flight, record) => records.push(record),
    onFirstContent: () => undefined,
  });
  recorder.startSegment(SEGMENT, AHEAD);
  return { recorder, records };
}

function fire(recorder: Recorder, index: number, intendedAtNs: number, sendDelayNs = 0) {
  const arrival = { index, classIndex: 0, order: { outputTokens: 7 } };
  return recorder.fired(arrival, intendedAtNs, intendedAtNs + AHEAD + sendDelayNs);
}

function find(sealed: Sealed, fromNs: number): Interval {
  const delta = sealed.deltas.find((each) => each.fromNs === fromNs);
  assert.ok(delta, `no delta for the interval at ${fromNs}`);
  return delta;
}

test("latency counts from the intended instant, and service latency from the sent one", () => {
  const { recorder, records } = recorderWith();
  const flight = fire(recorder, 0, 100 * MS, 40 * MS);
  flight.onContent(AHEAD + 200 * MS, 1, true);
  flight.onContent(AHEAD + 260 * MS, 1, true);
  flight.onEnd(AHEAD + 270 * MS, "ok", 200, "");
  const metrics = find(recorder.seal(S), 0).classes.get("default")!;
  assert.equal(metrics.get("ttft")?.sum, 100 * MS);
  assert.equal(metrics.get("service_ttft")?.sum, 60 * MS);
  assert.equal(metrics.get("send_delay")?.sum, 40 * MS);
  assert.equal(metrics.get("gap")?.sum, 60 * MS);
  assert.equal(metrics.get("e2e")?.sum, 160 * MS, "up to the last content, not the end");
  assert.equal(records[0]?.ttftUs, 100_000);
  assert.equal(records[0].sendDelayUs, 40_000);
});

test("each outcome is booked as what it was", () => {
  const outcomes = [
    ["ok", "ok"],
    ["connect_error", "connectErrors"],
    ["stream_error", "streamErrors"],
    ["timeout", "timeouts"],
    ["censored", "censored"],
    ["unknown", "streamErrors"],
  ] as const;
  for (const [outcome, booked] of outcomes) {
    const { recorder } = recorderWith();
    fire(recorder, 0, 0).onEnd(AHEAD + 10 * MS, outcome, 0, "");
    const wanted = { ...zeroCounters(), scheduled: 1, fired: 1, [booked]: 1 };
    assert.deepEqual(find(recorder.seal(S), 0).counters, wanted, outcome);
  }
});

test("a request that leaves a hair before its instant left on time", () => {
  const { recorder, records } = recorderWith();
  fire(recorder, 0, 100 * MS, -3_000).onEnd(AHEAD + 110 * MS, "ok", 200, "");
  const metrics = find(recorder.seal(S), 0).classes.get("default")!;
  assert.equal(metrics.get("send_delay")?.max, 0);
  assert.equal(records[0]?.sendDelayUs, 0);
});

test("a request that ends without content waits no more", () => {
  const { recorder } = recorderWith();
  fire(recorder, 0, 0).onEnd(AHEAD + 250 * MS, "http_error", 503, "");
  const sealed = recorder.seal(2 * S);
  assert.deepEqual([recorder.waiting, recorder.inFlight], [0, 0]);
  assert.equal(find(sealed, 0).activity.waitingIntegralS, 0.25);
  assert.equal(find(sealed, 0).activity.waitingEnd, 0);
});

test("an event whose clock was read before the one in front of it takes no time twice", () => {
  const { recorder } = recorderWith();
  const flight = fire(recorder, 0, 0);
  flight.onContent(AHEAD + 500 * MS, 1, true);
  // A batch is read by one clock, which a request that left meanwhile has overtaken.
  fire(recorder, 1, 400 * MS).onEnd(AHEAD + 450 * MS, "ok", 200, "");
  flight.onEnd(AHEAD + 600 * MS, "ok", 200, "");
  const { activity } = find(recorder.seal(S), 0);
  assert.ok(Math.abs(activity.inFlightIntegralS - 0.6) < 1e-9, String(activity.inFlightIntegralS));
});

test("the first 1,024 exceedances of an interval are listed, and how many were cut is told", () => {
  const { recorder } = recorderWith("ttft p99 <= 100ms");
  const fireLate = (count: number, atNs: number): Interval => {
    for (let k = 0; k < count; k += 1)
      fire(recorder, k, atNs + k).onContent(AHEAD + atNs + 900 * MS + k, 1, true);
    return find(recorder.seal(atNs + S), atNs);
  };
  const { exceedances, exceedancesCut, clauses } = fireLate(1_030, 0);
  assert.deepEqual([exceedances.length, exceedancesCut], [1_024, 6]);
  assert.equal(clauses[0]?.over.at(-1), 1_030, "all of them are counted");
  assert.equal(fireLate(3, S).exceedancesCut, 0);
});

test("events of one read share one arrival time, and ITL counts the server's tokens", () => {
  const { recorder } = recorderWith();
  const flight = fire(recorder, 0, 0);
  flight.onContent(AHEAD + 10 * MS, 1, true);
  flight.onContent(AHEAD + 40 * MS, 3, true);
  flight.onUsage(5, 7);
  flight.onEnd(AHEAD + 41 * MS, "ok", 200, "");
  const metrics = find(recorder.seal(S), 0).classes.get("default")!;
  assert.equal(metrics.get("gap")?.count, 3);
  assert.equal(metrics.get("gap")?.sum, 30 * MS);
  assert.equal(metrics.get("itl")?.sum, (30 * MS) / 6);
});

test("news of an old interval comes as a sparse delta of that interval", () => {
  const { recorder } = recorderWith();
  const flight = fire(recorder, 0, 900 * MS);
  const first = recorder.seal(S);
  assert.equal(find(first, 0).counters.fired, 1);
  assert.equal(first.open, 1);
  flight.onContent(AHEAD + 1_500 * MS, 1, true);
  flight.onEnd(AHEAD + 1_600 * MS, "ok", 200, "");
  const second = recorder.seal(2 * S);
  assert.equal(find(second, 0).counters.fired, 0, "fired is not told twice");
  assert.equal(find(second, 0).counters.ok, 1);
  assert.equal(find(second, 0).classes.get("default")?.get("ttft")?.sum, 600 * MS);
  assert.equal(find(second, S).activity.completed, 1, "completions where they happen");
  assert.deepEqual(conservationProblems(second.totals, second.open), []);
});

test("in-flight integrals are exact across an interval's edge, however late the seal", () => {
  const { recorder } = recorderWith();
  const flight = fire(recorder, 0, 500 * MS);
  flight.onContent(AHEAD + 1_250 * MS, 1, true);
  flight.onEnd(AHEAD + 1_750 * MS, "ok", 200, "");
  const sealed = recorder.seal(2 * S);
  assert.equal(find(sealed, 0).activity.inFlightIntegralS, 0.5);
  assert.equal(find(sealed, 0).activity.waitingIntegralS, 0.5);
  assert.equal(find(sealed, S).activity.inFlightIntegralS, 0.75);
  assert.equal(find(sealed, S).activity.waitingIntegralS, 0.25);
  assert.equal(find(sealed, 0).activity.inFlightEnd, 1);
});

test("a request counts over a threshold as soon as it is older, finished or not, and once", () => {
  const { recorder } = recorderWith("ttft p99 <= 1s");
  const flight = fire(recorder, 7, 0);
  const first = find(recorder.seal(S / 2), 0);
  assert.deepEqual(first.clauses[0], { total: 1, over: [1, 1, 1, 1, 0, 0, 0, 0] });
  assert.deepEqual(first.exceedances, [{ index: 7, intendedAtNs: 0, clause: 0, level: 3 }]);
  flight.onContent(AHEAD + 900 * MS, 1, true);
  const second = find(recorder.seal(S), 0);
  assert.deepEqual(second.clauses[0], { total: 0, over: [0, 0, 0, 0, 1, 1, 1, 0] });
  assert.deepEqual(
    second.exceedances.map(({ level }) => level),
    [6],
  );
});

test("a failure before the first token exceeds every first-token threshold, one after it does not", () => {
  const { recorder } = recorderWith("ttft p99 <= 1s", "error_rate <= 1%", "goodput >= 99%");
  fire(recorder, 0, 0).onEnd(AHEAD + 10 * MS, "http_error", 503, "");
  const late = fire(recorder, 1, 0);
  late.onContent(AHEAD + 10 * MS, 1, true);
  late.onEnd(AHEAD + 20 * MS, "stream_error", 200, "cut");
  const { clauses, counters } = find(recorder.seal(S), 0);
  assert.deepEqual(clauses[0], { total: 2, over: new Array(8).fill(1) });
  assert.deepEqual(clauses[1], { total: 2, over: [2] });
  assert.deepEqual(clauses[2], { total: 2, over: [2] });
  assert.deepEqual([...counters.httpErrors], [[503, 1]]);
  assert.deepEqual([counters.ok, counters.streamErrors], [0, 1]);
});

test("an answer that ended well without content waited for its first token to its end", () => {
  const { recorder } = recorderWith("ttft p99 <= 50ms", "e2e p99 <= 50ms", "goodput >= 99%");
  fire(recorder, 0, 0).onEnd(AHEAD + 60 * MS, "ok", 200, "");
  const { clauses, classes } = find(recorder.seal(S), 0);
  assert.deepEqual(
    clauses.map(({ total, over }) => [total, over.at(-1)]),
    [
      [1, 1],
      [1, 1],
      [1, 1],
    ],
  );
  assert.equal(classes.get("default")?.get("ttft"), undefined, "there was no first token");
});

test("a request that is given up counts by its age at that instant, and as no failure", () => {
  const { recorder } = recorderWith("e2e p99 <= 1s", "error_rate <= 1%");
  const flight = fire(recorder, 0, 0);
  flight.onContent(AHEAD + 100 * MS, 1, true);
  recorder.seal(S / 2);
  flight.onEnd(AHEAD + 1_100 * MS, "censored", 0, "");
  const late = sumIntervals(recorder.seal(2 * S).deltas.filter(({ fromNs }) => fromNs === 0));
  assert.equal(late?.clauses[0]?.over.at(-1), 1);
  assert.deepEqual(late.clauses[1]?.over, [0]);
});

test("events of one read have a longest gap of nought; a single event has none", () => {
  const { recorder } = recorderWith();
  const pair = fire(recorder, 0, 0);
  pair.onContent(AHEAD + 10 * MS, 2, true);
  pair.onEnd(AHEAD + 11 * MS, "ok", 200, "");
  const single = fire(recorder, 1, 0);
  single.onContent(AHEAD + 10 * MS, 1, true);
  single.onEnd(AHEAD + 11 * MS, "ok", 200, "");
  const longest = find(recorder.seal(S), 0).classes.get("default")?.get("max_gap");
  assert.deepEqual([longest?.count, longest?.sum], [1, 0]);
});

test("goodput counts a request once, whatever limits it breaks", () => {
  const { recorder } = recorderWith("ttft p99 <= 10ms", "itl p99 <= 5ms", "goodput >= 99%");
  const flight = fire(recorder, 0, 0);
  flight.onContent(AHEAD + 50 * MS, 1, true);
  flight.onContent(AHEAD + 90 * MS, 1, true);
  flight.onEnd(AHEAD + 91 * MS, "ok", 200, "");
  const { clauses } = find(recorder.seal(S), 0);
  assert.deepEqual(clauses[2], { total: 1, over: [1] });
});

test("an arrival dropped by overload violates every clause about requests", () => {
  const { recorder } = recorderWith("ttft p99 <= 1s", "gap p99 <= 1s");
  recorder.notSent({ index: 0, classIndex: 0 }, 0, "droppedInFlightBound");
  const sealed = recorder.seal(S);
  const { clauses, counters } = find(sealed, 0);
  assert.deepEqual(clauses[0], { total: 1, over: new Array(8).fill(1) });
  assert.equal(clauses[1]?.total, 0);
  assert.equal(counters.droppedInFlightBound, 1);
  assert.deepEqual(conservationProblems(sealed.totals, sealed.open), []);
});

test("a new segment takes over at its instant: each side keeps its own arrivals and time", () => {
  const { recorder } = recorderWith();
  const old = fire(recorder, 0, 300 * MS);
  recorder.startSegment(
    { ...SEGMENT, number: 2, startAtNs: 400 * MS, recordFromNs: 400 * MS },
    AHEAD,
  );
  fire(recorder, 0, 450 * MS);
  old.onEnd(AHEAD + 500 * MS, "ok", 200, "");
  const sealed = recorder.seal(S);
  const bySegment = (segment: number): Interval[] =>
    sealed.deltas.filter((delta) => delta.segment === segment);
  assert.equal(bySegment(1)[0]?.counters.ok, 1, "the old request is filed under its own segment");
  assert.ok(Math.abs((bySegment(1)[0]?.activity.inFlightIntegralS ?? 0) - 0.1) < 1e-9);
  assert.equal(bySegment(2)[0]?.counters.fired, 1);
  assert.ok(Math.abs((bySegment(2)[0]?.activity.inFlightIntegralS ?? 0) - 0.65) < 1e-9);
});

test("exceedances are listed again soon after a backlog is gone", () => {
  const { recorder } = recorderWith("ttft p99 <= 1s");
  const second = (from: number, ttftNs: number): number => {
    for (let k = 0; k < 50; k += 1)
      fire(recorder, from * 50 + k, from * S + k).onContent(AHEAD + from * S + k + ttftNs, 1, true);
    return recorder.seal((from + 1) * S).deltas.flatMap((delta) => delta.exceedances).length;
  };
  second(0, 900 * MS);
  assert.equal(second(1, 900 * MS), 0, "a hot second lists nothing below what half of it exceeds");
  // A third of these exceed the lowest threshold; two quiet seconds on, each of them is listed.
  for (const from of [2, 3, 4]) second(from, 100 * MS);
  assert.equal(second(5, 160 * MS), 50);
});

test("what this machine has no socket for is told apart from a server that does not answer", () => {
  const { recorder } = recorderWith();
  const details = [
    "connect EMFILE 127.0.0.1:80 - Local (undefined:undefined)",
    "connect EADDRNOTAVAIL 127.0.0.1:80 - Local (0.0.0.0:0)",
    "connect ENFILE 127.0.0.1:80 - Local (undefined:undefined)",
    "connect ENOBUFS 127.0.0.1:80 - Local (undefined:undefined)",
    "connect ENOMEM 127.0.0.1:80 - Local (undefined:undefined)",
    "connect ECONNREFUSED 127.0.0.1:80",
    "ECONNRESET read ECONNRESET",
  ];
  for (const [index, detail] of details.entries())
    fire(recorder, index, 10 * MS).onEnd(AHEAD + 11 * MS, "connect_error", 0, detail);
  fire(recorder, 9, 10 * MS).onEnd(
    AHEAD + 11 * MS,
    "http_error",
    500,
    "HTTP 500: EMFILE at the server",
  );
  const { counters, activity } = find(recorder.seal(S), 0);
  assert.equal(counters.connectErrors, 7);
  assert.equal(activity.ownConnectErrors, 5);
});

test("lengths off are those that the server itself counts otherwise than was asked", () => {
  const { recorder } = recorderWith();
  for (const [index, tokens] of [7, 6, 8, -1].entries()) {
    const flight = fire(recorder, index, 10 * MS);
    flight.onContent(AHEAD + 20 * MS, 1, true);
    flight.onUsage(5, tokens);
    flight.onEnd(AHEAD + 21 * MS, "ok", 200, "");
  }
  const { activity } = find(recorder.seal(S), 0);
  assert.deepEqual([activity.completedOk, activity.lengthsOff], [4, 2]);
});
