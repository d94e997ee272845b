import { type Ratio, ratioOf, type RateInterval } from "../../coordinator/compare/ratio.ts";
import { tailProcedure } from "../../coordinator/search/tail.ts";
import { mmc, type SearchQueue } from "./search-queues.ts";
import { runInVirtualTime } from "./virtual-queue.ts";

/** Two servers and how they are searched. */
export interface ComparedServers {
  readonly baseline: SearchQueue;
  readonly candidate: SearchQueue;
  readonly timeBudgetS: number;
  readonly rateMinPerSecond?: number;
}

/** The server of `npm start`, and one whose slots are faster by a factor. */
export function fastServers(factor: number): ComparedServers {
  const limit = { slots: 16, limitS: 0.5 };
  return {
    baseline: mmc("M/M/16", { ...limit, mu: 1 / 0.06 }),
    candidate: mmc(`M/M/16 × ${factor}`, { ...limit, mu: factor / 0.06 }),
    timeBudgetS: 45,
    rateMinPerSecond: 60,
  };
}

/** The same with a quarter of the slots, on the whole budget. */
export function slowServers(factor: number): ComparedServers {
  const limit = { slots: 4, limitS: 1 };
  return {
    baseline: mmc("M/M/4", { ...limit, mu: 10 }),
    candidate: mmc(`M/M/4 × ${factor}`, { ...limit, mu: 10 * factor }),
    timeBudgetS: 300,
  };
}

/**
 * Searches both with the same arrivals, as runs of one seed have them, on servers whose luck is their own. Undefined
 * where a search has no answer.
 */
export function comparedSearches(servers: ComparedServers, seed: number): Ratio | undefined {
  const baseline = searched(servers, servers.baseline, { seed, luck: 2 * seed });
  const candidate = searched(servers, servers.candidate, { seed, luck: 2 * seed + 1 });
  return baseline === undefined || candidate === undefined
    ? undefined
    : ratioOf(candidate, baseline);
}

function searched(
  { timeBudgetS, rateMinPerSecond }: ComparedServers,
  queue: SearchQueue,
  { seed, luck }: { readonly seed: number; readonly luck: number },
): RateInterval | undefined {
  const counted = {
    slo: queue.clauses.map(({ clause }) => clause),
    thresholds: queue.clauses.map(({ thresholds }) => thresholds),
  };
  const isLocal = timeBudgetS < 100;
  const { decision } = runInVirtualTime({
    ...counted,
    procedure: tailProcedure({
      ...counted,
      rateMinPerSecond,
      rateMaxPerSecond: undefined,
      // Narrower than can be reached, so that the whole budget is used.
      precisionFraction: 0.005,
      confidence: 0.95,
      timeBudgetS,
    }),
    server: queue.server(luck * 7919),
    seed: seed * 104_729,
    sealDelayS: isLocal ? 0.6 : 1.7,
    armS: isLocal ? 0.4 : 1.3,
  });
  if (decision.kind !== "found") return undefined;
  const { ratePerSecond, lowPerSecond, highPerSecond } = decision.answer;
  return { value: ratePerSecond, low: lowPerSecond, high: highPerSecond ?? null };
}
