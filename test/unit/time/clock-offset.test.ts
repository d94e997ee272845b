import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type ClockProbe, estimateClockOffset } from "../../../shared/time/clock-offset.ts";

interface Exchange {
  readonly atNs: number;
  readonly thereNs: number;
  readonly turnaroundNs: number;
  readonly backNs: number;
}

/** What both sides read off their clocks when the other one is `aheadNs` ahead. */
function probeOf(exchange: Exchange, aheadNs: number): ClockProbe {
  const receivedAtNs = exchange.atNs + exchange.thereNs + aheadNs;
  const repliedAtNs = receivedAtNs + exchange.turnaroundNs;
  return {
    sentAtNs: exchange.atNs,
    receivedAtNs,
    repliedAtNs,
    answeredAtNs: repliedAtNs - aheadNs + exchange.backNs,
  };
}

const delayNs = fc.oneof(fc.nat(1_000_000), fc.nat(3_000_000_000));
const exchange: fc.Arbitrary<Exchange> = fc.record({
  atNs: fc.nat(10 ** 12),
  thereNs: delayNs,
  turnaroundNs: delayNs,
  backNs: delayNs,
});
const exchanges = fc.array(exchange, { minLength: 1, maxLength: 20 });
const aheadNs = fc.integer({ min: -(10 ** 14), max: 10 ** 14 });

describe("the clock offset", () => {
  test("is within its error bound, however lopsided the delays", () => {
    fc.assert(
      fc.property(exchanges, aheadNs, (drawn, ahead) => {
        const offset = estimateClockOffset(drawn.map((one) => probeOf(one, ahead)));
        assert.ok(Math.abs(offset.aheadNs - ahead) <= offset.errorBoundNs);
      }),
      { numRuns: 1000 },
    );
  });

  test("is bounded by half the shortest round trip, without the other side's turnaround", () => {
    fc.assert(
      fc.property(exchanges, aheadNs, (drawn, ahead) => {
        const shortestNs = Math.min(...drawn.map((one) => one.thereNs + one.backNs));
        const offset = estimateClockOffset(drawn.map((one) => probeOf(one, ahead)));
        assert.equal(offset.errorBoundNs, shortestNs / 2);
      }),
    );
  });

  test("is exact over equal delays", () => {
    const symmetric = { atNs: 5, thereNs: 700, turnaroundNs: 90_000, backNs: 700 };
    const offset = estimateClockOffset([probeOf(symmetric, -2_000_000_000)]);
    assert.deepEqual(offset, { aheadNs: -2_000_000_000, errorBoundNs: 700 });
  });

  test("is wrong by the whole bound when one way takes all the time, and no more", () => {
    const oneWay = { atNs: 0, thereNs: 1000, turnaroundNs: 0, backNs: 0 };
    assert.deepEqual(estimateClockOffset([probeOf(oneWay, 0)]), {
      aheadNs: 500,
      errorBoundNs: 500,
    });
  });

  test("more probes only tighten it", () => {
    fc.assert(
      fc.property(exchanges, exchanges, aheadNs, (some, more, ahead) => {
        const probes = some.map((one) => probeOf(one, ahead));
        const extended = [...probes, ...more.map((one) => probeOf(one, ahead))];
        const before = estimateClockOffset(probes).errorBoundNs;
        assert.ok(estimateClockOffset(extended).errorBoundNs <= before);
      }),
    );
  });

  test("needs a probe", () => {
    assert.throws(() => estimateClockOffset([]), /at least one probe/);
  });
});
