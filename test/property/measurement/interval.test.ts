import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Counters, zeroCounters } from "../../../shared/measurement/counters.ts";
import { Histogram } from "../../../shared/measurement/histogram.ts";
import {
  EXCEEDANCES_MAX,
  type Interval,
  IntervalAccumulator,
  intervalProblems,
  mergeIntervals,
  sumIntervals,
  ZERO_ACTIVITY,
  zeroInterval,
} from "../../../shared/measurement/interval.ts";
import type { Metric } from "../../../shared/measurement/metric.ts";

const THRESHOLD_COUNTS = [8, 4, 1];
const SECOND = 1_000_000_000;
const key = { segment: 3, fromNs: 0, toNs: SECOND, recorded: true };

const counters: fc.Arbitrary<Counters> = fc
  .record({
    counts: fc.array(fc.nat(1000), { minLength: 12, maxLength: 12 }),
    status: fc.constantFrom(404, 429, 500),
  })
  .map(({ counts, status }) => {
    const names = Object.keys(zeroCounters()).filter((name) => name !== "httpErrors");
    const drawn = Object.fromEntries(names.map((name, place) => [name, counts[place]]));
    return { ...zeroCounters(), ...drawn, httpErrors: new Map([[status, counts[0]! + 1]]) };
  });

const histogram = fc.array(fc.nat(10 ** 10), { minLength: 1, maxLength: 10 }).map((values) => {
  const made = new Histogram(1000);
  for (const value of values) made.record(value);
  return made;
});

const classes = fc
  .array(
    fc.tuple(fc.constantFrom("chat", "rag"), fc.constantFrom<Metric>("ttft", "gap"), histogram),
    {
      maxLength: 4,
    },
  )
  .map((entries) => {
    const byClass = new Map<string, Map<Metric, Histogram>>();
    for (const [className, metric, values] of entries) {
      const metrics = byClass.get(className) ?? new Map<Metric, Histogram>();
      byClass.set(className, metrics.set(metric, values));
    }
    return byClass;
  });

const clauses = fc.tuple(
  ...THRESHOLD_COUNTS.map((length) =>
    fc
      .tuple(fc.nat(500), fc.array(fc.nat(50), { minLength: length, maxLength: length }))
      .map(([total, over]) => ({ total, over })),
  ),
);

const exceedance = fc
  .record({ index: fc.nat(30), clause: fc.nat(2), level: fc.nat(7) })
  .map((drawn) => ({ ...drawn, intendedAtNs: drawn.index * 1000 }));

/** Integrals in eighths, so that their sums are exact in any order. */
const activity = fc
  .array(fc.nat(1000), { minLength: 13, maxLength: 13 })
  .map((numbers) =>
    Object.fromEntries(
      Object.keys(ZERO_ACTIVITY).map((name, place) => [name, numbers[place]! / 8]),
    ),
  )
  .map((drawn) => ({ ...ZERO_ACTIVITY, ...drawn }));

const interval: fc.Arbitrary<Interval> = fc
  .record({
    counters,
    classes,
    clauses,
    exceedances: fc.array(exceedance, { maxLength: 20 }),
    exceedancesCut: fc.nat(5),
    activity,
  })
  .map((parts) => ({ ...key, ...parts }));

