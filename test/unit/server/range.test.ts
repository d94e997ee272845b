import assert from "node:assert/strict";
import { test } from "node:test";
import { entriesOfRange, type RangeSeries } from "../../../coordinator/server/range.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import { each } from "./scraped.ts";

/** A gauge of an instance, scraped every 15 s from one instant to another. */
function series(
  instance: string,
  name: string,
  [fromS, untilS]: readonly [number, number],
): RangeSeries {
  const values = each(Math.floor((untilS - fromS) / 15) + 1).map(
    (at) => [fromS + 15 * at, String(at)] as const,
  );
  return { metric: { __name__: name, instance, job: "llm" }, values };
}

const toRunNs = (epochS: number): number => (epochS - 1_000) * NS_PER_SECOND;

test("series of one instance and instant are one scrape, in the order of time", () => {
  const entries = entriesOfRange(
    [
      series("a:8000", "vllm:num_requests_running", [1_000, 1_060]),
      series("a:8000", "vllm:num_requests_waiting", [1_000, 1_060]),
      series("b:8000", "vllm:num_requests_running", [1_007, 1_060]),
    ],
    toRunNs,
  );
  assert.deepEqual(entries[0], {
    kind: "replicas",
    atNs: 0,
    addresses: ["a:8000", "b:8000"],
    intervalS: 15,
  });
  const scrapes = entries.flatMap((entry) => (entry.kind === "scrape" ? [entry] : []));
  assert.deepEqual(
    scrapes.map(({ atNs, replica }) => [atNs / NS_PER_SECOND, replica]),
    [
      [0, "a:8000"],
      [7, "b:8000"],
      [15, "a:8000"],
      [22, "b:8000"],
      [30, "a:8000"],
      [37, "b:8000"],
      [45, "a:8000"],
      [52, "b:8000"],
      [60, "a:8000"],
    ],
  );
  assert.deepEqual([scrapes[2]!.reading.running, scrapes[2]!.reading.waiting], [1, 1]);
  assert.equal(entries.filter(({ kind }) => kind === "replicas").length, 1);
});

test("an instance that comes late or goes early is a change of replicas", () => {
  const entries = entriesOfRange(
    [
      series("a", "vllm:num_requests_running", [1_000, 1_300]),
      series("b", "vllm:num_requests_running", [1_120, 1_300]),
      series("c", "vllm:num_requests_running", [1_000, 1_210]),
    ],
    toRunNs,
  );
  assert.deepEqual(
    entries.flatMap((entry) =>
      entry.kind === "replicas" ? [[entry.atNs / NS_PER_SECOND, entry.addresses.join("")]] : [],
    ),
    [
      [0, "ac"],
      [120, "abc"],
      [210, "ab"],
    ],
  );
});

test("other programs' metrics, and nothing, are no scrapes", () => {
  assert.deepEqual(entriesOfRange([], toRunNs), []);
  const up = entriesOfRange([series("a", "up", [1_000, 1_060])], toRunNs);
  assert.deepEqual(
    up.filter(({ kind }) => kind === "scrape"),
    [],
  );
});
