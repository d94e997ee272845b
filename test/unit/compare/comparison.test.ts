import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Comparison,
  compare,
  type ComparisonOptions,
} from "../../../coordinator/compare/comparison.ts";
import { contenderOfRun } from "../../../coordinator/compare/from-run.ts";
import { readTreatments } from "../../../coordinator/compare/likeness.ts";
import { readQuality, recoveryOf } from "../../../coordinator/compare/quality.ts";
import { worstVerdict } from "../../../coordinator/compare/gate.ts";
import { dominatorOf } from "../../../coordinator/compare/trade-off.ts";
import type { Contender } from "../../../coordinator/compare/contender.ts";
import type { RecordedPlan } from "../../../coordinator/plan/recorded-plan.ts";
import { LoadError } from "../../../shared/errors.ts";
import { type SearchFixture, searchPlan, searchResult } from "../../support/run-fixture.ts";

function run(name: string, fixture: SearchFixture = {}): Contender {
  return contenderOfRun({
    name,
    source: `runs/${name}`,
    result: searchResult(fixture),
    plan: searchPlan(fixture.plan),
  });
}

function compared(
  baseline: Contender,
  candidates: readonly Contender[],
  more: Partial<ComparisonOptions> = {},
): Comparison {
  return compare({
    loadline: "0.1.0",
    baseline,
    candidates,
    gates: [],
    treatments: [],
    hardwareOf: () => ({ gpus: 1, pricePerHour: null, currency: "$" }),
    qualityOf: () => undefined,
    ...more,
  });
}

describe("what is unlike is refused", () => {
  const target = searchPlan().target;
  const unlike: Readonly<Record<string, SearchFixture>> = {
    model: { result: { target: { url: "http://b", endpoint: "chat", model: "other" } } },
    lengths: {
      plan: {
        workload: {
          classes: [
            {
              name: "default",
              weight: 1,
              promptTokens: { kind: "fixed", tokens: 129 },
              outputTokens: { kind: "uniform", low: 32, high: 96 },
            },
          ],
        },
      },
    },
    arrivals: {
      plan: {
        load: { ...searchPlan().load, arrivals: { kind: "constant" } } as RecordedPlan["load"],
      },
    },
    slo: { result: { slo: [{ ...searchResult({}).slo[0]!, text: "ttft p99 <= 300ms" }] } },
    agents: { result: { agents: searchResult({}).agents.slice(0, 1) } },
    seed: { result: { seed: 2 } },
    endpoint: { plan: { target: { ...target, endpoint: "completions" } } },
    request: { plan: { target: { ...target, forceOutput: true } } },
  };
  for (const [trait, fixture] of Object.entries(unlike)) {
    test(`${trait}, unless it is declared to be what is compared`, () => {
      const [base, candidate] = [run("base"), run("candidate", fixture)];
      assert.throws(
        () => compared(base, [candidate]),
        (error) =>
          error instanceof LoadError &&
          error.code === "LL_COMPARE_UNLIKE" &&
          error.message.includes(`\n  ${trait}: base has `) &&
          error.hint.endsWith(`--treatment ${trait}`),
      );
      const { differences } = compared(base, [candidate], { treatments: readTreatments(trait) });
      assert.deepEqual(
        differences.map((each) => each.trait),
        [trait],
      );
    });
  }

  test("but neither the place of the server nor a bound in flight that follows from the rates", () => {
    const moved = run("moved", {
      result: { target: { ...searchResult({}).target, url: "http://elsewhere" } },
      plan: { maxInFlight: 77 },
    });
    assert.equal(compared(run("base"), [moved]).differences.length, 0);
  });

  test("an unknown treatment is told apart from the known", () => {
    assert.throws(() => readTreatments("model,gpu"), /--treatment names gpu/);
  });
});

