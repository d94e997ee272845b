import type { Verdict } from "../../shared/slo/slo.ts";
import { binomialCdf, binomialTail } from "./binomial.ts";
import type { ClauseWindow } from "./clause-window.ts";
import { clumpsOf, dispersionOf, intervalsClumpFactor } from "./clumps.ts";
import { mixtureLogEValue } from "./e-value.ts";
import { fitLogLinear } from "./glm.ts";

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
/** The floor: where plain counting cannot pass a rate at this level, nothing passes it. */
const ALPHA_FLOOR = 0.05;
/** Thresholds that more than this exceed tell of the body of the distribution, not of its tail. */
const TAIL_FRACTION_MAX = 0.35;
/** The clump factor of the body is taken where about a tenth of the requests are over. */
const BODY_FRACTION = 0.1;
const CLUMP_FACTOR_MIN = 2;
/** Taken when bad requests were counted and none of them is listed. */
const CLUMP_FACTOR_UNKNOWN = 20;
/** Exceedances further apart than max(2 u, 5 / rate) belong to different busy periods. */
const CLUMP_GAP_LIMITS = 2;
const CLUMP_GAP_ARRIVALS = 5;
/** Priors of the tail: its height at the limit is the allowed fraction give or take e⁴, its slope −6 ± 5 a limit. */
const TAIL_SLOPE = -6;
const TAIL_PRECISION = [1 / 16, 1 / 25];
const DISPERSION_BINS_MAX = 20;

/**
 * Judges one clause in one window of constant rate.
 *
 * FAIL at any time: the e-value against the clause, tempered by 1/φ, passes ln 20. At a `look` also by the tail:
 * ln S(u) = c0 + c1 (u/D − 1) over the thresholds, PASS when c0 + 2.6 se < ln ε, FAIL when c0 − 2.6 se > ln ε.
 * Clauses that no queue's tail describes are counted at their own threshold with their dispersion instead, which
 * takes longer.
 *
 * @param look whether this is one of the few instants at which a window may pass; looking more often makes false
 *   passes likelier than the constants allow.
 */
export function judgeRate(window: ClauseWindow, look: boolean): RateVerdict {
  const { allowedFraction, limitIndex } = window;
  const requests = window.decided[limitIndex] ?? 0;
  const overCount = window.over[limitIndex] ?? 0;
  const clumpFactor = window.hasTail
    ? Math.max(CLUMP_FACTOR_MIN, clumpFactorAt(window, limitIndex))
    : countedClumpFactor(window);
  const logEValue = mixtureLogEValue(overCount, requests, allowedFraction) / clumpFactor;
  const evidence = {
    requests,
    overCount,
    clumpFactor,
    logEValue,
    logOver: null,
    tooFew: false,
  };
  if (overCount >= OVER_MIN && logEValue > LOG_E_VALUE_REFUTES) {
    return described("violated", window, evidence);
  }
  if (!look || requests === 0) return described("undecided", window, evidence);
  return window.hasTail ? judgeTail(window, evidence) : judgeCounts(window, evidence);
}

function judgeTail(window: ClauseWindow, seen: RateEvidence): RateVerdict {
  const { decided, over, allowedFraction, thresholds } = window;
  const used = thresholds
    .map((_, j) => j)
    .filter((j) => (over[j] ?? 0) < TAIL_FRACTION_MAX * (decided[j] ?? 0));
  if (seen.overCount > seen.requests * Math.max(TAIL_FRACTION_MAX, 5 * allowedFraction)) {
    return described("violated", window, seen);
  }
  if (used.length < 2) return described("undecided", window, seen);

  const clumpFactor = Math.max(seen.clumpFactor, bodyClumpFactor(window));
  const weight = 1 / clumpFactor / Math.sqrt(used.length);
  const fit = fitLogLinear(
    used.map((j) => ({
      x: [1, (thresholds[j] ?? 1) - 1],
      over: (over[j] ?? 0) * weight,
      total: (decided[j] ?? 0) * weight,
    })),
    { mean: [Math.log(allowedFraction), TAIL_SLOPE], precision: TAIL_PRECISION },
  );
  const value = fit.coefficients[0] ?? 0;
  const standardError = fit.standardErrors[0] ?? Infinity;
  const evidence = { ...seen, clumpFactor, logOver: { value, standardError } };
  const distance = (value - Math.log(allowedFraction)) / standardError;
  if (distance > Z) return described("violated", window, evidence);
  const aboveFloor =
    binomialCdf(seen.overCount, seen.requests, allowedFraction) <= ALPHA_FLOOR && distance < -Z;
  return described(aboveFloor ? "met" : "undecided", window, evidence);
}

