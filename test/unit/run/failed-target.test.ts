import assert from "node:assert/strict";
import { test } from "node:test";
import { hasFailedTarget } from "../../../coordinator/run/failed-target.ts";
import type { ProbeView } from "../../../coordinator/show/result.ts";
import { counts, found } from "../../golden/show/results.ts";

function windows(target: readonly number[], other: readonly number[]): readonly ProbeView[] {
  const [like] = found.probes;
  assert.ok(like !== undefined);
  const of = (ok: number, isOther: boolean): ProbeView => ({
    ...like,
    ...(isOther ? { against: true } : {}),
    countsByOutcome: counts({ scheduled: 100, fired: 100, ok }),
  });
  return [...target.map((ok) => of(ok, false)), ...other.map((ok) => of(ok, true))];
}

test("an endpoint that answers does not hide another that does not", () => {
  assert.equal(hasFailedTarget(windows([100, 100], [0, 0]), true), true);
  assert.equal(hasFailedTarget(windows([100, 100], [0, 1]), true), false, "the SLO judges it");
  assert.equal(hasFailedTarget(windows([100, 100], [0, 90]), false), true, "without one, half");
  assert.equal(hasFailedTarget(windows([0, 90], [100, 100]), false), true);
  assert.equal(hasFailedTarget(windows([100, 0], [0, 100]), false), false);
});

test("with one endpoint it is that one", () => {
  assert.equal(hasFailedTarget(windows([10, 80], []), false), true);
  assert.equal(hasFailedTarget(windows([10, 95], []), false), false);
  assert.equal(hasFailedTarget([], false), false);
});
