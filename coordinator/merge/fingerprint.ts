import type { Interval } from "../../shared/measurement/interval.ts";
import type { IntervalReport } from "../../shared/measurement/report.ts";
import { KeyMixer } from "../../shared/random/key-mixer.ts";

/**
 * Enough of a report to tell two apart that carry the same key: its counts, and what its histograms add up to, as a
 * number of 53 bits. Thousands are remembered of each agent.
 */
export function fingerprintOf(report: IntervalReport): number {
  const { httpErrors, ...counts } = report.totals;
  return hashOf([
    report.sealedUntilNs,
    report.open,
    ...Object.values(counts),
    ...[...httpErrors].flat(),
    ...report.deltas.flatMap(digestOf),
  ]);
}

function digestOf({ segment, fromNs, classes }: Interval): readonly number[] {
  let count = 0;
  let sum = 0;
  for (const metrics of classes.values())
    for (const histogram of metrics.values()) {
      count += histogram.count;
      sum += histogram.sum;
    }
  return [segment, fromNs, count, sum];
}

function hashOf(values: readonly number[]): number {
  const pair = new Float64Array(2);
  const words = new Int32Array(pair.buffer);
  const mixer = new KeyMixer();
  for (let at = 0; at < values.length; at += 2) {
    pair[0] = values[at] ?? 0;
    pair[1] = values[at + 1] ?? 0;
    mixer.absorb([words[0] ?? 0, words[1] ?? 0, words[2] ?? 0, words[3] ?? 0]);
  }
  const [high, low] = mixer.finish();
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}
