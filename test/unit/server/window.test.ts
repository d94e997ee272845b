import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter } from "../../../coordinator/server/counter.ts";
import { serverSeriesOf } from "../../../coordinator/server/series.ts";
import { endToEndMeanS, serverWindowOf } from "../../../coordinator/server/window.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import { each, logOf, REPLICA, replicasFrom, scraped, stretch } from "./scraped.ts";

const OTHER = "http://10.0.0.2:8000/metrics";

test("a window tells the mean and the most of its own scrapes, and rates between its first and last one", () => {
  const entries = each(20).map((s) =>
    scraped(s + 0.5, {
      waiting: s === 7 ? 9 : 1,
      running: s < 5 ? 100 : 4,
      kvUse: 0.25,
      completed: 10 * s,
      generationTokens: 640 * s,
      e2e: { count: 10 * s, sumS: 5 * s },
    }),
  );
  const log = logOf([replicasFrom(0, 1), ...entries]);
  assert.deepEqual(serverWindowOf(log, stretch(5, 15)), {
    waitingMean: 1.8,
    waitingMax: 9,
    runningMean: 4,
    kvUseMean: 0.25,
    completedPerSecond: 10,
    generationTokensPerSecond: 640,
    replicas: 1,
    scrapeCount: 10,
    problems: [],
  });
  assert.equal(endToEndMeanS(log.tracks, stretch(5, 15)), 0.5);
});

test("replicas add up, whatever second each of them is scraped in; cache use is averaged", () => {
  const entries = each(10).flatMap((s) => [
    scraped(s + 0.1, { running: 4, waiting: s === 3 ? 5 : 0, kvUse: 0.2, completed: 6 * s }),
    scraped(s + 0.6, { running: 6, waiting: s === 3 ? 2 : 0, kvUse: 0.4, completed: 9 * s }, OTHER),
  ]);
  const window = serverWindowOf(logOf([replicasFrom(0, 2), ...entries]), stretch(0, 10));
  assert.equal(window.runningMean, 10);
  assert.equal(window.waitingMax, 7);
  assert.equal(Math.round((window.kvUseMean ?? 0) * 1e9) / 1e9, 0.3);
  assert.equal(Math.round((window.completedPerSecond ?? 0) * 1e9) / 1e9, 15);
  assert.equal(window.replicas, 2);
});

test("what the engine does not say is null, and no problem", () => {
  const window = serverWindowOf(
    logOf(each(5).map((s) => scraped(s, { running: 1 }))),
    stretch(0, 5),
  );
  const { kvUseMean, waitingMean, waitingMax, completedPerSecond, problems } = window;
  assert.deepEqual(
    [kvUseMean, waitingMean, waitingMax, completedPerSecond],
    [null, null, null, null],
  );
  assert.deepEqual(problems, []);
});

test("a counter that starts again is counted from nothing, and the window says that it did", () => {
  const counts = [100, 110, 120, 5, 15, 25];
  const log = logOf(counts.map((completed, s) => scraped(s, { completed })));
  const window = serverWindowOf(log, stretch(0, 5));
  assert.equal(window.completedPerSecond, 9);
  assert.deepEqual(window.problems, [`${REPLICA} started again: its counters went back`]);
  assert.deepEqual(serverWindowOf(log, stretch(4, 5)).problems, [], "and no other window does");
});

test("a metric that vanishes or was renamed is told, and what was read before stays", () => {
  const log = logOf(
    each(6).map((s) => scraped(s, s < 2 ? { running: 4, waiting: 1 } : { running: 4 })),
  );
  const window = serverWindowOf(log, stretch(0, 5));
  assert.equal(window.waitingMean, 1);
  assert.deepEqual(window.problems, [`${REPLICA} told waiting in 2 of 6 scrapes only`]);
});

test("failures are counted by their kind and told once, and a window without a scrape says so", () => {
  const failed = (atS: number, why: "timeout" | "connection", text: string) =>
    ({ kind: "failed", atNs: atS * NS_PER_SECOND, replica: REPLICA, why, text }) as const;
  const log = logOf([
    scraped(0, { running: 1 }),
    failed(1, "timeout", "no whole answer within 3 s"),
    failed(2, "connection", "nobody listens there (ECONNREFUSED)"),
    failed(3, "connection", "nobody listens there (ECONNREFUSED)"),
  ]);
  assert.deepEqual(serverWindowOf(log, stretch(0, 3)).problems, [
    `1 of 4 scrapes of ${REPLICA} failed: no whole answer within 3 s`,
    `2 of 4 scrapes of ${REPLICA} failed: nobody listens there (ECONNREFUSED)`,
  ]);
  const empty = serverWindowOf(log, stretch(1, 3));
  assert.equal(empty.runningMean, null);
  assert.equal(empty.scrapeCount, 0);
  assert.match(empty.problems.at(-1) ?? "", /no scrape gave anything/);
});

