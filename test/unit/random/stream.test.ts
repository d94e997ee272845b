import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { PURPOSES, randomStream, type StreamKey } from "../../../shared/random/stream.ts";

const take = (key: StreamKey, count: number): number[] => {
  const prng = randomStream(key);
  return Array.from({ length: count }, () => prng.nextUnit());
};

const keyArbitrary: fc.Arbitrary<StreamKey> = fc.record({
  seed: fc.maxSafeNat(),
  segment: fc.nat(),
  purpose: fc.constantFrom(...PURPOSES),
  index: fc.maxSafeNat(),
});

test("the same key replays the same stream, whatever else was drawn in between", () => {
  fc.assert(
    fc.property(keyArbitrary, keyArbitrary, fc.nat(20), (key, other, draws) => {
      const prng = randomStream(key);
      const first = prng.nextUnit();
      take(other, draws);
      assert.deepEqual([first, prng.nextUnit()], take(key, 2));
    }),
    { seed: 1 },
  );
});

test("each part of the key gives another stream, above 32 bits too", () => {
  const base: Required<StreamKey> = { seed: 5, segment: 2, purpose: "class", index: 9, lane: 0 };
  const others: StreamKey[] = [
    base,
    { ...base, seed: 6 },
    { ...base, seed: 5 + 2 ** 32 },
    { ...base, segment: 3 },
    { ...base, index: 10 },
    { ...base, index: 9 + 2 ** 32 },
    { ...base, lane: 1 },
    ...PURPOSES.filter((purpose) => purpose !== "class").map((purpose) => ({ ...base, purpose })),
  ];
  const firsts = new Set(others.map((key) => take(key, 1)[0]));
  assert.equal(firsts.size, others.length);
});

test("streams are what they were: a seed means the same run in every release", () => {
  assert.deepEqual(
    take({ seed: 1, segment: 1, purpose: "arrivals" }, 3),
    [0.9115398503359626, 0.8873094513104637, 0.7512647022465956],
  );
});

test("units are uniform in [0, 1), within a stream and across neighbouring indices", () => {
  const count = 20_000;
  const within = take({ seed: 3, segment: 1, purpose: "arrivals" }, count);
  const across = Array.from(
    { length: count },
    (_, index) => take({ seed: 3, segment: 1, purpose: "nonce", index }, 1)[0]!,
  );
  for (const units of [within, across]) {
    assert.ok(units.every((unit) => unit >= 0 && unit < 1 && Number.isInteger(unit * 2 ** 53)));
    const cells = new Array<number>(100).fill(0);
    for (const unit of units) cells[Math.floor(unit * 100)]! += 1;
    const expected = count / 100;
    const chiSquare = cells.reduce((sum, cell) => sum + (cell - expected) ** 2 / expected, 0);
    // Chi-square of 99 degrees of freedom: its 99.99 % quantile is 159, its 0.01 % quantile 54.
    assert.ok(chiSquare > 54 && chiSquare < 159, `chi-square ${chiSquare}`);
  }
});

test("a seed that cannot be told apart from another is a bug, not a run", () => {
  for (const seed of [-1, 0.5, 2 ** 53, NaN]) {
    assert.throws(() => randomStream({ seed, segment: 1, purpose: "class" }), /a seed is a safe/);
  }
});
