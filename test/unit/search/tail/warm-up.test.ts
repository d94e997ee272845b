import assert from "node:assert/strict";
import { test } from "node:test";
import type { WindowObserved } from "../../../../coordinator/search/procedure.ts";
import { isCooling } from "../../../../coordinator/search/tail/warm-up-step.ts";

/** Seconds in which `requests` first tokens took a mean of so many ms each. */
function windowOf(
  meansMs: readonly number[],
  requests = 10,
): Pick<WindowObserved, "seconds" | "e2eMeanS" | "e2eSdS"> {
  const seconds = meansMs.map((meanMs, k) => ({
    fromS: k,
    toS: k + 1,
    scheduled: requests,
    sent: requests,
    firstTokens: requests,
    completed: requests,
    completedOk: requests,
    waitingEnd: 0,
    inFlightEnd: 0,
    waitingIntegralS: (requests * meanMs) / 1000,
    inFlightIntegralS: (requests * meanMs) / 1000,
  }));
  return { seconds, e2eMeanS: 0.1, e2eSdS: 0.05 };
}

test("first tokens that come twice as fast as before show a cold service", () => {
  assert.equal(isCooling(windowOf([400, 400, 150, 150]), 2), true);
});

test("a steady service, or one that chance makes look a little faster, is warm", () => {
  assert.equal(isCooling(windowOf([100, 100, 100, 100]), 2), false);
  assert.equal(isCooling(windowOf([110, 110, 100, 100]), 2), false);
});

test("one window alone does not tell", () => {
  assert.equal(isCooling(windowOf([100, 100]), 2), true);
});
