import assert from "node:assert/strict";
import { test } from "node:test";
import { atLeast, judgeGate, NO_LESS, noWorseThan } from "../../../coordinator/compare/gate.ts";
import type { Ratio } from "../../../coordinator/compare/ratio.ts";
import {
  type ComparedServers,
  comparedSearches,
  fastServers,
} from "../../support/compared-searches.ts";

/** Twenty seeds, and more servers: `npm run bench:compare`, with its figures in docs/compare.md. */
const SEEDS = 5;

function ratios(servers: ComparedServers): readonly Ratio[] {
  return Array.from({ length: SEEDS }, (_, seed) => {
    const ratio = comparedSearches(servers, 70 + seed);
    assert.ok(ratio !== undefined, `seed ${seed} has an answer`);
    return ratio;
  });
}

function coveredCount(found: readonly Ratio[], truth: number): number {
  return found.filter(({ low, high }) => low <= truth && truth <= (high ?? Infinity)).length;
}

test("servers 1.3 times apart: shown to carry more, and the interval holds the truth", () => {
  const servers = fastServers(1.3);
  const truth = servers.candidate.truthPerSecond / servers.baseline.truthPerSecond;
  const found = ratios(servers);
  assert.ok(coveredCount(found, truth) >= SEEDS - 1, JSON.stringify({ truth, found }));
  assert.deepEqual(
    found.map((ratio) => judgeGate(NO_LESS, ratio)),
    Array<string>(SEEDS).fill("met"),
  );
  assert.ok(!found.some((ratio) => judgeGate(atLeast(2), ratio) !== "violated"));
});

test("equal servers: no uplift is made out, and no regression", () => {
  const found = ratios(fastServers(1));
  assert.ok(coveredCount(found, 1) >= SEEDS - 1, JSON.stringify(found));
  const noLess = found.map((ratio) => judgeGate(NO_LESS, ratio));
  assert.ok(noLess.filter((verdict) => verdict === "met").length <= 1, noLess.join(" "));
  const wide = found.map((ratio) => judgeGate(noWorseThan(0.3), ratio));
  assert.ok(!wide.includes("violated"), wide.join(" "));
  assert.ok(wide.filter((verdict) => verdict === "met").length >= SEEDS - 1, wide.join(" "));
});
