import assert from "node:assert/strict";
import { test } from "node:test";
import type { AgentNews } from "../../../agent/news.ts";
import { AgentMetrics } from "../../../agent/observe/agent-metrics.ts";
import { zeroCounters } from "../../../shared/measurement/counters.ts";
import { renderMetrics } from "../../../shared/metrics/exposition.ts";
import { readExposition } from "../../support/exposition.ts";
import { sampleReport } from "../../support/sample-report.ts";

const READY: readonly AgentNews[] = [
  { kind: "connected", server: "a:4222" },
  { kind: "joined", cleanRatePerSecond: 4_000 },
];

function sealed(
  runId: string,
  counts: { fired: number; ok: number; open: number; lost?: number },
): AgentNews {
  const { fired, ok, open, lost = 0 } = counts;
  const report = sampleReport(1, {
    totals: { ...zeroCounters(), scheduled: fired, fired, ok },
    open,
  });
  const health = { ...report.health, reportsLost: lost, socketsOpen: 3 };
  return { kind: "sealed", runId, sealed: { ...report, health } };
}

function pageAfter(...news: readonly AgentNews[]): ReadonlyMap<string, number> {
  const metrics = new AgentMetrics({ agent: "a", fleet: "f", version: "1" });
  for (const each of [...READY, ...news]) metrics.take(each);
  return readExposition(renderMetrics(metrics.families()));
}

const prepared = (runId: string): AgentNews => ({ kind: "prepared", runId, incarnation: 1 });
const OK = 'loadline_agent_requests_total{outcome="ok"}';
const FIRED = 'loadline_agent_arrivals_total{fate="fired"}';

test("counters go on over runs, and never go back when the next run begins at zero", () => {
  const first = [prepared("1"), sealed("1", { fired: 10, ok: 8, open: 2, lost: 1 })];
  const page = pageAfter(
    ...first,
    { kind: "released", runId: "1" },
    prepared("2"),
    sealed("2", { fired: 5, ok: 5, open: 0 }),
    { kind: "released", runId: "2" },
    prepared("3"),
    sealed("3", { fired: 2, ok: 1, open: 1 }),
  );
  assert.equal(page.get(FIRED), 17);
  assert.equal(page.get(OK), 14);
  assert.equal(page.get("loadline_agent_reports_lost_total"), 1);
  assert.equal(page.get("loadline_agent_runs_total"), 3);
});

test("a run that another coordinator takes over is counted once for each", () => {
  const page = pageAfter(
    prepared("1"),
    sealed("1", { fired: 10, ok: 8, open: 2 }),
    { kind: "prepared", runId: "1", incarnation: 2 },
    sealed("1", { fired: 3, ok: 3, open: 0 }),
  );
  assert.equal(page.get(FIRED), 13);
});

test("an agent is in one state, and idle gauges are zero or away", () => {
  const states = (page: ReadonlyMap<string, number>): string[] =>
    [...page].flatMap(([key, value]) => (/state=/.test(key) && value === 1 ? [key] : []));
  const run = [
    prepared("1"),
    { kind: "segment", runId: "1", segment: 4, started: true } as const,
    sealed("1", { fired: 1, ok: 0, open: 1 }),
  ];
  const firing = pageAfter(...run);
  assert.deepEqual(states(firing), ['loadline_agent_state{state="firing"}']);
  assert.equal(firing.get("loadline_agent_segment"), 4);
  assert.equal(firing.get("loadline_agent_requests_in_flight"), 1);
  assert.equal(firing.get("loadline_agent_sockets_open"), 3);
  const over = pageAfter(...run, { kind: "abandoned", runId: "1" });
  assert.deepEqual(states(over), ['loadline_agent_state{state="registered"}']);
  assert.equal(over.get("loadline_agent_segment"), 0);
  assert.equal(over.get("loadline_agent_requests_in_flight"), 0);
  assert.equal(over.get("loadline_agent_sockets_open"), undefined);
});

test("refusals are counted by code, and no coordinator makes the page grow without end", () => {
  const refused = (code: string): AgentNews => ({
    kind: "refused",
    asked: "prepare-run",
    refusal: { code, message: "", hint: "" },
  });
  const many = Array.from({ length: 200 }, (_, place) => refused(`LL_X_${place}`));
  const page = pageAfter(refused("LL_AGENT_BUSY"), refused("LL_AGENT_BUSY"), ...many);
  assert.equal(page.get('loadline_agent_refusals_total{code="LL_AGENT_BUSY"}'), 2);
  assert.ok([...page.keys()].filter((key) => key.includes("refusals")).length < 70);
  assert.equal(page.get('loadline_agent_refusals_total{code="other"}'), 200 - 63);
});