describe("the verdict", () => {
  const base = run("base", { rate: [100, 95, 105] });

  test("without a gate: PASS for what is shown to carry more, FAIL for less, else INCONCLUSIVE", () => {
    const verdictOf = (rate: SearchFixture["rate"]): unknown[] => {
      const { verdict, exitCode } = compared(base, [run("it", { rate: rate! })]);
      return [verdict, exitCode];
    };
    assert.deepEqual(verdictOf([130, 124, 137]), ["met", 0]);
    assert.deepEqual(verdictOf([80, 76, 84]), ["violated", 99]);
    assert.deepEqual(verdictOf([101, 96, 106]), ["undecided", 5]);
  });

  test("the worst of several candidates is the comparison's", () => {
    const more = run("more", { rate: [130, 124, 137] });
    const less = run("less", { rate: [80, 76, 84] });
    assert.equal(compared(base, [more, less]).exitCode, 99);
  });

  test("a candidate that no rate suits carries nothing; one without an answer leaves it open", () => {
    const without = (kind: "hopeless" | "inconclusive"): Contender =>
      run(kind, { result: { maxRate: null, outcome: { kind, reason: "because" } } });
    assert.equal(compared(base, [without("hopeless")]).verdict, "violated");
    assert.equal(compared(base, [without("inconclusive")]).verdict, "undecided");
    assert.throws(() => compared(without("inconclusive"), [base]), /no maximum rate: because/);
  });

  test("runs that searched nothing are shown side by side, and not judged", () => {
    const listed = (name: string): Contender =>
      run(name, {
        result: { command: "run", maxRate: null, outcome: { kind: "finished", reason: "" } },
      });
    const { verdict, exitCode, equalRates } = compared(listed("a"), [listed("b")]);
    assert.deepEqual([verdict, exitCode, equalRates.length], [null, 0, 4]);
    assert.throws(
      () => compared(listed("a"), [listed("b")], { gates: [{ text: "x", ratioMin: 1 }] }),
      /LL_NO_MAX_RATE|a gate is to be judged/,
    );
  });

  test("intervals of different confidence are not compared", () => {
    const other = run("other", {
      result: { maxRate: { ...searchResult({}).maxRate!, confidence: 0.9 } },
    });
    assert.throws(() => compared(base, [other]), /confidence 0.95, that of other 0.9/);
  });
});

describe("latency at equal rates", () => {
  test("is read at the rates that every run was measured at", () => {
    const { equalRates } = compared(run("base"), [run("slow", { slowness: 2 })]);
    assert.deepEqual(
      equalRates.map(({ requestsPerSecond, runs: [a, b] }) => [
        requestsPerSecond,
        (b?.ttftMs.p50 ?? 0) / (a?.ttftMs.p50 ?? 1),
        a?.isInterpolated,
      ]),
      [10, 20, 30, 40].map((rate) => [rate, 2, false]),
    );
  });

  test("is else read between two windows: at the middle of 10 and 20 the geometric mean", () => {
    const probes = searchResult({}).probes;
    const fewer = run("fewer", { rate: [30, 29, 31], result: { probes: probes.slice(0, 2) } });
    const others = run("others", { rate: [30, 29, 31], result: { probes: probes.slice(2) } });
    const [half] = compared(fewer, [others]).equalRates;
    assert.ok(half !== undefined);
    assert.equal(half.requestsPerSecond, 15);
    assert.ok(Math.abs((half.runs[0]?.ttftMs.p50 ?? 0) - Math.sqrt(31 * 34)) < 1e-9);
    assert.equal(half.runs[0]?.isInterpolated, true);
    assert.equal(half.runs[1], null, "nothing is extrapolated");
  });

  test("leaves out what the generator spoiled", () => {
    const probes = searchResult({}).probes.map((probe) =>
      probe.requestsPerSecond === 20
        ? { ...probe, validity: { verdict: "invalid" as const, reasons: ["late"] } }
        : probe,
    );
    const rates = run("run", { result: { probes } }).windows.map((each) => each.requestsPerSecond);
    assert.deepEqual(rates, [10, 30, 40]);
  });
});

