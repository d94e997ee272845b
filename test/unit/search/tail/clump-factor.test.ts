import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClauseWindow } from "../../../../coordinator/search/clause-window.ts";
import {
  clumpFactorOf,
  heavyTrafficFactor,
  pooledClumps,
} from "../../../../coordinator/search/tail/clump-factor.ts";
import { clumpSumsOf } from "../../../../coordinator/search/tail/clump-sums.ts";
import { blockAt } from "../../../support/tail-blocks.ts";
import { quantileClause } from "../../../support/virtual-queue.ts";

function windowWith(atS: readonly number[], over = atS.length): ClauseWindow {
  return {
    clause: quantileClause("ttft", 0.99, 1).clause,
    allowedFraction: 0.01,
    thresholds: [1],
    limitIndex: 0,
    decided: [900],
    over: [over],
    exceedances: atS.map((s) => ({ atS: s, level: 0 })),
    limitS: 1,
    hasTail: true,
    ratePerSecond: 36,
    windowS: 25,
    fired: 900,
  };
}

test("crossings less than 1.5 limits apart are one clump", () => {
  // Clumps of 3 and 1: 9 + 1.
  assert.deepEqual(clumpSumsOf(windowWith([1, 2, 3.4, 8]), 0), { squares: 10, sizes: 4 });
});

test("says nothing where half are over, or where not all are listed", () => {
  const nothing = { squares: 0, sizes: 0 };
  assert.deepEqual(clumpSumsOf(windowWith([1, 2, 3], 500), 0), nothing);
  assert.deepEqual(clumpSumsOf(windowWith([1, 2, 3], 20), 0), nothing);
});

test("the heavy-traffic factor is 1 + 2r/(1−r)², within 1.5 and 80", () => {
  assert.equal(heavyTrafficFactor(0), 1.5);
  assert.ok(Math.abs(heavyTrafficFactor(0.8) - 41) < 1e-9);
  assert.equal(heavyTrafficFactor(0.99), 80);
  assert.equal(heavyTrafficFactor(1.5), 80);
});

test("clumps seen take over from the heavy-traffic factor as they grow in number", () => {
  assert.equal(clumpFactorOf({ squares: 0, sizes: 0 }, 0.8), heavyTrafficFactor(0.8));
  const few = clumpFactorOf({ squares: 50, sizes: 10 }, 0.8);
  const many = clumpFactorOf({ squares: 5_000, sizes: 1_000 }, 0.8);
  assert.ok(many < few && few < 41 && many < 6);
  assert.equal(clumpFactorOf({ squares: 1e9, sizes: 1_000 }, 0.8), 120);
});

test("only focus blocks are pooled", () => {
  const focus = blockAt(35, { fractions: [0.1], clumpFactor: 4 });
  const ramp = blockAt(35, { kind: "ramp", fractions: [0.5], clumpFactor: 9 });
  assert.deepEqual(pooledClumps([focus, ramp], 0, 0), { squares: 360, sizes: 90 });
});
