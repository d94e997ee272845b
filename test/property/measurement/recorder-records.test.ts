import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Flight } from "../../../agent/recording/flight.ts";
import { Recorder } from "../../../agent/recording/recorder.ts";
import { WindowRecount } from "../../../coordinator/rescore/recount.ts";
import { requestLine } from "../../../coordinator/store/requests-file.ts";
import { sumIntervals } from "../../../shared/measurement/interval.ts";
import type { RequestRecord } from "../../../shared/measurement/report.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { parseSlo } from "../../../shared/slo/grammar.ts";
import { thresholdTable } from "../../../shared/slo/thresholds.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../../shared/units.ts";

const MS = NS_PER_MS;
const S = NS_PER_SECOND;
/** The agent's clock is this far ahead of the run's, and not by a whole µs. */
const AHEAD = 1_000 * S + 377;

const SLO = parseSlo([
  "ttft p99 <= 100ms",
  "service_ttft p90 <= 80ms",
  "itl p99 <= 10ms",
  "max_gap p99 <= 20ms",
  "e2e p99 <= 200ms",
  "service_e2e p99 <= 190ms",
  "output_tokens_per_second p90 >= 100",
  "error_rate <= 1%",
  "goodput >= 95%",
]);

const SEGMENT: Segment = {
  number: 1,
  mode: { kind: "open", arrivals: { kind: "constant", ratePerSecond: 10 } },
  startAtNs: 0,
  recordFromNs: 1 * S,
  recordUntilNs: 2 * S,
  endByNs: 2 * S,
  requestsMax: 0,
  shares: [{ agentId: "a", capacity: 1 }],
};

/** A limit, give or take less than records tell. */
const near = (ns: number): fc.Arbitrary<number> =>
  fc.integer({ min: -1_500, max: 1_500 }).map((off) => Math.max(0, ns + off));

/** In the window or beside it; some on its very edge. */
const instant = fc.oneof(
  fc.integer({ min: 0, max: 999 }).map((k) => SEGMENT.recordFromNs + k * MS),
  near(SEGMENT.recordFromNs),
  near(SEGMENT.recordUntilNs),
);

const request = fc.record({
  intendedNs: instant,
  sendDelayNs: fc.oneof(near(0), near(20 * MS)),
  /** From the intended instant to the first content, and between one event and the next. */
  firstNs: fc.oneof(near(100 * MS), near(65 * MS), near(20 * MS)),
  gapsNs: fc.array(fc.oneof(near(10 * MS), near(20 * MS), near(90 * MS), fc.constant(0)), {
    maxLength: 5,
  }),
  eventsPerRead: fc.integer({ min: 1, max: 3 }),
  hasContent: fc.boolean(),
  usage: fc.integer({ min: -1, max: 12 }),
  endAfterNs: fc.oneof(near(0), near(100 * MS)),
  outcome: fc.constantFrom("ok", "ok", "ok", "stream_error", "http_error", "censored"),
});

interface Happening {
  readonly atNs: number;
  readonly run: () => void;
}

/** What the recorder is told of the requests, in order of time. */
function happenings(
  recorder: Recorder,
  requests: readonly (typeof request extends fc.Arbitrary<infer Each> ? Each : never)[],
): readonly Happening[] {
  const all: Happening[] = [];
  for (const [index, each] of requests.entries()) {
    let flight: Flight | undefined;
    const sentAtNs = AHEAD + each.intendedNs + each.sendDelayNs;
    let atNs = AHEAD + each.intendedNs + Math.max(each.firstNs, each.sendDelayNs);
    const happens = (instantNs: number, run: () => void): void => {
      all.push({ atNs: instantNs, run });
    };
    const content = (instantNs: number, events: number): void => {
      happens(instantNs, () => flight?.onContent(instantNs, events, true));
    };
    happens(sentAtNs, () => {
      const arrival = { index, classIndex: 0, order: { outputTokens: 7 } };
      flight = recorder.fired(arrival, each.intendedNs, sentAtNs);
    });
    if (each.hasContent) {
      content(atNs, each.eventsPerRead);
      for (const gapNs of each.gapsNs) content((atNs += gapNs), 1);
    }
    const endAtNs = atNs + each.endAfterNs;
    happens(endAtNs, () => {
      if (each.usage >= 0) flight?.onUsage(5, each.usage);
      flight?.onEnd(endAtNs, each.outcome, 200, "");
    });
  }
  return all.sort((a, b) => a.atNs - b.atNs);
}

test("records of whole µs give back exactly what the agent counted, however near a limit each time lies", () => {
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 12 }), (requests) => {
      const records: RequestRecord[] = [];
      const recorder = new Recorder({
        classNames: ["chat"],
        thresholds: thresholdTable(SLO),
        intervalNs: S,
        forcesLengths: true,
        onEnded: (_flight, record) => records.push(record),
        onFirstContent: () => undefined,
      });
      recorder.startSegment(SEGMENT, AHEAD);
      for (const { run } of happenings(recorder, requests)) run();
      const counted = sumIntervals(
        recorder.seal(20 * S).deltas.filter(({ fromNs }) => fromNs === SEGMENT.recordFromNs),
      );
      const recount = new WindowRecount(
        {
          segment: SEGMENT,
          request: {
            purpose: "measure",
            mode: { kind: "open", ratePerSecond: 10 },
            settleS: 1,
            recordS: 1,
            requestsMax: 0,
          },
          untilNs: SEGMENT.recordUntilNs,
        },
        SLO,
      );
      const batch = {
        ...{ runId: "r", agentId: "a", epoch: 1, batch: 1, segment: 1 },
        ...{ records, lostBefore: 0 },
      };
      for (const record of records)
        recount.add(requestLine(record, { batch, classNames: ["chat"] }));
      assert.deepEqual(recount.observed().clauses, counted?.clauses);
    }),
    { numRuns: 2_000 },
  );
});