describe("intervals of one key", () => {
  test("merge in any order and grouping", () => {
    fc.assert(
      fc.property(interval, interval, interval, (a, b, c) => {
        assert.deepEqual(mergeIntervals(a, b), mergeIntervals(b, a));
        const grouped = mergeIntervals(mergeIntervals(a, b), c);
        assert.deepEqual(mergeIntervals(a, mergeIntervals(b, c)), grouped);
        const accumulator = new IntervalAccumulator(key);
        for (const part of [c, a, b]) accumulator.add(part);
        assert.deepEqual(accumulator.snapshot(), grouped);
      }),
    );
  });

  test("the zero interval changes nothing", () => {
    fc.assert(
      fc.property(interval, (a) => {
        const once = mergeIntervals(a, zeroInterval(key, THRESHOLD_COUNTS));
        assert.deepEqual(mergeIntervals(once, zeroInterval(key, THRESHOLD_COUNTS)), once);
        assert.deepEqual(once.counters, a.counters);
        assert.deepEqual(once.clauses, a.clauses);
        assert.deepEqual(once.activity, a.activity);
        assert.deepEqual(once.classes, a.classes);
      }),
    );
  });

  test("a snapshot does not change with what is added later, nor do the added ones", () => {
    fc.assert(
      fc.property(interval, interval, (a, b) => {
        const accumulator = new IntervalAccumulator(key);
        accumulator.add(a);
        const before = accumulator.snapshot();
        const countsBefore = [...a.classes.values()].flatMap((m) =>
          [...m.values()].map((h) => h.count),
        );
        accumulator.add(b);
        const alone = new IntervalAccumulator(key);
        alone.add(a);
        assert.deepEqual(before, alone.snapshot());
        const countsAfter = [...a.classes.values()].flatMap((m) =>
          [...m.values()].map((h) => h.count),
        );
        assert.deepEqual(countsAfter, countsBefore);
      }),
    );
  });

  test("each request is listed once per clause, with its highest level, by arrival", () => {
    const at = (index: number, clause: number, level: number) => ({
      index,
      clause,
      level,
      intendedAtNs: index,
    });
    const early = {
      ...zeroInterval(key, []),
      exceedances: [at(5, 0, 1), at(9, 0, 3), at(5, 1, 0)],
    };
    const late = { ...zeroInterval(key, []), exceedances: [at(9, 0, 2), at(5, 0, 4), at(1, 1, 0)] };
    assert.deepEqual(mergeIntervals(early, late).exceedances, [
      at(1, 1, 0),
      at(5, 0, 4),
      at(5, 1, 0),
      at(9, 0, 3),
    ]);
  });

  test("exceedances beyond the bound are counted, and those of the earliest arrivals kept", () => {
    const accumulator = new IntervalAccumulator(key);
    for (let agent = 0; agent < 3; agent += 1) {
      const exceedances = Array.from({ length: EXCEEDANCES_MAX }, (_, i) => ({
        index: i * 3 + agent,
        intendedAtNs: i,
        clause: 0,
        level: 0,
      }));
      accumulator.add({ ...zeroInterval(key, []), exceedances, exceedancesCut: 1 });
    }
    const { exceedances, exceedancesCut } = accumulator.snapshot();
    assert.equal(exceedances.length, EXCEEDANCES_MAX);
    assert.equal(exceedances.at(-1)?.index, EXCEEDANCES_MAX - 1);
    assert.equal(exceedancesCut, 2 * EXCEEDANCES_MAX + 3);
  });

  test("other keys and other clauses do not merge", () => {
    const zero = zeroInterval(key, [1]);
    for (const other of [{ segment: 4 }, { fromNs: 1 }, { toNs: 2 }, { recorded: false }]) {
      assert.throws(() => mergeIntervals(zero, { ...zero, ...other }), /same key/);
    }
    assert.throws(() => mergeIntervals(zero, zeroInterval(key, [2])), /same thresholds/);
    assert.throws(() => mergeIntervals(zero, zeroInterval(key, [1, 1])), /same clauses/);
  });
});

describe("totals over a window", () => {
  const windowOf = (parts: readonly Interval[]) =>
    parts.map((part, place) => {
      const second = Math.floor(place / 2);
      return { ...part, fromNs: second * SECOND, toNs: (second + 1) * SECOND };
    });

  test("do not depend on the order of the intervals", () => {
    fc.assert(
      fc.property(
        fc.array(interval, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        (parts, rotation) => {
          const intervals = windowOf(parts);
          const turn = rotation % intervals.length;
          const turned = [...intervals.slice(turn), ...intervals.slice(0, turn)];
          assert.deepEqual(sumIntervals(turned), sumIntervals(intervals));
          assert.deepEqual(sumIntervals(intervals.toReversed()), sumIntervals(intervals));
        },
      ),
    );
  });

  test("add counts and integrals, and take maxima and last states over time, sums over agents", () => {
    const at = (fromNs: number, inFlightMax: number, inFlightEnd: number): Interval => ({
      ...zeroInterval({ ...key, fromNs, toNs: fromNs + SECOND }, [1]),
      activity: {
        ...ZERO_ACTIVITY,
        sent: 10,
        inFlightIntegralS: 2.5,
        inFlightMax,
        inFlightEnd,
        waitingEnd: inFlightEnd - 1,
      },
    });
    const total = sumIntervals([at(SECOND, 2, 1), at(0, 5, 4), at(0, 6, 3), at(SECOND, 4, 2)]);
    assert.deepEqual(total?.activity, {
      ...ZERO_ACTIVITY,
      sent: 40,
      inFlightIntegralS: 10,
      inFlightMax: 11,
      inFlightEnd: 3,
      waitingEnd: 1,
    });
    assert.deepEqual([total.fromNs, total.toNs, total.recorded], [0, 2 * SECOND, true]);
  });

  test("of nothing are nothing, and of two segments a mistake", () => {
    assert.equal(sumIntervals([]), undefined);
    const zero = zeroInterval(key, []);
    assert.throws(() => sumIntervals([zero, { ...zero, segment: 4 }]), /one segment/);
  });

  test("are recorded only if every part is", () => {
    const zero = zeroInterval(key, []);
    assert.equal(sumIntervals([zero, { ...zero, recorded: false }])?.recorded, false);
  });
});

test("an interval from elsewhere that cannot be merged says why", () => {
  assert.deepEqual(intervalProblems(zeroInterval(key, [8, 4]), [8, 4]), []);
  assert.match(
    intervalProblems(zeroInterval(key, [8]), [8, 4]).join(),
    /count 8 thresholds, not 8,4/,
  );
  const backwards = zeroInterval({ ...key, toNs: 0 }, []);
  assert.match(intervalProblems(backwards, []).join(), /ends before it begins/);
});
