import assert from "node:assert/strict";
import { test } from "node:test";
import { type FleetMeasured, verify } from "../../../coordinator/calibrate/verification.ts";

const PROMISED = { delayS: 10, averageReplicas: 2, lagErrorS: 1 };
const GOOD: FleetMeasured = {
  slo: "met",
  attainment: 0.99,
  averageReplicas: 2,
  seenFraction: 1,
  isGrowthAsked: true,
  isGrowthSeen: true,
  longestLag: { lagS: 11, hasEnded: true },
  possibleLag: { lagS: 11, unseenS: 0 },
};

test("an SLO that held, with replicas in time and as many as planned, passes", () => {
  const { verdict, score } = verify(GOOD, PROMISED);
  assert.equal(verdict, "met");
  assert.equal(score, 1.98);
});

const BROKEN: readonly (readonly [string, Partial<FleetMeasured>, RegExp])[] = [
  ["a lost SLO", { slo: "violated" }, /SLO does not hold/],
  ["a late replica", { longestLag: { lagS: 11.5, hasEnded: true } }, /missing for 12 s/],
  ["a replica that never came", { longestLag: { lagS: 30, hasEnded: false } }, /at least 30 s/],
  ["a fleet too large", { averageReplicas: 3.1 }, /3\.1 replicas on average/],
];
for (const [name, change, reason] of BROKEN)
  test(`${name} fails, though much else is not known`, () => {
    const { verdict, reasons } = verify({ ...GOOD, isGrowthAsked: false, ...change }, PROMISED);
    assert.equal(verdict, "violated");
    assert.equal(reasons.length, 1);
    assert.match(reasons.join(), reason);
  });

const UNKNOWN: readonly (readonly [string, Partial<FleetMeasured>, RegExp])[] = [
  ["an SLO not decided", { slo: "undecided" }, /too few requests/],
  ["a fleet seen in part, however large", { seenFraction: 0.89, averageReplicas: 9 }, /89 %/],
  ["a fleet never seen", { averageReplicas: undefined }, /were seen in/],
  ["a load that asks for no replica", { isGrowthAsked: false }, /never asked/],
  ["a lag not looked at", { possibleLag: { lagS: 13, unseenS: 7 } }, /up to 13 s.* 7 s of it/],
  [
    "an end within D",
    { isGrowthSeen: false, longestLag: { lagS: 5, hasEnded: false } },
    /5 s into a shortage/,
  ],
];
for (const [name, change, reason] of UNKNOWN)
  test(`${name} is inconclusive`, () => {
    const { verdict, reasons } = verify({ ...GOOD, ...change }, PROMISED);
    assert.equal(verdict, "undecided");
    assert.equal(reasons.length, 1);
    assert.match(reasons.join(), reason);
  });
