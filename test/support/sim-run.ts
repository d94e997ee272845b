import { parsePlan } from "../../coordinator/plan/parse.ts";
import { arrivalsAt, type Plan } from "../../coordinator/plan/plan.ts";
import { procedureOf } from "../../coordinator/run/procedure-of.ts";
import { replayRun } from "../../coordinator/run/replay.ts";
import { resultOf } from "../../coordinator/run/result-of.ts";
import type { RunEnd } from "../../coordinator/run/run-contract.ts";
import type { RunLedger } from "../../coordinator/run/run-ledger.ts";
import type { TimedEntry } from "../../coordinator/run/run-log.ts";
import type { Result } from "../../coordinator/show/result.ts";
import type { IntervalReport } from "../../shared/measurement/report.ts";
import { parseSlo } from "../../shared/slo/grammar.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import { type ClusterOptions, type JournalEntry, RUN_ID } from "./sim-cluster.ts";

const TARGET = { target: "http://server.test", slo: ["ttft p50 <= 100ms"] };

/** Every answer of the virtual server comes in time, so the search ends at its highest rate: "at least". */
export const FIND_PLAN = parsePlan({
  command: "find",
  flags: { ...TARGET, maxRate: "60", minRate: "60", timeBudget: "20s" },
});

export const LIST_PLAN = parsePlan({
  command: "run",
  flags: { ...TARGET, rate: "20,40,60", duration: "1s" },
});

/** Floor, ceiling, and two rates between. */
export const SWEEP_PLAN = parsePlan({
  command: "sweep",
  flags: { ...TARGET, points: "2", duration: "1s", maxInFlight: "6" },
});

/** A cluster that carries a plan out. */
export function clusterOptions(plan: Plan): ClusterOptions<unknown> {
  const slo = parseSlo(plan.slo);
  return {
    agentsMin: 2,
    workload: plan.workload,
    slo,
    gatherNs: 15 * NS_PER_SECOND,
    onAgentLoss: "continue",
    admit: () => ({ procedure: procedureOf(plan, slo), inFlightMax: 10_000 }),
    arrivalsOf: (ratePerSecond, durationS) =>
      arrivalsAt({ kind: "poisson" }, { ratePerSecond, durationS }),
    drainMaxS: 5,
    lastDrainMaxS: 5,
    keepRecords: false,
    intervalNs: 250 * NS_PER_MS,
    armLeadNs: 30 * NS_PER_MS,
  };
}

/** What the folder of a run would give back. */
export function replayOf(
  plan: Plan,
  journal: readonly JournalEntry[],
): Promise<RunLedger<unknown>> {
  const slo = parseSlo(plan.slo);
  return replayRun(
    { runId: RUN_ID, slo, procedureOf: () => procedureOf(plan, slo) },
    { log: each(linesOf(journal)), reports: each(reportsOf(journal)) },
  );
}

// eslint-disable-next-line @typescript-eslint/require-await -- a file is read asynchronously, this is not
async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

export function linesOf(journal: readonly JournalEntry[]): TimedEntry[] {
  return journal.flatMap((entry) =>
    entry.kind === "line" ? [JSON.parse(entry.text) as TimedEntry] : [],
  );
}

export function reportsOf(journal: readonly JournalEntry[]): IntervalReport[] {
  return journal.flatMap((entry) => (entry.kind === "report" ? [entry.report] : []));
}

export function resultOfEnd(plan: Plan, end: RunEnd): Result {
  return resultOf({
    plan,
    model: "m",
    version: "1",
    startedAt: "2026-01-01T00:00:00.000Z",
    slo: parseSlo(plan.slo),
    end,
    directory: "runs/x",
    fileNames: [],
  });
}
