import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OUTCOMES } from "../../../shared/measurement/outcome.ts";
import {
  ABSENT,
  type RequestTimeline,
  timelineMetrics,
  toRequestRecord,
} from "../../../shared/measurement/timeline.ts";

const MS = 1_000_000;

/** Intended at 1 s, sent 2 ms late, thinking from 1.1 s, answering from 1.2 s, the last of 11 tokens at 2.1 s. */
const timeline: RequestTimeline = {
  intendedAtNs: 1000 * MS,
  sentAtNs: 1002 * MS,
  headersAtNs: 1050 * MS,
  firstContentAtNs: 1100 * MS,
  firstAnswerAtNs: 1200 * MS,
  lastContentAtNs: 2100 * MS,
  endAtNs: 2150 * MS,
  contentEvents: 6,
  gapMaxNs: 400 * MS,
  outputTokens: 11,
  inputTokens: 42,
  outcome: "ok",
  status: 200,
};

describe("the metrics of one request", () => {
  test("count from the intended instant, and from the sent instant where named service", () => {
    assert.deepEqual(timelineMetrics(timeline), {
      send_delay: 2 * MS,
      ttft: 100 * MS,
      service_ttft: 98 * MS,
      answer_ttft: 200 * MS,
      itl: 100 * MS,
      max_gap: 400 * MS,
      e2e: 1100 * MS,
      service_e2e: 1098 * MS,
      output_tokens_per_second: 10,
    });
  });

  test("end to end ends with the last content, not with the connection", () => {
    const late = { ...timeline, endAtNs: 9000 * MS };
    assert.deepEqual(timelineMetrics(late), timelineMetrics(timeline));
  });

  test("tokens are content events where the server does not count them", () => {
    const metrics = timelineMetrics({ ...timeline, outputTokens: ABSENT });
    assert.equal(metrics.itl, 200 * MS);
    assert.equal(metrics.output_tokens_per_second, 5);
  });

  test("nothing takes less than no time, however coarsely the clock is read", () => {
    assert.equal(timelineMetrics({ ...timeline, sentAtNs: 999 * MS }).send_delay, 0);
  });

  test("one token has no time between tokens, and no speed", () => {
    const metrics = timelineMetrics({ ...timeline, outputTokens: 1 });
    assert.equal(metrics.itl, undefined);
    assert.equal(metrics.output_tokens_per_second, undefined);
    assert.equal(metrics.e2e, 1100 * MS);
  });

  test("tokens that came all at once have no speed", () => {
    const atOnce = { ...timeline, lastContentAtNs: timeline.firstContentAtNs, gapMaxNs: ABSENT };
    const metrics = timelineMetrics(atOnce);
    assert.equal(metrics.itl, 0);
    assert.equal(metrics.output_tokens_per_second, undefined);
    assert.equal(metrics.max_gap, undefined);
  });

  test("an answer without content is over at its end, and has no first token", () => {
    const silent = {
      ...timeline,
      firstContentAtNs: ABSENT,
      firstAnswerAtNs: ABSENT,
      lastContentAtNs: ABSENT,
      contentEvents: 0,
      gapMaxNs: ABSENT,
      outputTokens: ABSENT,
    };
    const { send_delay, e2e, service_e2e, ...rest } = timelineMetrics(silent);
    assert.deepEqual([send_delay, e2e, service_e2e], [2 * MS, 1150 * MS, 1148 * MS]);
    assert.ok(Object.values(rest).every((value) => value === undefined));
  });

  test("are to a whole µs, so that a record tells all that they do", () => {
    const metrics = timelineMetrics({ ...timeline, firstContentAtNs: 1100 * MS + 499 });
    assert.equal(metrics.ttft, 100 * MS);
    const longer = timelineMetrics({ ...timeline, firstContentAtNs: 1100 * MS + 500 });
    assert.equal(longer.ttft, 100 * MS + 1_000);
  });

  for (const outcome of OUTCOMES.filter((name) => name !== "ok")) {
    test(`${outcome} has only what it reached`, () => {
      const { send_delay, ttft, service_ttft, answer_ttft, ...rest } = timelineMetrics({
        ...timeline,
        outcome,
      });
      assert.deepEqual(
        [send_delay, ttft, service_ttft, answer_ttft],
        [2 * MS, 100 * MS, 98 * MS, 200 * MS],
      );
      assert.ok(Object.values(rest).every((value) => value === undefined));
    });
  }
});

describe("the record of one request", () => {
  const place = { index: 7, classIndex: 1, intendedAtRunNs: 500 * MS };

  test("holds the same in whole microseconds", () => {
    assert.deepEqual(toRequestRecord(timeline, place), {
      index: 7,
      classIndex: 1,
      intendedAtUs: 500_000,
      sendDelayUs: 2000,
      ttftUs: 100_000,
      gapMeanUs: 200_000,
      gapMaxUs: 400_000,
      e2eUs: 1_100_000,
      durationUs: (timeline.endAtNs - timeline.sentAtNs) / 1_000,
      outputTokens: 11,
      inputTokens: 42,
      contentEvents: 6,
      outcome: "ok",
      status: 200,
    });
  });

  test("says -1 where there is none", () => {
    const refused: RequestTimeline = {
      ...timeline,
      headersAtNs: ABSENT,
      firstContentAtNs: ABSENT,
      firstAnswerAtNs: ABSENT,
      lastContentAtNs: ABSENT,
      contentEvents: 0,
      gapMaxNs: ABSENT,
      outputTokens: ABSENT,
      inputTokens: ABSENT,
      outcome: "connect_error",
      status: ABSENT,
    };
    const record = toRequestRecord(refused, place);
    assert.deepEqual(
      [record.ttftUs, record.gapMeanUs, record.gapMaxUs, record.e2eUs, record.sendDelayUs],
      [-1, -1, -1, -1, 2000],
    );
    assert.deepEqual([record.outputTokens, record.inputTokens, record.status], [0, 0, 0]);
  });

  test("keeps the gaps of a stream that broke, and how far it came", () => {
    const record = toRequestRecord({ ...timeline, outcome: "stream_error" }, place);
    assert.deepEqual(
      [record.gapMeanUs, record.gapMaxUs, record.e2eUs],
      [200_000, 400_000, 1_100_000],
    );
  });

  test("an instant is kept as the µs in which it lies: an arrival just before a bound stays before it", () => {
    const before = toRequestRecord(timeline, { ...place, intendedAtRunNs: 500 * MS - 1 });
    assert.equal(before.intendedAtUs, 499_999);
  });
});
