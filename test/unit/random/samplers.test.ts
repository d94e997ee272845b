import assert from "node:assert/strict";
import { test } from "node:test";
import {
  drawExponential,
  drawGamma,
  drawLognormal,
  drawNormal,
} from "../../../shared/random/samplers.ts";
import { type Prng, randomStream } from "../../../shared/random/stream.ts";

const COUNT = 50_000;

/** Mean, standard deviation and skewness of COUNT draws of one stream. */
function moments(draw: (prng: Prng) => number): { mean: number; sd: number; skew: number } {
  const prng = randomStream({ seed: 11, segment: 1, purpose: "arrivals" });
  const values = Array.from({ length: COUNT }, () => draw(prng));
  const mean = values.reduce((sum, value) => sum + value, 0) / COUNT;
  const central = (power: number): number =>
    values.reduce((sum, value) => sum + (value - mean) ** power, 0) / COUNT;
  const sd = Math.sqrt(central(2));
  return { mean, sd, skew: central(3) / sd ** 3 };
}

function near(actual: number, expected: number, tolerance: number): void {
  assert.ok(
    Math.abs(actual - expected) <= tolerance,
    `${actual} is not ${expected} ± ${tolerance}`,
  );
}

test("exponential draws have mean 1, deviation 1 and skewness 2", () => {
  const { mean, sd, skew } = moments(drawExponential);
  near(mean, 1, 0.02);
  near(sd, 1, 0.03);
  near(skew, 2, 0.2);
});

test("an exponential draw is finite even where the unit is 0", () => {
  assert.equal(drawExponential({ nextUnit: () => 0 }), -0);
});

test("normal draws have mean 0, deviation 1, no skewness, and 4.6 % beyond 2", () => {
  const { mean, sd, skew } = moments(drawNormal);
  near(mean, 0, 0.02);
  near(sd, 1, 0.02);
  near(skew, 0, 0.05);
  near(moments((prng) => (Math.abs(drawNormal(prng)) > 2 ? 1 : 0)).mean, 0.0455, 0.004);
});

test("gamma draws have mean k, deviation √k and skewness 2 / √k, for shapes on both sides of 1", () => {
  for (const shape of [0.25, 0.9, 1, 4, 100]) {
    const { mean, sd, skew } = moments((prng) => drawGamma(prng, shape));
    near(mean / shape, 1, 0.03);
    near(sd / Math.sqrt(shape), 1, 0.05);
    near(skew, 2 / Math.sqrt(shape), 0.1 + 0.15 / Math.sqrt(shape));
  }
});

test("lognormal draws have the mean and coefficient of variation asked for", () => {
  const { mean, sd } = moments((prng) =>
    drawLognormal(prng, { mean: 512, coefficientOfVariation: 0.8 }),
  );
  near(mean / 512, 1, 0.02);
  near(sd / mean, 0.8, 0.04);
});
