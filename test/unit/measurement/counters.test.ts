import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  addCounters,
  conservationProblems,
  type Counters,
  droppedCount,
  failedCount,
  zeroCounters,
} from "../../../shared/measurement/counters.ts";

const balanced: Counters = {
  scheduled: 100,
  fired: 80,
  droppedInFlightBound: 5,
  droppedSocket: 4,
  droppedPolicy: 3,
  notOfferedSuperseded: 2,
  notOfferedAborted: 6,
  ok: 50,
  httpErrors: new Map([
    [429, 7],
    [500, 3],
  ]),
  connectErrors: 4,
  streamErrors: 3,
  timeouts: 2,
  censored: 1,
};
const OPEN = 10;

describe("the conservation law", () => {
  test("holds for balanced books, and for none", () => {
    assert.deepEqual(conservationProblems(balanced, OPEN), []);
    assert.deepEqual(conservationProblems(zeroCounters(), 0), []);
  });

  const names = Object.keys(balanced).filter((name) => name !== "httpErrors");
  for (const name of names as Exclude<keyof Counters, "httpErrors">[]) {
    test(`notices one lost or invented "${name}"`, () => {
      for (const change of [1, -1]) {
        const broken = { ...balanced, [name]: balanced[name] + change };
        assert.notDeepEqual(conservationProblems(broken, OPEN), []);
      }
    });
  }

  test("notices a lost HTTP error and a lost open request, and says how many there are", () => {
    const broken = { ...balanced, httpErrors: new Map([[429, 9]]) };
    assert.match(
      conservationProblems(broken, OPEN).join(),
      /80 requests were fired, but 50 ended well, 18/,
    );
    assert.match(conservationProblems(balanced, 9).join(), /9 are open/);
  });

  test("is not fooled by counts that cancel out", () => {
    const broken = { ...balanced, droppedSocket: -4, droppedPolicy: 11 };
    assert.match(
      conservationProblems(broken, OPEN).join(),
      /droppedSocket is -4, which is no count/,
    );
    const halves = { ...balanced, ok: 50.5, timeouts: 1.5 };
    assert.equal(conservationProblems(halves, OPEN).length, 2);
  });
});

test("counters add up entry by entry and status by status", () => {
  const other = {
    ...zeroCounters(),
    scheduled: 3,
    ok: 1,
    httpErrors: new Map([
      [429, 1],
      [503, 1],
    ]),
  };
  const sum = addCounters(balanced, other);
  assert.deepEqual(sum, {
    ...balanced,
    scheduled: 103,
    ok: 51,
    httpErrors: new Map([
      [429, 8],
      [500, 3],
      [503, 1],
    ]),
  });
  assert.equal(balanced.httpErrors.get(429), 7, "the addends stay as they were");
  assert.equal(failedCount(balanced), 19);
  assert.equal(droppedCount(balanced), 12);
});
