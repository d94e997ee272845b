import type { Clause, Verdict } from "../../shared/slo/slo.ts";
import { binomialCdf, binomialTail } from "./binomial.ts";
import type { ClauseTally } from "./clause-tally.ts";
import { mixtureLogEValue } from "./e-value.ts";
import { fitLogLinear } from "./glm.ts";
import { requestsToRelax } from "./relaxation.ts";

/** One clause at one rate: what was promised, and what was counted. */
export interface RateCounts {
  readonly clause: Clause;
  /** Fraction of requests (or gaps) that the clause allows to be bad; above 0. */
  readonly allowedFraction: number;
  /** The thresholds counted, as multiples of the limit, and the position of the limit itself. */
  readonly thresholds: readonly number[];
  readonly limitIndex: number;
  /** Whether the tail over several thresholds may be fitted: latencies that a queue drives. */
  readonly hasTail: boolean;
  /** The limit of a latency clause, s; undefined for other clauses. */
  readonly limitS: number | undefined;
  /** Rate of the window, requests/s, and the requests fired in it. */
  readonly ratePerSecond: number;
  readonly fired: number;
  readonly tally: ClauseTally;
}

/** What a verdict rests on. */
export interface RateEvidence {
  /** Requests (or gaps) decided at the limit, and those over it. */
  readonly requests: number;
  readonly overCount: number;
  readonly clumpFactor: number;
  /** Log of the e-value against the clause, tempered by the clump factor; ln 20 refutes it. */
  readonly logEValue: number;
  /** ln of the fraction over the limit as the fitted tail has it; null without a fit. */
  readonly logOver: { readonly value: number; readonly standardError: number } | null;
  /** Requests that the window lacks for a queue to have filled, where nothing else keeps it from passing; else 0. */
  readonly requestsMissing: number;
  /** Nothing speaks against the clause, there are only too few requests to show it by counting. */
  readonly tooFew: boolean;
}

export interface RateVerdict {
  readonly verdict: Verdict;
  /** Why, in words and numbers. */
  readonly reason: string;
  readonly evidence: RateEvidence;
}

/** Refuted at 1 in 20: the usual 5 %. */
const LOG_E_VALUE_REFUTES = Math.log(20);
/** Fewer bad requests than this refute nothing: one hiccup of the network is not a verdict. */
const OVER_MIN = 4;
/** Standard errors between the fitted tail and the allowed fraction: five looks at a joint 2–3 %. */
const Z = 2.6;
/** One-sided probability beyond Z, for bounds that are counted rather than fitted. */
const ALPHA = 0.0047;
/** φ is taken for at least this where there are hardly any exceedances to see it by. */
const CLUMP_FACTOR_UNSEEN = 4;
/** The floor: where plain counting cannot pass a rate at this level, nothing passes it. */
const ALPHA_FLOOR = 0.05;
/** Thresholds that more than this exceed tell of the body of the distribution, not of its tail. */
const TAIL_FRACTION_MAX = 0.35;
/** A service that so few requests keep waiting for half of its limit has hardly begun to queue, however it goes on. */
const HARDLY_MULTIPLE_MAX = 0.5;
/** A window with so many times the allowed fraction over, and more than the tail's part, is hot: clumps do not matter. */
const HOT_MULTIPLE = 5;
/** Priors of the tail: its height at the limit is the allowed fraction give or take e⁴, its slope −6 ± 5 a limit. */
const TAIL_SLOPE = -6;
const TAIL_PRECISION = [1 / 16, 1 / 25];

/**
 * Judges one clause in one window of constant rate.
 *
 * FAIL at any time: the e-value against the clause, tempered by 1/φ, passes ln 20. At a `look` also by the tail:
 * ln S(u) = c0 + c1 (u/D − 1) over the thresholds, PASS when c0 + 2.6 se < ln ε and the window is as long as such a
 * queue takes to fill, FAIL when c0 − 2.6 se > ln ε.
 * Clauses that no queue's tail describes are counted at their own threshold with their dispersion instead, which
 * takes longer.
 *
 * @param look whether this is one of the few instants at which a window may pass; looking more often makes false
 *   passes likelier than the constants allow.
 */
export function judgeRate(counts: RateCounts, look: boolean): RateVerdict {
  const { allowedFraction, limitIndex, tally } = counts;
  const requests = tally.decided[limitIndex] ?? 0;
  const overCount = tally.over[limitIndex] ?? 0;
  const clumpFactor = tally.limitClumpFactor;
  const logEValue = mixtureLogEValue(overCount, requests, allowedFraction) / clumpFactor;
  const evidence = {
    ...{ requests, overCount, clumpFactor, logEValue },
    ...{ logOver: null, requestsMissing: 0, tooFew: false },
  };
  if (overCount >= OVER_MIN && logEValue > LOG_E_VALUE_REFUTES) {
    return described("violated", counts, evidence);
  }
  if (!look || requests === 0) return described("undecided", counts, evidence);
  return counts.hasTail ? judgeTail(counts, evidence) : judgeCounts(counts, evidence);
}

