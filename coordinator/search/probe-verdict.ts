import { assert } from "../../shared/assert.ts";
import type { BisectState, Probe } from "./bisect-state.ts";
import { pooledTally } from "./clause-tally.ts";
import type { RateCounts } from "./clause-verdict.ts";
import { countsOf, judgeCounted, overloadLimitS, type WindowVerdict } from "./one-rate-verdict.ts";
import { overloadOf, saturationOf } from "./overload.ts";
import type { JudgedSegment, Observation, SearchOptions } from "./procedure.ts";

/** What a window of the search shows: its verdict, and signs of overload that need no statistics. */
export interface Seen {
  readonly counts: readonly RateCounts[];
  readonly window: WindowVerdict;
  readonly overload: string | undefined;
  readonly verdict: Probe["verdict"];
}

export interface Sight {
  readonly options: SearchOptions;
  readonly state: BisectState;
  readonly observation: Observation;
}

/** Judges the current window, at a look together with what earlier probes say of it. */
export function see(sight: Sight, look: boolean): Seen {
  const { options, state, observation } = sight;
  const counts = countsOf(options.slo, options.thresholds, observation);
  const window = look ? judgeTogether(counts, state) : judgeCounted(counts, false);
  const overload = overloadOf(observation, {
    ratePerSecond: state.ratePerSecond,
    previousRatePerSecond: state.step === "ramp" ? state.previousRatePerSecond : 0,
    unloadedFirstTokenS: state.unloaded?.firstTokenS ?? 0,
    limitS: overloadLimitS(options.slo),
    overCount: Math.max(0, ...counts.map(overOf)),
  });
  const verdict = overload === undefined ? window.verdict : "violated";
  return { counts, window, overload, verdict };
}

function overOf({ tally, limitIndex }: RateCounts): number {
  return tally.over[limitIndex] ?? 0;
}

/**
 * A window by itself, then with earlier ones that can only make the verdict harder to reach: a service does no worse at
 * a lower rate, so what was counted at higher rates may count for a pass, and at lower ones for a violation. Windows
 * that stayed undecided are not lost that way.
 */
function judgeTogether(counts: readonly RateCounts[], state: BisectState): WindowVerdict {
  const alone = judgeCounted(counts, true);
  if (alone.verdict !== "undecided") return alone;
  const rate = state.ratePerSecond;
  const above = state.probes.filter(
    (probe) => probe.verdict === "undecided" && probe.ratePerSecond >= rate,
  );
  const below = state.probes.filter(
    (probe) => probe.verdict === "undecided" && probe.ratePerSecond <= rate,
  );
  const pass = above.length === 0 ? alone : judgeCounted(withProbes(counts, above), true);
  if (pass.verdict === "met") return pass;
  const fail = below.length === 0 ? alone : judgeCounted(withProbes(counts, below), true);
  return fail.verdict === "violated" ? fail : alone;
}

function withProbes(counts: readonly RateCounts[], probes: readonly Probe[]): RateCounts[] {
  return counts.map((each, clause) => {
    const earlier = probes.flatMap(({ tallies }) => tallies[clause] ?? []);
    return { ...each, tally: pooledTally([each.tally, ...earlier], each.limitIndex) };
  });
}

/** Requests decided under every clause that a request is decided under by its age. */
export function decidedRequests(counts: readonly RateCounts[]): number {
  const byAge = counts.filter(({ hasTail }) => hasTail);
  const relevant = byAge.length > 0 ? byAge : counts;
  return Math.min(...relevant.map(({ tally, limitIndex }) => tally.decided[limitIndex] ?? 0));
}

export function judgedOf({ observation }: Sight, seen: Seen): JudgedSegment {
  const { window, overload, verdict } = seen;
  const reason = overload === undefined ? window.reason : `${overload}; ${window.reason}`;
  return { segment: observation.segment, verdict, reason };
}

/** The state with the window's outcome among its probes. */
export function withProbe(sight: Sight, seen: Seen, verdict: Probe["verdict"]): BisectState {
  const { state, observation } = sight;
  const saturation = seen.overload === undefined ? undefined : saturationOf(observation.seconds);
  return {
    ...state,
    probes: [...state.probes, probeOf(sight, seen, verdict)],
    previousRatePerSecond: state.ratePerSecond,
    saturationPerSecond: saturation ?? state.saturationPerSecond,
    loadedS: loadedS(state, observation),
    voids: state.generatorCeilingPerSecond === null ? 0 : state.voids,
  };
}

function probeOf({ state, observation }: Sight, seen: Seen, verdict: Probe["verdict"]): Probe {
  const { counts, window } = seen;
  const binding = counts[window.bindingClause];
  const judged = window.clauses[window.bindingClause];
  assert(binding !== undefined && judged !== undefined, "an SLO has a clause");
  const { logOver } = judged.evidence;
  return {
    segment: observation.segment,
    ratePerSecond: state.ratePerSecond,
    verdict,
    boundBy: binding.clause.text,
    requests: binding.tally.decided[binding.limitIndex] ?? 0,
    overCount: overOf(binding),
    clumpFactor: judged.evidence.clumpFactor,
    logExcess: logOver === null ? null : logOver.value - Math.log(binding.allowedFraction),
    standardError: logOver?.standardError ?? null,
    tallies: counts.map(({ tally }) => tally),
  };
}

/** An overloaded window's end-to-end time says little of the next one's: no more than a few times the unloaded. */
function loadedS(state: BisectState, { e2eMeanS }: Observation): number {
  const unloadedS = state.unloaded?.endToEndS ?? 0;
  return Math.max(unloadedS, Math.min(e2eMeanS ?? unloadedS, 4 * unloadedS));
}