function judgeCounts(window: ClauseWindow, seen: RateEvidence): RateVerdict {
  const { allowedFraction } = window;
  const over = seen.overCount / seen.clumpFactor;
  const total = seen.requests / seen.clumpFactor;
  if (binomialCdf(over, total, allowedFraction) <= ALPHA) return described("met", window, seen);
  if (seen.overCount >= OVER_MIN && binomialTail(over, total, allowedFraction) <= ALPHA) {
    return described("violated", window, seen);
  }
  const within = seen.overCount <= allowedFraction * seen.requests;
  const tooFew = within && binomialCdf(0, total, allowedFraction) > ALPHA;
  return described("undecided", window, { ...seen, tooFew });
}

/** φ of the requests over the j-th threshold. */
function clumpFactorAt(window: ClauseWindow, j: number): number {
  const atS = window.exceedances.filter(({ level }) => level >= j).map((one) => one.atS);
  const over = window.over[j] ?? 0;
  if (atS.length === 0) return over === 0 ? 0 : CLUMP_FACTOR_UNKNOWN;
  const { factor } = clumpsOf(atS, clumpGapS(window, j));
  // Agents list a bounded number a second, and of a hot second none below the threshold that a third exceed: the
  // clumps seen are then samples of larger ones. A gap clause counts gaps and lists requests.
  return factor * Math.max(1, over / atS.length);
}

function evenedClumpFactorAt(window: ClauseWindow, j: number): number {
  const atS = window.exceedances.filter(({ level }) => level >= j).map((one) => one.atS);
  const K = Number(process.env["KF"] ?? 1.5);
  return Math.min(
    clumpFactorAt(window, j),
    Math.max(CLUMP_FACTOR_MIN, K * intervalsClumpFactor(atS, window.windowS)),
  );
}

function clumpGapS(window: ClauseWindow, j: number): number {
  const thresholdS = (window.limitS ?? 0) * (window.thresholds[j] ?? 1);
  return Math.max(CLUMP_GAP_LIMITS * thresholdS, CLUMP_GAP_ARRIVALS / window.ratePerSecond);
}

/** φ where a tenth of the requests are over: between the two thresholds around that point, by its place in ln S. */
function bodyClumpFactor(window: ClauseWindow): number {
  const { over, decided, limitIndex } = window;
  const logShare = (j: number): number => Math.log((over[j] ?? 0) / (decided[j] ?? 1));
  const first = over.findIndex((bad, j) => bad <= BODY_FRACTION * (decided[j] ?? 0));
  const above = first === -1 ? limitIndex : Math.min(first, limitIndex);
  const factorAbove = evenedClumpFactorAt(window, above);
  const below = above - 1;
  if (below < 0 || logShare(below) <= Math.log(BODY_FRACTION)) return factorAbove;
  const place = (logShare(below) - Math.log(BODY_FRACTION)) / (logShare(below) - logShare(above));
  return evenedClumpFactorAt(window, below) * (1 - place) + factorAbove * place;
}

/**
 * φ for a clause that is only counted: the largest over its thresholds of clumping and of dispersion between
 * windows. One step of an engine delays all its streams at once, so gaps never count for more than their requests.
 */
function countedClumpFactor(window: ClauseWindow): number {
  const limitIndex = window.limitIndex;
  const atLimitS = window.exceedances
    .filter(({ level }) => level >= limitIndex)
    .map((one) => one.atS);
  const bins = Math.min(
    DISPERSION_BINS_MAX,
    Math.floor(window.windowS / Math.max(1, clumpGapS(window, limitIndex))),
  );
  const perRequest = Math.max(1, (window.decided[limitIndex] ?? 0) / Math.max(1, window.fired));
  return Math.max(
    CLUMP_FACTOR_MIN * perRequest,
    dispersionOf(atLimitS, window.windowS, bins) * perRequest,
    ...window.thresholds.map((_, j) => (j <= limitIndex ? clumpFactorAt(window, j) : 0)),
  );
}

function described(verdict: Verdict, window: ClauseWindow, evidence: RateEvidence): RateVerdict {
  return { verdict, reason: reasonOf(window, evidence), evidence };
}

function reasonOf(window: ClauseWindow, evidence: RateEvidence): string {
  const { requests, overCount, clumpFactor, logOver } = evidence;
  const noun = window.clause.kind === "quantile" ? "over" : "bad";
  const counted = `${window.clause.text}: ${grouped(overCount)} of ${grouped(requests)} ${noun}`;
  const share = requests > 0 ? ` (${percent(overCount / requests)})` : "";
  const clumps = overCount > 0 ? `, in clumps of about ${clumpFactor.toFixed(0)}` : "";
  if (logOver === null) return `${counted}${share}${clumps}`;
  const bound = (sign: number): string =>
    percent(Math.min(1, Math.exp(logOver.value + sign * Z * logOver.standardError)));
  return `${counted}${share}${clumps}; the tail puts it at ${bound(-1)} to ${bound(1)}`;
}

function grouped(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
}

function percent(fraction: number): string {
  return `${Number((100 * fraction).toPrecision(2))} %`;
}
