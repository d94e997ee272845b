import type { Slo } from "../../shared/slo/slo.ts";
import type { Plan, RunLoad, RunProfile, SweepLoad } from "../plan/plan.ts";
import { bisectProcedure } from "../search/bisect.ts";
import { fixedProcedure } from "../search/fixed-list.ts";
import type { Procedure, SearchOptions, SegmentRequest } from "../search/procedure.ts";
import { sweepProcedure, type SweepState } from "../search/sweep.ts";
import { tailProcedure } from "../search/tail.ts";
import { alternated } from "./alternated.ts";
import { countedClauses } from "./counted-clauses.ts";

/** A window that ends by its count of requests has no length of its own; closed modes need a bound all the same. */
const COUNTED_WINDOW_MAX_S = 3_600;

/** What the streams of a sweep's full load may take to end, s. */
const SWEEP_DRAIN_MAX_S = 120;

/** What decides a plan's segments. The state is opaque to whoever drives it. */
export function procedureOf(plan: Plan, slo: Slo, cleanRatePerSecond?: number): Procedure<unknown> {
  const thresholds = countedClauses(slo).map((clause) => clause.thresholds);
  const { load } = plan;
  if (load.kind === "find") {
    const options: SearchOptions = {
      slo,
      thresholds,
      rateMinPerSecond: load.rateMinPerSecond,
      rateMaxPerSecond: load.rateMaxPerSecond,
      precisionFraction: load.precisionFraction,
      confidence: load.confidence,
      timeBudgetS: load.timeBudgetS,
      cleanRatePerSecond,
      quick: load.quick,
      confirm: load.confirm,
    };
    return load.method === "tail"
      ? opaque(tailProcedure(options))
      : opaque(bisectProcedure(options));
  }
  if (load.kind === "sweep") return opaque(sweepOf(load, { slo, thresholds }));
  const requests = requestsOf(load);
  const segments = plan.against === undefined ? requests : alternated(requests, plan.against.pairs);
  return opaque(fixedProcedure({ segments, slo, thresholds }));
}

function sweepOf(
  { points, durationS, warmupS, streams }: SweepLoad,
  judging: { readonly slo: Slo; readonly thresholds: readonly (readonly number[])[] },
): Procedure<SweepState> {
  return sweepProcedure({
    ...judging,
    points,
    durationS,
    warmupS,
    streams,
    drainMaxS: SWEEP_DRAIN_MAX_S,
  });
}

/** The only place where a procedure's own state type is forgotten: a driver only hands it back. */
function opaque<State>(procedure: Procedure<State>): Procedure<unknown> {
  return {
    begin: () => procedure.begin(),
    advance: (state, observation) => procedure.advance(state as State, observation),
  };
}

/** One measured window for each rate or number of streams. */
function requestsOf(load: RunLoad): readonly SegmentRequest[] {
  const { until } = load;
  return modesOf(load.profile).map((mode) => ({
    purpose: "measure",
    mode,
    settleS: load.warmupS,
    recordS: until.kind === "duration" ? until.durationS : COUNTED_WINDOW_MAX_S,
    requestsMax: until.kind === "requests" ? until.requests : 0,
    ...(load.cooldownS === 0 ? {} : { holdS: load.cooldownS }),
  }));
}

function modesOf(profile: RunProfile): readonly SegmentRequest["mode"][] {
  switch (profile.kind) {
    case "rates":
      return profile.ratesPerSecond.map((ratePerSecond) => ({ kind: "open", ratePerSecond }));
    case "concurrency":
      return profile.streams.map((streams) => ({ kind: "closed", streams }));
    case "synchronous":
      return [{ kind: "serial" }];
    case "throughput":
      return [{ kind: "closed", streams: profile.streams }];
  }
}
