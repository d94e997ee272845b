import fc from "fast-check";
import type { Arrivals } from "../../../shared/arrivals/arrivals.ts";
import type { Share } from "../../../shared/arrivals/share.ts";
import { agentArrivals } from "../../../shared/arrivals/striped.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";

const rate = fc.double({ min: 0.5, max: 400, noNaN: true });

/** Every arrival process, at rates that give some thousand arrivals at most. */
export const arrivalsArbitrary: fc.Arbitrary<Arrivals> = fc.oneof(
  fc.record({ kind: fc.constant("constant" as const), ratePerSecond: rate }),
  fc.record({ kind: fc.constant("poisson" as const), ratePerSecond: rate }),
  fc.record({
    kind: fc.constant("gamma" as const),
    ratePerSecond: rate,
    coefficientOfVariation: fc.double({ min: 0.1, max: 6, noNaN: true }),
  }),
  fc.record({
    kind: fc.constant("ramp" as const),
    fromRatePerSecond: fc.oneof(fc.constant(0), rate),
    toRatePerSecond: fc.oneof(rate, fc.constant(1)),
    durationNs: fc.integer({ min: 1, max: 8 * NS_PER_SECOND }),
  }),
);

/** Up to 12 agents of any capacities, zeros too. */
export const sharesArbitrary: fc.Arbitrary<Share[]> = fc
  .array(fc.nat(9), { minLength: 1, maxLength: 12 })
  .filter((capacities) => capacities.some((capacity) => capacity > 0))
  .map((capacities) =>
    capacities.map((capacity, place) => ({ agentId: `agent-${place}`, capacity })),
  );

export const seedArbitrary = fc.maxSafeNat();

/** An open segment of at most 8 s, its instants in order; about half of them bounded by `requestsMax`. */
export const segmentArbitrary: fc.Arbitrary<Segment> = fc
  .record({
    arrivals: arrivalsArbitrary,
    shares: sharesArbitrary,
    number: fc.integer({ min: 1, max: 1_000 }),
    startAtNs: fc.nat(1e12),
    lengthsNs: fc.tuple(fc.nat(2e9), fc.nat(4e9), fc.integer({ min: 1, max: 2e9 })),
    requestsMax: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 600 })),
  })
  .map(({ arrivals, shares, number, startAtNs, lengthsNs, requestsMax }) => {
    const recordFromNs = startAtNs + lengthsNs[0];
    const recordUntilNs = recordFromNs + lengthsNs[1];
    return {
      number,
      mode: { kind: "open", arrivals },
      startAtNs,
      recordFromNs,
      recordUntilNs,
      endByNs: recordUntilNs + lengthsNs[2],
      requestsMax,
      shares,
    };
  });

export interface Arrival {
  readonly index: number;
  readonly intendedAtNs: number;
}

/** All arrivals of one agent. */
export function ownedBy(segment: Segment, seed: number, agentId: string): Arrival[] {
  const walk = agentArrivals({ segment, seed, agentId });
  const owned: Arrival[] = [];
  while (walk.next()) owned.push({ index: walk.index, intendedAtNs: walk.intendedAtNs });
  return owned;
}

export const alone = (segment: Segment): Segment => ({
  ...segment,
  shares: [{ agentId: "only", capacity: 1 }],
});
