import assert from "node:assert/strict";
import { test } from "node:test";
import type { Estimate } from "../../../../coordinator/search/tail/estimate.ts";
import { driftOf, inversionOf, newerHalf } from "../../../../coordinator/search/tail/drift.ts";
import { blockAt, modelOf } from "../../../support/tail-blocks.ts";

const MODEL = modelOf("ttft", 1);
const ESTIMATE = {
  binding: { model: MODEL, clumpFactor: 1, overAt: () => 0.01 },
} as unknown as Estimate;

function blocksOver(fractions: readonly number[], rates: readonly number[] = []) {
  return fractions.map((fraction, i) =>
    blockAt(rates[i] ?? 35, {
      segment: i,
      startS: 30 * i,
      fractions: MODEL.thresholds.map(() => fraction),
    }),
  );
}

test("a service that becomes slower from block to block drifts", () => {
  const slower = blocksOver([0.002, 0.005, 0.009, 0.012, 0.016, 0.02]);
  assert.match(driftOf(slower, ESTIMATE)!, /became slower/);
  assert.match(
    driftOf(
      slower.map((block) => ({ ...block, startS: -block.startS })),
      ESTIMATE,
    )!,
    /faster/,
  );
});

test("noise around a level is no drift, and few blocks show none", () => {
  assert.equal(driftOf(blocksOver([0.01, 0.013, 0.008, 0.011, 0.009, 0.012]), ESTIMATE), undefined);
  assert.equal(driftOf(blocksOver([0.001, 0.01, 0.02]), ESTIMATE), undefined);
});

test("the newer half keeps everything that is no focus block", () => {
  const ramp = blockAt(20, { kind: "ramp", fractions: [0] });
  const focus = blocksOver([0.01, 0.01, 0.01, 0.01]);
  assert.deepEqual(newerHalf([ramp, ...focus]), [ramp, ...focus.slice(2)]);
});

test("a curve that falls twice is not monotone: the answer lies below the lowest failing rate", () => {
  const rates = [30, 31, 32, 33, 34];
  const blocks = blocksOver([0.001, 0.06, 0.004, 0.08, 0.005], rates);
  const inversion = inversionOf(blocks, ESTIMATE);
  assert.equal(inversion?.ratePerSecond, 30);
  assert.match(inversion.note, /not monotone/);
});

test("a rising curve is monotone, and one inversion is chance", () => {
  const rates = [30, 31, 32, 33];
  assert.equal(inversionOf(blocksOver([0.001, 0.004, 0.01, 0.03], rates), ESTIMATE), undefined);
  assert.equal(inversionOf(blocksOver([0.001, 0.06, 0.004, 0.03], rates), ESTIMATE), undefined);
});