describe("quality, cost and their trade-off", () => {
  const file = (value: number): string =>
    JSON.stringify({
      results: {
        gsm8k: {
          alias: "gsm8k",
          "exact_match,strict-match": value,
          "exact_match_stderr,strict-match": 0.01,
          "exact_match,flexible-extract": value + 0.02,
          "exact_match_stderr,flexible-extract": "N/A",
        },
        other: { "exact_match,strict-match": value - 0.2, "exact_match_stderr,strict-match": 0.01 },
        wikitext: { "word_perplexity,none": 9, "word_perplexity_stderr,none": "N/A" },
      },
      higher_is_better: { wikitext: { word_perplexity: false } },
    });
  const read = (value: number, key: string | undefined) =>
    readQuality(file(value), { key, place: "q.json" });

  test("a key of several tasks is their mean, with the error of a mean", () => {
    const quality = read(0.8, "exact_match,strict-match");
    assert.deepEqual(quality.tasks, ["gsm8k", "other"]);
    assert.ok(Math.abs(quality.value - 0.7) < 1e-12);
    assert.ok(Math.abs((quality.standardError ?? 0) - 0.01 / Math.SQRT2) < 1e-12);
    assert.equal(read(0.8, "gsm8k/exact_match,strict-match").value, 0.8);
    assert.equal(read(0.8, "exact_match,flexible-extract").standardError, null);
  });

  test("what is left of the baseline's score has the error of both", () => {
    const recovery = recoveryOf(
      read(0.76, "gsm8k/exact_match,strict-match"),
      read(0.8, "gsm8k/exact_match,strict-match"),
    );
    assert.ok(Math.abs((recovery?.fraction ?? 0) - 0.95) < 1e-12);
    const error = 0.95 * Math.hypot(0.01 / 0.76, 0.01 / 0.8);
    assert.ok(Math.abs((recovery?.standardError ?? 0) - error) < 1e-12);
  });

  test("several scores without a key, an unknown key, a perplexity and another file are refused", () => {
    assert.throws(() => read(0.8, undefined), /has several scores \(exact_match,strict-match; /);
    assert.throws(() => read(0.8, "acc,none"), /has no acc,none/);
    assert.throws(() => read(0.8, "word_perplexity,none"), /lower is better/);
    assert.throws(() => readQuality("[]", { key: undefined, place: "q.json" }), /has no "results"/);
  });

  test("a row is dominated by one that is as good in everything known of all, and better in something", () => {
    const rows = [
      { name: "base", quality: 0.8, latencyMs: 100, cost: 2 },
      { name: "int8", quality: 0.8, latencyMs: 90, cost: 1.5 },
      { name: "tiny", quality: 0.6, latencyMs: 50, cost: 0.5 },
      { name: "twin", quality: 0.8, latencyMs: 90, cost: 1.5 },
    ];
    assert.deepEqual(
      rows.map((row) => dominatorOf(row, rows)),
      ["int8", undefined, undefined, undefined],
    );
    const unpriced = rows.map((row) => ({ ...row, cost: row.name === "tiny" ? null : row.cost }));
    assert.equal(dominatorOf(unpriced[0]!, unpriced), "int8");
    // What one of them does not tell is held against nobody.
    const [dear, unknown] = [
      { name: "dear", quality: 0.8, latencyMs: 90, cost: 5 },
      { name: "unknown", quality: 0.8, latencyMs: 100, cost: null },
    ];
    assert.equal(dominatorOf(unknown, [dear, unknown]), "dear");
    const nothing = rows.map((row) => ({ ...row, quality: null, latencyMs: null, cost: null }));
    assert.equal(dominatorOf(nothing[0]!, nothing), undefined);
  });

  test("cost is the replica's price over what it carries at the maximum rate", () => {
    const { runs } = compared(
      run("base", { rate: [50, 49, 51] }),
      [run("b", { rate: [50, 49, 51] })],
      {
        hardwareOf: () => ({ gpus: 2, pricePerHour: 5.76, currency: "$" }),
      },
    );
    // The fixture's answers have 64 tokens, its prompts 128: 3,200 and 6,400 tokens/s.
    const cost = runs[0]?.cost;
    assert.ok(Math.abs((cost?.perMillionOutputTokens ?? 0) - 0.5) < 1e-9);
    assert.ok(Math.abs((cost?.perMillionInputTokens ?? 0) - 0.25) < 1e-9);
    assert.ok(Math.abs((cost?.perThousandRequests ?? 0) - 0.032) < 1e-9);
    assert.equal(runs[0]?.outputTokensPerSecondPerGpu, 1_600);
  });
});

test("of several verdicts one that is violated decides, and else one that is undecided", () => {
  assert.equal(worstVerdict(["met", "undecided", "violated"]), "violated");
  assert.equal(worstVerdict(["met", "undecided"]), "undecided");
  assert.equal(worstVerdict(["met", "met"]), "met");
});
