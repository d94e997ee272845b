import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RecordedPlan } from "../../coordinator/plan/recorded-plan.ts";
import type { ProbeView, Result } from "../../coordinator/show/result.ts";
import { found, probeOf } from "../golden/show/results.ts";

/** How a made-up search went. */
export interface SearchFixture {
  /** Estimate and interval, requests/s. */
  readonly rate?: readonly [value: number, low: number, high: number | null];
  readonly result?: Partial<Result>;
  readonly plan?: Partial<RecordedPlan>;
  /** How many times the latency of the usual fixture. */
  readonly slowness?: number;
}

const WINDOWS = [
  [2, 10, 31],
  [3, 20, 34],
  [4, 30, 45],
  [5, 40, 80],
] as const;

/** The result of a valid search of one clause, with windows at 10, 20, 30 and 40 requests/s. */
export function searchResult({
  rate = [41.8, 40.2, 43],
  result,
  slowness = 1,
}: SearchFixture): Result {
  const [requestsPerSecond, low, high] = rate;
  assertFound(found.maxRate);
  return {
    ...found,
    validity: { verdict: "valid", reasons: [] },
    slo: found.slo.slice(0, 1),
    maxRate: { ...found.maxRate, requestsPerSecond, low, high, notes: [] },
    probes: WINDOWS.map(
      ([segment, planned, ttftP50Ms]): ProbeView =>
        probeOf({
          segment,
          rate: planned,
          startS: 10 * segment,
          durationS: 40,
          ttftP50Ms: ttftP50Ms * slowness,
          ttftSpread: 2,
        }),
    ),
    ...result,
  };
}

function assertFound<Value>(value: Value | null): asserts value is Value {
  if (value === null) throw new Error("the golden search has a rate");
}

/** Its plan. */
export function searchPlan(changes: Partial<RecordedPlan> = {}): RecordedPlan {
  return {
    command: "find",
    name: "demo",
    loadline: "0.1.0",
    runId: "fixture",
    startedAt: found.startedAt,
    model: found.target.model,
    directory: "runs/demo",
    target: {
      url: found.target.url,
      endpoint: "chat",
      model: undefined,
      caFile: undefined,
      apiKeyEnv: undefined,
      headers: {},
      extraBody: {},
      timeoutNs: 120e9,
      tlsInsecure: false,
      forceOutput: false,
    },
    workload: found.workload,
    slo: ["ttft p99 <= 200ms"],
    onAgentLoss: "continue",
    seed: 1,
    placement: { kind: "local", agents: undefined },
    load: {
      kind: "find",
      rateMinPerSecond: undefined,
      rateMaxPerSecond: undefined,
      precisionFraction: 0.1,
      confidence: 0.95,
      timeBudgetS: 300,
      method: "tail",
      quick: false,
      confirm: false,
      rateGatePerSecond: undefined,
      arrivals: { kind: "poisson" },
    },
    maxInFlight: 20_000,
    maxInFlightAsked: false,
    beyondCleanRate: false,
    waitReadyS: undefined,
    records: true,
    outDir: undefined,
    json: false,
    dryRun: false,
    ...changes,
  };
}

/** A run folder as far as readers of finished runs look into it. */
export async function writeRunFixture(
  directory: string,
  fixture: SearchFixture = {},
): Promise<void> {
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "result.json"), JSON.stringify(searchResult(fixture)));
  await writeFile(join(directory, "plan.json"), JSON.stringify(searchPlan(fixture.plan)));
}
