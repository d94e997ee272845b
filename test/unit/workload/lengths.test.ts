import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ExitCode, LoadError } from "../../../shared/errors.ts";
import { randomStream } from "../../../shared/random/stream.ts";
import {
  drawLength,
  LENGTH_TOKENS_MAX,
  lengthsText,
  meanLength,
  parseEmpirical,
  parseLengths,
} from "../../../shared/workload/lengths.ts";
import type { Lengths } from "../../../shared/workload/workload.ts";

function draws(lengths: Lengths, count = 20_000): number[] {
  const prng = randomStream({ seed: 7, segment: 1, purpose: "prompt-tokens" });
  return Array.from({ length: count }, () => drawLength(lengths, prng));
}

function parsed(text: string): Lengths {
  const lengths = parseLengths(text);
  assert.ok(lengths.kind !== "empirical-file");
  return lengths;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected} ± ${tolerance}`,
  );
}

test("each distribution is read as it is written on the command line", () => {
  assert.deepEqual(parseLengths("128"), { kind: "fixed", tokens: 128 });
  assert.deepEqual(parseLengths("uniform:64:256"), { kind: "uniform", low: 64, high: 256 });
  assert.deepEqual(parseLengths("normal:512:128"), {
    kind: "normal",
    mean: 512,
    standardDeviation: 128,
  });
  assert.deepEqual(parseLengths("lognormal:512:0.8"), {
    kind: "lognormal",
    mean: 512,
    coefficientOfVariation: 0.8,
  });
  assert.deepEqual(parseLengths("empirical:a:b/c.txt"), {
    kind: "empirical-file",
    file: "a:b/c.txt",
  });
});

test("what was read is written back as it was", () => {
  for (const text of [
    "1",
    "uniform:5:5",
    "normal:512.5:0",
    "lognormal:20:1.25",
    "empirical:x.txt",
  ]) {
    assert.equal(lengthsText(parseLengths(text)), text);
  }
  assert.equal(
    lengthsText({ kind: "empirical", values: [1, 2, 4] }),
    "empirical (3 values, mean 2.3)",
  );
});

for (const text of [
  "",
  "0",
  "-5",
  "1.5",
  "12abc",
  "1e3",
  "0x10",
  "9999999999",
  ":",
  "uniform",
  "uniform:",
  "uniform:1",
  "uniform:1:2:3",
  "uniform:0:5",
  "uniform:9:5",
  "normal:512",
  "normal:512:-1",
  "normal:0:1",
  "normal:NaN:1",
  "lognormal:512:",
  "lognormal:512:Infinity",
  "lognormal:512:9999999",
  "empirical:",
  "exponential:5",
  " 128",
]) {
  test(`"${text}" is refused, with the grammar`, () => {
    assert.throws(
      () => parseLengths(text),
      (error: unknown) =>
        error instanceof LoadError &&
        error.code === "LL_LENGTHS_INVALID" &&
        error.exitCode === ExitCode.PlanInvalid &&
        error.message.startsWith(`"${text}" `) &&
        error.hint.includes("lognormal:512:0.8"),
    );
  });
}

test("a file of lengths is split at spaces, commas and lines", () => {
  assert.deepEqual(parseEmpirical("f", "5, 7\n9\r\n\n11 "), {
    kind: "empirical",
    values: [5, 7, 9, 11],
  });
  assert.throws(() => parseEmpirical("f", " \n"), { code: "LL_LENGTHS_INVALID" });
  assert.throws(() => parseEmpirical("f", "5 x"), /"x" is no whole number/);
});

test("draws are whole tokens from 1, whatever the distribution", () => {
  const lengthsArbitrary: fc.Arbitrary<Lengths> = fc.oneof(
    fc.record({
      kind: fc.constant("normal" as const),
      mean: fc.integer({ min: 1, max: LENGTH_TOKENS_MAX }),
      standardDeviation: fc.integer({ min: 0, max: LENGTH_TOKENS_MAX }),
    }),
    fc.record({
      kind: fc.constant("lognormal" as const),
      mean: fc.integer({ min: 1, max: LENGTH_TOKENS_MAX }),
      coefficientOfVariation: fc.integer({ min: 0, max: LENGTH_TOKENS_MAX }),
    }),
  );
  fc.assert(
    fc.property(lengthsArbitrary, (lengths) => {
      for (const tokens of draws(lengths, 20)) {
        assert.ok(Number.isInteger(tokens) && tokens >= 1 && tokens <= LENGTH_TOKENS_MAX);
      }
    }),
    { seed: 1 },
  );
  const narrow = draws({ kind: "normal", mean: 1, standardDeviation: 5 }, 1_000);
  assert.equal(Math.min(...narrow), 1);
});

test("a fixed length is always itself", () => {
  assert.deepEqual(new Set(draws(parsed("128"), 100)), new Set([128]));
});

test("a uniform length takes each value alike, both ends too", () => {
  const values = draws(parsed("uniform:3:7"));
  for (const tokens of [3, 4, 5, 6, 7]) {
    near(values.filter((value) => value === tokens).length, 4_000, 250);
  }
  assert.equal(values.filter((value) => value < 3 || value > 7).length, 0);
});

test("normal and lognormal lengths have the mean and spread asked for", () => {
  const normal = draws(parsed("normal:512:128"));
  near(mean(normal), 512, 4);
  near(deviation(normal), 128, 4);
  const lognormal = draws(parsed("lognormal:512:0.8"));
  near(mean(lognormal), 512, 10);
  near(deviation(lognormal) / mean(lognormal), 0.8, 0.05);
});

test("empirical lengths come as often as they are in the file", () => {
  const values = draws(parseEmpirical("f", "10 10 10 400"));
  near(values.filter((value) => value === 400).length / values.length, 0.25, 0.015);
  assert.deepEqual(new Set(values), new Set([10, 400]));
});

test("the mean is that of the distribution", () => {
  assert.equal(meanLength(parsed("128")), 128);
  assert.equal(meanLength(parsed("uniform:1:4")), 2.5);
  assert.equal(meanLength(parsed("normal:512:128")), 512);
  assert.equal(meanLength(parsed("lognormal:300:0.8")), 300);
  assert.equal(meanLength({ kind: "empirical", values: [1, 2, 6] }), 3);
});
