import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { type WindowHash, WindowHasher } from "../../../shared/arrivals/window-hash.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { NS_PER_US } from "../../../shared/units.ts";
import { alone, ownedBy, seedArbitrary, segmentArbitrary } from "./support.ts";

interface HashOptions {
  readonly segment: Segment;
  readonly seed: number;
  readonly agentId: string;
  readonly slice?: number;
}

function hashOf({ segment, seed, agentId, slice = 1_000 }: HashOptions): WindowHash {
  const hasher = new WindowHasher({ segment, seed, agentId });
  while (!hasher.step(slice));
  const hash = hasher.result();
  assert.deepEqual(hasher.result(), hash, "asking twice gives the same answer");
  return hash;
}

const recordedOf = (segment: Segment, seed: number, agentId: string) =>
  ownedBy(segment, seed, agentId).filter(
    ({ intendedAtNs }) =>
      intendedAtNs >= segment.recordFromNs && intendedAtNs < segment.recordUntilNs,
  );

test("every agent computes the same hash and total, and what they own adds up to it", () => {
  fc.assert(
    fc.property(segmentArbitrary, seedArbitrary, (segment, seed) => {
      const whole = hashOf({ segment: alone(segment), seed, agentId: "only" });
      assert.equal(whole.ownedCount, whole.totalCount);
      let ownedCount = 0;
      for (const { agentId } of segment.shares) {
        const hash = hashOf({ segment, seed, agentId });
        assert.deepEqual(
          [hash.hashHex, hash.totalCount],
          [whole.hashHex, whole.totalCount],
          agentId,
        );
        assert.equal(hash.ownedCount, recordedOf(segment, seed, agentId).length);
        ownedCount += hash.ownedCount;
      }
      assert.equal(ownedCount, whole.totalCount);
    }),
    { seed: 30_250, numRuns: 100 },
  );
});

test("the size of the slices makes no difference", () => {
  fc.assert(
    fc.property(
      segmentArbitrary,
      seedArbitrary,
      fc.integer({ min: 1, max: 200 }),
      (segment, seed, slice) => {
        const { agentId } = segment.shares[0]!;
        assert.deepEqual(
          hashOf({ segment, seed, agentId, slice }),
          hashOf({ segment, seed, agentId, slice: 1e9 }),
        );
      },
    ),
    { seed: 30_251, numRuns: 60 },
  );
});

test("a slice walks no further than it may", () => {
  fc.assert(
    fc.property(segmentArbitrary, seedArbitrary, fc.nat(50), (segment, seed, extra) => {
      const longest = { ...segment, requestsMax: 100 + extra, endByNs: Number.MAX_SAFE_INTEGER };
      const hasher = new WindowHasher({
        segment: { ...longest, recordFromNs: segment.startAtNs, recordUntilNs: longest.endByNs },
        seed,
        agentId: "agent-0",
      });
      assert.equal(hasher.step(100), false);
      assert.throws(() => hasher.result(), /whole window/);
      assert.equal(hasher.step(100), true);
      assert.equal(hasher.result().totalCount, 100 + extra);
    }),
    { seed: 30_252, numRuns: 20 },
  );
});

/** The hash as its description says it, over the arrivals that one agent alone would own. */
function plainHash(segment: Segment, seed: number): string {
  const sha = createHash("sha256");
  for (const { index, intendedAtNs } of recordedOf(alone(segment), seed, "only")) {
    const words = [index, (intendedAtNs - segment.startAtNs) / NS_PER_US].map(BigInt);
    sha.update(new Uint8Array(BigUint64Array.from(words).buffer));
  }
  return sha.digest("hex");
}

test("the hash is SHA-256 over (index, offset in µs) of the recorded arrivals, as 64 bits each", () => {
  fc.assert(
    fc.property(segmentArbitrary, seedArbitrary, (segment, seed) => {
      const { hashHex } = hashOf({ segment, seed, agentId: segment.shares[0]!.agentId });
      assert.equal(hashHex, plainHash(segment, seed));
    }),
    { seed: 30_253, numRuns: 40 },
  );
});

test("offsets past 2³² µs (71 minutes) are hashed whole", () => {
  const segment: Segment = {
    number: 1,
    mode: { kind: "open", arrivals: { kind: "poisson", ratePerSecond: 0.01 } },
    startAtNs: 0,
    recordFromNs: 5e12,
    recordUntilNs: 1e13,
    endByNs: 1e13,
    requestsMax: 0,
    shares: [{ agentId: "a", capacity: 1 }],
  };
  const { hashHex, totalCount } = hashOf({ segment, seed: 1, agentId: "a" });
  assert.ok(totalCount > 10);
  assert.equal(hashHex, plainHash(segment, 1));
});

test("another seed, process or window is another hash", () => {
  const segment: Segment = {
    number: 1,
    mode: { kind: "open", arrivals: { kind: "poisson", ratePerSecond: 100 } },
    startAtNs: 0,
    recordFromNs: 1e9,
    recordUntilNs: 3e9,
    endByNs: 4e9,
    requestsMax: 0,
    shares: [{ agentId: "a", capacity: 1 }],
  };
  const faster: Segment = {
    ...segment,
    mode: { kind: "open", arrivals: { kind: "poisson", ratePerSecond: 101 } },
  };
  const hashes = [
    hashOf({ segment, seed: 1, agentId: "a" }),
    hashOf({ segment, seed: 2, agentId: "a" }),
    hashOf({ segment: faster, seed: 1, agentId: "a" }),
    hashOf({ segment: { ...segment, number: 2 }, seed: 1, agentId: "a" }),
    hashOf({ segment: { ...segment, recordUntilNs: 2.9e9 }, seed: 1, agentId: "a" }),
    hashOf({ segment: { ...segment, recordFromNs: 1.1e9 }, seed: 1, agentId: "a" }),
  ].map(({ hashHex }) => hashHex);
  assert.equal(new Set(hashes).size, hashes.length);
  // Where the segment lies on the run's clock does not matter.
  const later = { ...segment, startAtNs: 5e9, recordFromNs: 6e9, recordUntilNs: 8e9, endByNs: 9e9 };
  assert.equal(hashOf({ segment: later, seed: 1, agentId: "a" }).hashHex, hashes[0]);
});

test("a mode without a schedule is done at once, with an empty hash and no arrivals", () => {
  const hasher = new WindowHasher({
    segment: {
      number: 1,
      mode: { kind: "closed", streams: 4 },
      startAtNs: 0,
      recordFromNs: 0,
      recordUntilNs: 1e9,
      endByNs: 1e9,
      requestsMax: 0,
      shares: [{ agentId: "a", capacity: 1 }],
    },
    seed: 1,
    agentId: "a",
  });
  assert.equal(hasher.step(1), true);
  assert.deepEqual(hasher.result(), { hashHex: "", ownedCount: 0, totalCount: 0 });
});
