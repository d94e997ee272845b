import assert from "node:assert/strict";
import { test } from "node:test";
import { ArrivalLog } from "../../../simulator/http/arrival-log.ts";
import type { ArrivalRecord } from "../../../simulator/http/arrival-log.ts";

function arrival(id: number): ArrivalRecord {
  return {
    id,
    marker: "",
    endpoint: "chat",
    stream: true,
    promptTokens: 1,
    outputTokens: 1,
    arrivedAtNs: id,
    arrivedAtWallMs: 0,
    waitingAtArrival: 0,
    tokens: 0,
    status: 0,
    outcome: "open",
  };
}

test("the log in memory keeps the newest, in the order of arrival", () => {
  const log = new ArrivalLog({ entriesMax: 10, file: undefined });
  for (let id = 1; id <= 1000; id++) {
    log.begin(arrival(id));
    assert.ok(log.entries().length <= 10);
  }
  assert.deepEqual(
    log.entries().map((entry) => entry.id),
    [991, 992, 993, 994, 995, 996, 997, 998, 999, 1000],
  );
});
