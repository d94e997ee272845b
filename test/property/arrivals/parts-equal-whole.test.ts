import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openSchedule } from "../../../shared/arrivals/schedule.ts";
import { agentArrivals } from "../../../shared/arrivals/striped.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { alone, ownedBy, seedArbitrary, segmentArbitrary } from "./support.ts";

test("the shares of any agents add up to exactly the schedule of one agent", () => {
  fc.assert(
    fc.property(segmentArbitrary, seedArbitrary, (segment, seed) => {
      const parts = segment.shares.map(({ agentId }) => ownedBy(segment, seed, agentId));
      const merged = parts.flat().sort((a, b) => a.index - b.index);
      assert.deepEqual(merged, ownedBy(alone(segment), seed, "only"));
    }),
    { seed: 20_250, numRuns: 200 },
  );
});

test("one agent's schedule is the process itself, cut at the segment's end and at requestsMax", () => {
  fc.assert(
    fc.property(segmentArbitrary, seedArbitrary, (segment, seed) => {
      assert.ok(segment.mode.kind === "open");
      const schedule = openSchedule(segment.mode.arrivals, { seed, segment: segment.number });
      const expected = [];
      for (let index = 0; segment.requestsMax === 0 || index < segment.requestsMax; index++) {
        const intendedAtNs = segment.startAtNs + schedule.nextAtNs();
        if (intendedAtNs >= segment.endByNs) break;
        expected.push({ index, intendedAtNs });
      }
      assert.deepEqual(ownedBy(alone(segment), seed, "only"), expected);
    }),
    { seed: 20_251, numRuns: 100 },
  );
});

test("an arrival at the very end of a segment is not of it", () => {
  const second = 1_000_000_000;
  const segment: Segment = {
    number: 1,
    mode: { kind: "open", arrivals: { kind: "constant", ratePerSecond: 2 } },
    ...{ startAtNs: second, recordFromNs: second, recordUntilNs: 3 * second, endByNs: 3 * second },
    requestsMax: 0,
    shares: [{ agentId: "only", capacity: 1 }],
  };
  const instants = ownedBy(segment, 1, "only").map(({ intendedAtNs }) => intendedAtNs / second);
  const whole = ownedBy({ ...segment, endByNs: 3 * second + 1 }, 1, "only");
  assert.equal(whole.at(-1)?.intendedAtNs, 3 * second, "the schedule has one there");
  assert.equal(whole.length, instants.length + 1);
  assert.ok(Math.max(...instants) < 3);
});

test("an agent's part depends on no other agent's name, and an agent without a share owns nothing", () => {
  fc.assert(
    fc.property(segmentArbitrary, seedArbitrary, (segment, seed) => {
      const renamed = segment.shares.map((share, place) =>
        place === 0 ? share : { ...share, agentId: `other-${place}` },
      );
      const first = segment.shares[0]!.agentId;
      assert.deepEqual(
        ownedBy({ ...segment, shares: renamed }, seed, first),
        ownedBy(segment, seed, first),
      );
      assert.deepEqual(ownedBy(segment, seed, "stranger"), []);
    }),
    { seed: 20_252, numRuns: 50 },
  );
});

test("a walk that is over stays over, and a mode without a schedule has no arrivals", () => {
  fc.assert(
    fc.property(segmentArbitrary, seedArbitrary, (segment, seed) => {
      const agentId = segment.shares[0]!.agentId;
      const walk = agentArrivals({ segment, seed, agentId });
      while (walk.next());
      const { index, intendedAtNs } = walk;
      assert.deepEqual([walk.next(), walk.next()], [false, false]);
      assert.deepEqual([walk.index, walk.intendedAtNs], [index, intendedAtNs]);
      assert.deepEqual(ownedBy({ ...segment, mode: { kind: "idle" } }, seed, agentId), []);
    }),
    { seed: 20_253, numRuns: 50 },
  );
});
