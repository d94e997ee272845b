import { bisectProcedure } from "../coordinator/search/bisect.ts";
import {
  countsOf,
  judgeCounted,
  looksAfter,
  LOOKS_MAX,
} from "../coordinator/search/one-rate-verdict.ts";
import { decidedSOf } from "../coordinator/search/one-rate-verdict.ts";
import { overloadOf } from "../coordinator/search/overload.ts";
import type {
  MaxRate,
  Observation,
  Procedure,
  SearchOptions,
  SegmentRequest,
  Step,
} from "../coordinator/search/procedure.ts";
import { tailProcedure } from "../coordinator/search/tail.ts";

export const METHODS = ["tail", "bisect", "sweep"] as const;
export type Method = (typeof METHODS)[number];

export function procedureOf(method: Method, options: SearchOptions): Procedure<unknown> {
  switch (method) {
    case "tail":
      return opaque(tailProcedure(options));
    case "bisect":
      return opaque(bisectProcedure(options));
    case "sweep":
      return opaque(sweepProcedure(options));
  }
}

function opaque<State>(procedure: Procedure<State>): Procedure<unknown> {
  return {
    begin: () => procedure.begin(),
    advance: (state, observation) => procedure.advance(state as State, observation),
  };
}

const SWEEP_WINDOWS = 10;
const SWEEP_WINDOW_S = 60;
const SWEEP_STREAMS = 512;

interface SweepState {
  readonly decidedSegment: number;
  /** One request at a time, then as many as will go: the rates between are spread evenly over them. */
  readonly lowestPerSecond: number;
  readonly highestPerSecond: number;
  readonly windows: readonly { readonly ratePerSecond: number; readonly logExcess: number }[];
}

/**
 * What a sweep finds: 60 s at each of ten loads, as GuideLLM has them, and the rate at which the logarithm of the part
 * over the limit, interpolated between them, meets the allowed one. It has no interval.
 */
function sweepProcedure(options: SearchOptions): Procedure<SweepState> {
  const request = (mode: SegmentRequest["mode"]): SegmentRequest => ({
    purpose: "measure",
    mode,
    settleS: 0,
    recordS: SWEEP_WINDOW_S,
    requestsMax: 0,
  });
  const next = (state: SweepState): Step<SweepState> => {
    const done = state.windows.length;
    const { lowestPerSecond: low, highestPerSecond: high } = state;
    if (done === SWEEP_WINDOWS - 2) {
      return {
        state,
        decision: { kind: "found", answer: readOf(state, options) },
        judged: undefined,
      };
    }
    const ratePerSecond = low + ((high - low) * (done + 1)) / (SWEEP_WINDOWS - 2);
    return {
      state,
      decision: { kind: "next", request: request({ kind: "open", ratePerSecond }) },
      judged: undefined,
    };
  };
  const nothing = { decidedSegment: 0, lowestPerSecond: 0, highestPerSecond: 0, windows: [] };
  return {
    begin: () => ({
      state: nothing,
      decision: { kind: "next", request: request({ kind: "serial" }) },
      judged: undefined,
    }),
    advance(state, observation) {
      const isOver = observation.final && observation.seconds.at(-1)?.inFlightEnd === 0;
      if (observation.segment <= state.decidedSegment || !isOver) {
        return { state, decision: { kind: "go-on" }, judged: undefined };
      }
      const decided = { ...state, decidedSegment: observation.segment };
      const perSecond = observation.fired / observation.recordedS;
      const { mode } = observation.request;
      if (mode.kind === "serial") {
        const closed = request({ kind: "closed", streams: SWEEP_STREAMS });
        return {
          state: { ...decided, lowestPerSecond: perSecond },
          decision: { kind: "next", request: closed },
          judged: undefined,
        };
      }
      if (mode.kind !== "open")
        return next({ ...decided, highestPerSecond: completedPerSecond(observation) });
      const logExcess = logExcessOf(options, observation);
      return next({
        ...decided,
        windows: [...state.windows, { ratePerSecond: mode.ratePerSecond, logExcess }],
      });
    },
  };
}

function completedPerSecond({ seconds }: Observation): number {
  const within = seconds.filter(({ toS }) => toS <= SWEEP_WINDOW_S + 1e-6);
  return within.reduce((sum, { completed }) => sum + completed, 0) / SWEEP_WINDOW_S;
}

/** ln(part over ÷ part allowed) of the worst clause; half a request stands for none. */
function logExcessOf({ slo, thresholds }: SearchOptions, observation: Observation): number {
  return Math.max(
    ...countsOf(slo, thresholds, observation).map(({ tally, limitIndex, allowedFraction }) => {
      const over = Math.max(0.5, tally.over[limitIndex] ?? 0);
      return Math.log(over / Math.max(1, tally.decided[limitIndex] ?? 1) / allowedFraction);
    }),
  );
}

function readOf({ windows, lowestPerSecond }: SweepState, options: SearchOptions): MaxRate {
  const failing = windows.findIndex(({ logExcess }) => logExcess > 0);
  const above = windows[failing];
  const below = windows[failing - 1] ?? { ratePerSecond: lowestPerSecond, logExcess: -3 };
  const ratePerSecond =
    above === undefined
      ? (windows.at(-1)?.ratePerSecond ?? 0)
      : below.ratePerSecond +
        ((above.ratePerSecond - below.ratePerSecond) * -below.logExcess) /
          (above.logExcess - below.logExcess);
  return {
    ratePerSecond,
    lowPerSecond: ratePerSecond,
    highPerSecond: ratePerSecond,
    confidence: options.confidence,
    method: "bisect",
    boundBy: undefined,
    limitedBy: "server",
    evidence: { requestsNear: 0, overCount: 0, clumpFactor: 1 },
    notes: [],
  };
}

interface OneRateState {
  readonly looks: number;
}

/** One window at one rate, judged as each probe of a bisection is. */
export function oneRateProcedure(
  options: SearchOptions,
  { ratePerSecond, settleS }: { readonly ratePerSecond: number; readonly settleS: number },
): Procedure<OneRateState> {
  return {
    begin: () => ({
      state: { looks: 0 },
      decision: {
        kind: "next",
        request: {
          purpose: "probe",
          mode: { kind: "open", ratePerSecond },
          settleS,
          recordS: 250,
          requestsMax: 0,
        },
      },
      judged: undefined,
    }),
    advance(state, observation) {
      const counts = countsOf(options.slo, options.thresholds, observation);
      const requests = counts[0]?.tally.decided[counts[0].limitIndex] ?? 0;
      const looks = looksAfter(decidedSOf(options.slo, observation), requests);
      const isLast = looks >= LOOKS_MAX || observation.recordedS >= 250 - 1e-6;
      const window = judgeCounted(counts, isLast || looks > state.looks);
      const limitS = (options.slo[0]?.kind === "quantile" ? options.slo[0].limit : 1e9) / 1e9;
      const overload = overloadOf(observation, {
        ratePerSecond,
        previousRatePerSecond: 0,
        unloadedFirstTokenS: 0,
        limitS,
        overCount: counts[0]?.tally.over[counts[0].limitIndex] ?? 0,
      });
      const verdict = overload === undefined ? window.verdict : "violated";
      if (verdict === "undecided" && !isLast) {
        return { state: { looks }, decision: { kind: "go-on" }, judged: undefined };
      }
      return {
        state: { looks },
        decision: { kind: "finished" },
        judged: { segment: observation.segment, verdict, reason: window.reason },
      };
    },
  };
}