test("a change of replicas is told of the window in which it falls, also where a gateway counts them", () => {
  const log = logOf([replicasFrom(0, 1), replicasFrom(5, 2)]);
  assert.deepEqual(log.replicasIn(stretch(0, 4)), { min: 1, max: 1 });
  assert.deepEqual(log.replicasIn(stretch(4, 6)), { min: 1, max: 2 });
  assert.deepEqual(log.replicasIn(stretch(6, 7)), { min: 2, max: 2 });
  assert.match(serverWindowOf(log, stretch(4, 6)).problems[0] ?? "", /between 1 and 2/);
  const gateway = logOf([
    replicasFrom(0, 1),
    ...each(6).map((s) => scraped(s, { engine: "llm-d-epp", replicas: s < 3 ? 4 : 5 })),
  ]);
  assert.deepEqual(gateway.replicasIn(stretch(0, 2)), { min: 4, max: 4 });
  assert.deepEqual(gateway.replicasIn(stretch(1, 5)), { min: 4, max: 5 });
});

test("engines behind a gateway are left out: each request would count twice", () => {
  const log = logOf(
    each(4).flatMap((s) => [
      scraped(s, { engine: "llm-d-epp", running: 3 }),
      scraped(s, { engine: "vllm", running: 3 }, OTHER),
    ]),
  );
  const window = serverWindowOf(log, stretch(0, 4));
  assert.equal(window.runningMean, 3);
  assert.match(
    window.problems.join(),
    /is vLLM and left out, since the first endpoint is llm-d EPP/,
  );
});

test("a window too short for two scrapes takes the line between those around it", () => {
  const counter = new Counter();
  for (const s of each(5)) counter.see(s * NS_PER_SECOND, 20 * s);
  const increase = counter.increaseOver(1.5 * NS_PER_SECOND, 2.5 * NS_PER_SECOND);
  assert.equal(increase?.count, 20);
  assert.equal(counter.increaseOver(3.5 * NS_PER_SECOND, 20 * NS_PER_SECOND), undefined);
});

test("a long run's series has as many steps as a picture can show, and gaps where nothing was told", () => {
  const entries = each(1_000)
    .filter((s) => s < 400 || s > 600)
    .map((s) => scraped(s + 0.5, { running: s, waiting: 0 }));
  const series = serverSeriesOf(logOf(entries), stretch(0, 1_000));
  assert.equal(series.atS.length, 240);
  assert.equal(series.running.length, 240);
  assert.equal(series.running[120], null);
  assert.ok(Math.abs((series.running[239] ?? 0) - 998) < 3);
  assert.ok(series.kvUse.every((value) => value === null));
});

test("replicas are those that answer, each time that one was read, or as many as a gateway tells", () => {
  const seconds = (log: ReturnType<typeof logOf>): unknown =>
    log.replicaCounts(3 * NS_PER_SECOND).map(({ atNs, value }) => [atNs / NS_PER_SECOND, value]);
  const read = { running: 1 };
  // Three addresses from the start on, the second of which answers from 2 to 4 s, and the third never.
  const answering = logOf([
    replicasFrom(0, 3),
    scraped(1, read),
    ...[2, 3, 4].flatMap((atS) => [scraped(atS, read), scraped(atS, read, "b")]),
    ...[5, 6, 7].map((atS) => scraped(atS, read)),
  ]);
  assert.deepEqual(seconds(answering), [
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 2],
    [5, 2],
    [6, 2],
    [7, 1],
  ]);
  const gateway = logOf([replicasFrom(0, 1), scraped(1, { replicas: 4 }), scraped(2, read)]);
  assert.deepEqual(seconds(gateway), [[1, 4]]);
  assert.deepEqual([answering.tellsReplicas, gateway.tellsReplicas], [false, true]);
  assert.deepEqual(seconds(logOf([replicasFrom(0, 2)])), []);
});
