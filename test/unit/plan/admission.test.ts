import assert from "node:assert/strict";
import { test } from "node:test";
import { admit, meanOutputTokens } from "../../../coordinator/plan/admission.ts";
import { parsePlan } from "../../../coordinator/plan/parse.ts";
import type { Plan } from "../../../coordinator/plan/plan.ts";
import type { Hello } from "../../../shared/control/control.ts";
import type { Workload } from "../../../shared/workload/workload.ts";
import { LoadError } from "../../../shared/errors.ts";

const readText = (): never => assert.fail("no file is named");
const TARGET = { target: "http://127.0.0.1:8000", model: "m" };

function run(flags: Record<string, unknown>): Plan {
  return parsePlan({ command: "run", flags: { ...TARGET, ...flags }, readText });
}

function find(flags: Record<string, unknown>): Plan {
  const slo = ["ttft p99 <= 200ms"];
  return parsePlan({ command: "find", flags: { ...TARGET, slo, ...flags }, readText });
}

/** Carries 400 requests/s of 64 tokens. */
function agents(count: number, changes: Partial<Hello> = {}): readonly Hello[] {
  return Array.from({ length: count }, (_, place) => ({
    agentId: `local-${place + 1}`,
    epoch: 1,
    version: "0.1.0",
    host: "here",
    processId: place,
    cores: 2,
    inFlightMax: 19_936,
    cleanRatePerSecond: 2_000,
    cleanTokensPerSecond: 32_000,
    floor: undefined,
    policy: {
      targets: [],
      ratePerSecondMax: Infinity,
      inFlightMax: 19_936,
      durationNsMax: Infinity,
      tokensMax: Infinity,
    },
    runId: undefined,
    state: "registered",
    ...changes,
  }));
}

function refusalOf(act: () => unknown): LoadError {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof LoadError);
    return error;
  }
  return assert.fail("it was not refused");
}

test("a rate that the agents carry is admitted", () => {
  assert.equal(admit(run({ rate: "800" }), agents(2)).cleanRatePerSecond, 800);
});

test("a rate beyond it is refused, with the agents it takes", () => {
  const { code, exitCode, message, hint } = refusalOf(() =>
    admit(run({ rate: "20,2000,100" }), agents(2)),
  );
  assert.equal(code, "LL_RATE_ABOVE_AGENTS");
  assert.equal(exitCode, 2);
  assert.match(message, /2,000 requests\/s of 64 tokens, and 2 agents here carry about 800/);
  assert.match(hint, /it takes 5 agents: a fleet on several machines .*this machine has 2 cores/);
});

test("as long as the machine has a core for each, more local agents are what to do", () => {
  const { hint } = refusalOf(() => admit(run({ rate: "2000" }), agents(1, { cores: 16 })));
  assert.match(hint, /it takes 5 agents: --agents 5 \(this machine has 16 cores\)/);
});

test("a ramp counts by its highest rate, lengths by their mean, classes by their weight", () => {
  assert.throws(() => admit(run({ arrivals: "ramp:1:401" }), agents(1)), LoadError);
  admit(run({ arrivals: "ramp:1:399" }), agents(1));
  admit(run({ rate: "399", outputTokens: "uniform:1:127" }), agents(1));
  assert.throws(() => admit(run({ rate: "399", outputTokens: "uniform:1:128" }), agents(1)));
});

test("a closed loop is as fast as the server is, and admitted", () => {
  admit(run({ concurrency: "5000" }), agents(1));
});

test("a search is refused by where it starts, and otherwise bounded", () => {
  assert.equal(admit(find({ maxRate: "9000" }), agents(1)).cleanRatePerSecond, 400);
  assert.throws(() => admit(find({ minRate: "500" }), agents(1)), LoadError);
});

test("--beyond-clean-rate goes on all the same", () => {
  const plan = run({ rate: "2000", beyondCleanRate: true });
  assert.equal(admit(plan, agents(1)).cleanRatePerSecond, undefined);
});

test("agents that were not measured refuse nothing", () => {
  const plan = run({ rate: "90000" });
  assert.equal(admit(plan, agents(1, { cleanRatePerSecond: 0 })).cleanRatePerSecond, undefined);
});

test("the default in-flight bound gives way to the agents' sockets, while it stays generous", () => {
  const plan = run({ rate: "400" });
  assert.equal(plan.maxInFlight, 20_000);
  assert.equal(admit(plan, agents(1)).inFlightMax, 19_936);
  assert.equal(admit(plan, agents(2)).inFlightMax, 20_000);
  const { code, hint } = refusalOf(() => admit(plan, agents(1, { inFlightMax: 960 })));
  assert.equal(code, "LL_IN_FLIGHT_ABOVE_AGENTS");
  assert.match(hint, /ulimit -n/);
});

test("an in-flight bound that was asked for is held, or the plan is refused", () => {
  const plan = run({ rate: "4", maxInFlight: "1000" });
  assert.equal(admit(plan, agents(1)).inFlightMax, 1_000);
  const { code, exitCode } = refusalOf(() => admit(plan, agents(1, { inFlightMax: 999 })));
  assert.equal(code, "LL_IN_FLIGHT_ABOVE_AGENTS");
  assert.equal(exitCode, 2);
  assert.throws(() => admit(run({ concurrency: "1000" }), agents(1, { inFlightMax: 999 })));
});

test("a request's mean tokens are its classes' own, by their weight", () => {
  const classOf = (weight: number, tokens: number): Workload["classes"][number] => ({
    ...{ name: `of ${tokens}`, weight },
    promptTokens: { kind: "fixed", tokens: 1 },
    outputTokens: { kind: "fixed", tokens },
  });
  assert.equal(meanOutputTokens({ classes: [classOf(3, 100), classOf(1, 500)] }), 200);
});
