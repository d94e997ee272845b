import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clause } from "../../../shared/slo/slo.ts";
import type { FifoConfig, TokenSpread } from "../../../simulator/scheduler/config.ts";
import { md1MaxRate, mmcMaxRate } from "../../../simulator/theory.ts";
import { trueMaxRate } from "../../../simulator/truth.ts";
import { poissonRequests, serve } from "./virtual-load.ts";
import type { Told } from "./virtual-load.ts";

const MS = 1e6;
const AFTER: TokenSpread = { kind: "after-service", gapNs: 10 * MS };
const INSIDE: TokenSpread = { kind: "in-service", gapNs: 10 * MS };
const WITHIN: TokenSpread = { kind: "within-service", firstTokenFraction: 0.2 };

function clause(metric: "ttft" | "e2e" | "itl", limitMs: number): Clause {
  const limit = limitMs * MS;
  return { kind: "quantile", text: "", metric, quantile: 0.99, limit, className: undefined };
}

const exponential = (spread: TokenSpread): FifoConfig => ({
  kind: "fifo",
  slots: 4,
  service: { kind: "exponential", meanNs: 100 * MS },
  spread,
});
const fixed = (spread: TokenSpread, slots = 1): FifoConfig => ({
  kind: "fifo",
  slots,
  service: { kind: "fixed", meanNs: 20 * MS },
  spread,
});

const mm4 = (limitS: number) => mmcMaxRate({ c: 4, mu: 10, limitS, quantile: 0.99 });

test("tokens after the service: TTFT is the sojourn, whatever the lengths", () => {
  assert.equal(trueMaxRate(exponential(AFTER), clause("ttft", 1000)), mm4(1));
  assert.equal(
    trueMaxRate(fixed(AFTER), clause("ttft", 200)),
    md1MaxRate({ serviceS: 0.02, limitS: 0.2, quantile: 0.99 }),
  );
});

test("tokens after the service: E2E is the sojourn and the gaps", () => {
  const rate = trueMaxRate(exponential(AFTER), clause("e2e", 1100), 11)!;
  assert.ok(Math.abs(rate - mm4(1)) < 1e-6);
  assert.equal(trueMaxRate(exponential(AFTER), clause("e2e", 1100)), undefined);
  assert.equal(trueMaxRate(exponential(AFTER), clause("e2e", 50), 11), 0);
});

test("tokens within the service: E2E is the sojourn, TTFT has no closed form", () => {
  assert.equal(trueMaxRate(exponential(WITHIN), clause("e2e", 1000)), mm4(1));
  assert.equal(trueMaxRate(exponential(WITHIN), clause("ttft", 1000), 8), undefined);
  assert.equal(trueMaxRate(exponential(WITHIN), clause("ttft", 1000), 1), mm4(1));
});

test("where no closed form is known there is no number", () => {
  assert.equal(trueMaxRate(fixed(AFTER, 2), clause("ttft", 200)), undefined);
  assert.equal(trueMaxRate(exponential(INSIDE), clause("ttft", 1000), 8), undefined);
  assert.equal(trueMaxRate(exponential(AFTER), clause("itl", 20)), undefined);
  const goodput = { kind: "goodput", text: "", limitFraction: 0.99, className: undefined } as const;
  assert.equal(trueMaxRate(exponential(AFTER), goodput), undefined);
  const batching = {
    ...{ kind: "batching" as const, stepBaseNs: MS, perSequenceNs: 0, perPromptTokenNs: 0 },
    ...{ sequencesMax: 4, stepTokensMax: 64 },
  } as const;
  assert.equal(trueMaxRate(batching, clause("ttft", 200)), undefined);
});

const overFraction = (
  requests: readonly Told[],
  timeOf: (one: Told) => number,
  limitMs: number,
) => {
  const settled = requests.slice(requests.length / 10);
  return settled.filter((one) => timeOf(one) > limitMs * MS).length / settled.length;
};

test("a slot of fixed service held to the last token: the named rate exceeds 1 % (seed 6)", () => {
  const config = fixed(INSIDE);
  const ratePerSecond = trueMaxRate(config, clause("ttft", 300), 4)!;
  assert.ok(ratePerSecond > 5 && ratePerSecond < 20, `${ratePerSecond}/s`);
  const requests = poissonRequests({ ratePerSecond, count: 200_000, seed: 6, outputTokens: 4 });
  serve(config, requests);
  const over = overFraction(requests, (one) => one.tokensAtNs[0]! - one.arrivedAtNs, 300);
  assert.ok(over > 0.0075 && over < 0.0125, `over ${over}`);
});

test("tokens within the service: the named rate's E2E exceeds 1 % (seed 7)", () => {
  const config = exponential(WITHIN);
  const ratePerSecond = trueMaxRate(config, clause("e2e", 1000), 3)!;
  const requests = poissonRequests({ ratePerSecond, count: 200_000, seed: 7, outputTokens: 3 });
  serve(config, requests);
  const over = overFraction(requests, (one) => one.doneAtNs - one.arrivedAtNs, 1000);
  assert.ok(over > 0.007 && over < 0.013, `over ${over}`);
});
