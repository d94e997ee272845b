import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { signalCurve, type SignalPoint } from "../../../coordinator/calibrate/signal-curve.ts";

function point(ratePerSecond: number, value: number, standardDeviation = 0): SignalPoint {
  return { ratePerSecond, value, weight: 1, standardDeviation };
}

test("a curve is straight between its points, through 0 at no load, and flat beyond the last", () => {
  const curve = signalCurve([point(10, 5), point(20, 25)]);
  assert.deepEqual(
    [0, 4, 10, 15, 20, 30].map((rate) => curve.at(rate)),
    [0, 2, 5, 15, 25, 25],
  );
});

test("rates within 2 % are one point, weighted by their windows' length", () => {
  const curve = signalCurve([
    { ...point(100, 10), weight: 3 },
    { ...point(101, 14), weight: 1 },
  ]);
  assert.deepEqual(
    curve.points.map(({ value }) => value),
    [11],
  );
});

test("a curve never falls, whatever was measured", () => {
  const points = fc.array(
    fc.tuple(
      fc.double({ min: 0.1, max: 100, noNaN: true }),
      fc.double({ min: 0, max: 1e3, noNaN: true }),
    ),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(points, (pairs) => {
      const curve = signalCurve(pairs.map(([rate, value]) => point(rate, value)));
      const values = Array.from({ length: 60 }, (_, step) => curve.at(2 * step));
      for (const [place, value] of values.entries())
        assert.ok(value >= (values[place - 1] ?? 0) - 1e-9);
    }),
  );
});

test("a fall is told when neither a tenth nor chance explains it", () => {
  assert.equal(signalCurve([point(1, 10), point(2, 9.1)]).fall, undefined);
  assert.equal(signalCurve([point(1, 10, 1), point(2, 6, 1)]).fall, undefined);
  const { fall } = signalCurve([point(1, 10, 0.1), point(2, 12, 0.1), point(3, 6, 0.1)]);
  assert.deepEqual([fall?.from.value, fall?.to.value], [12, 6]);
});
