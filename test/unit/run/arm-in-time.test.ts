import assert from "node:assert/strict";
import { test } from "node:test";
import { armInTime } from "../../../coordinator/run/arm-in-time.ts";
import type { Segment } from "../../../shared/segment/segment.ts";

const MS = 1e6;
const S = 1e9;

interface Arming {
  readonly worstRoundTripNs: number;
  /** How long each attempt takes, ns; the last one's for all that follow. */
  readonly takesNs: readonly number[];
}

/** The leads that were tried, and what came of it. */
async function armed({ worstRoundTripNs, takesNs }: Arming) {
  const leads: number[] = [];
  let nowNs = 0;
  let attempts = 0;
  const result = await armInTime(
    {
      worstRoundTripNs,
      arm: () => {
        nowNs += takesNs[Math.min(attempts, takesNs.length - 1)] ?? 0;
        attempts += 1;
        return Promise.resolve({ windowHash: `hash ${attempts}`, awayIds: [] });
      },
    },
    {
      leadNs: S,
      segmentIn: (leadNs) => {
        leads.push(leadNs);
        return { number: leads.length, startAtNs: nowNs + leadNs } as Segment;
      },
      nowNs: () => nowNs,
      losses: { take: () => Promise.resolve(undefined) },
      onRearm: () => Promise.resolve(),
    },
  );
  return { leads, number: "segment" in result ? result.segment.number : undefined };
}

test("a segment starts a second from now, and 20 of the worst round trips where that is longer", async () => {
  assert.deepEqual((await armed({ worstRoundTripNs: 10 * MS, takesNs: [0] })).leads, [S]);
  assert.deepEqual((await armed({ worstRoundTripNs: 80 * MS, takesNs: [0] })).leads, [1.6 * S]);
});

test("one that agents answer too late is armed anew with twice the lead, four times at most", async () => {
  const twice = await armed({ worstRoundTripNs: 0, takesNs: [0.8 * S, 0.8 * S] });
  assert.deepEqual(twice, { leads: [S, 2 * S], number: 2 });
  const never = await armed({ worstRoundTripNs: 0, takesNs: [60 * S] });
  assert.deepEqual(never, { leads: [S, 2 * S, 4 * S, 8 * S], number: 4 });
});
