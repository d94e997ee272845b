import { GEOMETRY, Histogram } from "../../../shared/measurement/histogram.ts";

/** The same contents as in HdrGolden.java, in ticks. */
export function javaSamples(): ReadonlyMap<string, Histogram> {
  const few = new Histogram(1);
  for (const ticks of [0, 1, 2047, 2048, 4096, 123_456, GEOMETRY.highestTicks]) few.record(ticks);
  few.record(1_000_000, 5_000_000_000);

  const many = new Histogram(1);
  let state = 42n;
  for (let i = 0; i < 20_000; i += 1) {
    state = (state * 1_103_515_245n + 12_345n) % 2_147_483_648n;
    many.record(Number(1000n + (state % (1n + (state % 997_000n)))));
  }
  return new Map([
    ["java-empty.hdr", new Histogram(1)],
    ["java-few.hdr", few],
    ["java-many.hdr", many],
  ]);
}

/** What Loadline writes for Java to read, in ns over ticks of 1 µs. */
export function loadlineSamples(): ReadonlyMap<string, Histogram> {
  const edges = new Histogram(1000);
  for (let power = 0; power <= 31; power += 1) {
    for (const ticks of [2 ** power - 1, 2 ** power, 2 ** power + 1]) edges.record(ticks * 1000);
  }
  edges.record(GEOMETRY.highestTicks * 1000, 3_000_000_000);

  const latencies = new Histogram(1000);
  for (let i = 1; i <= 10_000; i += 1) {
    // Quantiles of a log-normal-like tail, without a random number.
    latencies.record(Math.round(50_000_000 * (i / (10_001 - i)) ** 0.7), 1 + (i % 3));
  }
  return new Map([
    ["loadline-empty.hdr", new Histogram(1000)],
    ["loadline-edges.hdr", edges],
    ["loadline-latencies.hdr", latencies],
  ]);
}