function judgeTail(counts: RateCounts, seen: RateEvidence): RateVerdict {
  const { allowedFraction, thresholds } = counts;
  const { decided, over, bodyClumpFactor } = counts.tally;
  // One clump as long as the window would temper the e-value for ever.
  const hot = Math.max(TAIL_FRACTION_MAX, HOT_MULTIPLE * allowedFraction);
  if (seen.overCount >= OVER_MIN && seen.overCount > hot * seen.requests) {
    return described("violated", counts, seen);
  }
  const used = thresholds
    .map((_, j) => j)
    .filter((j) => (over[j] ?? 0) < TAIL_FRACTION_MAX * (decided[j] ?? 0));
  if (used.length < 2) return described("undecided", counts, seen);

  const clumpFactor = Math.max(seen.clumpFactor, bodyClumpFactor);
  const fit = tailFit(counts, used, clumpFactor);
  const { value, standardError } = fit;
  const evidence = { ...seen, clumpFactor, logOver: { value, standardError } };
  const distance = (value - Math.log(allowedFraction)) / standardError;
  if (distance > Z) return described("violated", counts, evidence);
  const aboveFloor = binomialCdf(seen.overCount, seen.requests, allowedFraction) <= ALPHA_FLOOR;
  if (hardlyQueues(counts, clumpFactor)) return described("met", counts, evidence);
  if (!aboveFloor || distance >= -Z) return described("undecided", counts, evidence);
  const missing = requestsMissing(counts, { multiple: 1, logFall: fit.logFall });
  return described(missing === 0 ? "met" : "undecided", counts, {
    ...evidence,
    requestsMissing: missing,
  });
}

interface TailFit {
  /** ln of the fraction over the limit. */
  readonly value: number;
  readonly standardError: number;
  /** By how much ln S falls at least from 0 to the limit. */
  readonly logFall: number;
}

/** ln S(u) = c0 + c1 (u/D − 1) over the thresholds at `used`. */
function tailFit(counts: RateCounts, used: readonly number[], clumpFactor: number): TailFit {
  const { allowedFraction, thresholds } = counts;
  const { decided, over } = counts.tally;
  // Thresholds share their requests: m of them are taken for √m times the evidence of one.
  const weight = 1 / clumpFactor / Math.sqrt(used.length);
  const fit = fitLogLinear(
    used.map((j) => ({
      x: [1, (thresholds[j] ?? 1) - 1],
      over: (over[j] ?? 0) * weight,
      total: (decided[j] ?? 0) * weight,
    })),
    { mean: [Math.log(allowedFraction), TAIL_SLOPE], precision: TAIL_PRECISION },
  );
  const [value = 0, slope = 0] = fit.coefficients;
  const [standardError = Infinity, slopeError = Infinity] = fit.standardErrors;
  return { value, standardError, logFall: -slope - Z * slopeError };
}

/** Requests that the window lacks before a queue whose tail ends at `multiple` of the limit would show there. */
function requestsMissing(
  counts: RateCounts,
  { multiple, logFall }: { readonly multiple: number; readonly logFall: number },
): number {
  const { allowedFraction, ratePerSecond, limitS = 0, fired } = counts;
  const needed = requestsToRelax({
    ...{ ratePerSecond, allowedFraction, logFall },
    limitS: limitS * multiple,
  });
  return Math.max(0, Math.ceil(needed - fired));
}

/**
 * Whether so few requests exceed even a threshold below the limit that counting them alone shows the clause kept:
 * S(D) <= S(u). A service far below its limit leaves the tail's fit nothing to hold on to but its prior.
 */
function hardlyQueues(counts: RateCounts, clumpFactor: number): boolean {
  const { allowedFraction, tally, thresholds } = counts;
  const factor = Math.max(clumpFactor, CLUMP_FACTOR_UNSEEN);
  return thresholds.some((multiple, j) => {
    const [over = 0, decided = 0] = [tally.over[j], tally.decided[j]];
    const isShown = binomialCdf(over / factor, decided / factor, allowedFraction) <= ALPHA;
    return isShown && multiple <= 1 && hasFilled(counts, multiple);
  });
}

/** Whether the window is long enough for counts over a multiple of the limit to be those of a queue that has filled. */
function hasFilled(counts: RateCounts, multiple: number): boolean {
  return multiple <= HARDLY_MULTIPLE_MAX || requestsMissing(counts, { multiple, logFall: 0 }) === 0;
}

function judgeCounts(counts: RateCounts, seen: RateEvidence): RateVerdict {
  const { allowedFraction } = counts;
  const over = seen.overCount / seen.clumpFactor;
  const total = seen.requests / seen.clumpFactor;
  if (binomialCdf(over, total, allowedFraction) <= ALPHA) return described("met", counts, seen);
  if (seen.overCount >= OVER_MIN && binomialTail(over, total, allowedFraction) <= ALPHA) {
    return described("violated", counts, seen);
  }
  const within = seen.overCount <= allowedFraction * seen.requests;
  const tooFew = within && binomialCdf(0, total, allowedFraction) > ALPHA;
  return described("undecided", counts, { ...seen, tooFew });
}

function described(verdict: Verdict, counts: RateCounts, evidence: RateEvidence): RateVerdict {
  return { verdict, reason: reasonOf(counts.clause, evidence), evidence };
}

function reasonOf(clause: Clause, evidence: RateEvidence): string {
  const { requests, overCount, clumpFactor, logOver, requestsMissing: missing } = evidence;
  const noun = clause.kind === "quantile" ? "over" : "bad";
  const counted = `${clause.text}: ${grouped(overCount)} of ${grouped(requests)} ${noun}`;
  const share = requests > 0 ? ` (${percent(overCount / requests)})` : "";
  const clumps = overCount > 0 ? `, in clumps of about ${clumpFactor.toFixed(0)}` : "";
  if (logOver === null) return `${counted}${share}${clumps}`;
  const bound = (sign: number): string =>
    percent(Math.min(1, Math.exp(logOver.value + sign * Z * logOver.standardError)));
  const tail = `; the tail puts it at ${bound(-1)} to ${bound(1)}`;
  const short =
    missing > 0
      ? `, but such a queue fills slowly: ${grouped(missing)} requests more are needed`
      : "";
  return `${counted}${share}${clumps}${tail}${short}`;
}

function grouped(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

function percent(fraction: number): string {
  return `${Number((100 * fraction).toPrecision(2))} %`;
}
