import { logLinearCoefficients, type CountRow } from "../glm.ts";
import type { Anchor } from "./anchor.ts";
import type { Block } from "./block.ts";
import { clumpFactorOf, pooledClumps } from "./clump-factor.ts";

/** One clause that a surface is fitted to. */
export interface SurfaceClause {
  /** Position in the SLO. */
  readonly index: number;
  /** ε: the part of the requests that may be over. */
  readonly allowedFraction: number;
  /** As multiples of the limit, ascending, as counted; the fit uses those from 0.3 on. */
  readonly thresholds: readonly number[];
  readonly limitIndex: number;
}

/**
 * The fitted tail surface:
 * P(T > u D | λ) = S0(u) + (1 − S0(u)) exp(c0 + c1 u + (c2 + c3 u)(1 − λ/λ_s)).
 */
export interface Surface {
  readonly coefficients: readonly number[];
  /** S0 by threshold of `used`: what the service exceeds at any rate. */
  readonly floor: readonly number[];
  /** Positions of the thresholds fitted. */
  readonly used: readonly number[];
  readonly anchor: Anchor;
}

const LOWEST_THRESHOLD = 0.3;
/** Priors of c0 … c3: at saturation P(T > u) is about e^−0.3 and flat in u; below it the tail falls with slack and threshold. */
const PRIOR_MEAN = [-0.3, 0, 0, -25] as const;
const PRIOR_SD = { level: 0.4, slack: 3, product: 25 } as const;
/** The flatness at saturation is as sure as saturation itself: sd of c1 is this times λ_s' relative error. */
const FLATNESS_PER_ANCHOR_SD = 25;
/** Without a saturation there is no end to pin: the priors are nearly flat. */
const UNANCHORED_SD = [10, 20, 10, 25] as const;
const EM_ROUNDS = 8;
/** Ramp steps above this part of saturation are not stationary. */
const RAMP_PART_MAX = 0.75;
const RAMP_WEIGHT = 0.7;
/** Rows that more than this exceed tell of the body. */
const HOT_FRACTION = 0.7;
const HOT_WEIGHT = 0.2;
/** Rows below this part of saturation show the floor alone; half of it is where EM starts. */
const FLOOR_PART_MAX = 0.5;
const LOG_MEAN_MAX = -0.05;
const SLOPE_MAX = -3;
/** The root is looked for with at least this part of ε left above the floor. */
const BUDGET_LEFT_MIN = 0.15;

interface SurfaceRow extends CountRow {
  /** Position in `used`. */
  readonly j: number;
  /** λ/λ_s. */
  readonly part: number;
}

/** Fits the surface of one clause to all blocks. @param start coefficients of an earlier fit: saves steps. */
export function fitSurface(
  clause: SurfaceClause,
  blocks: readonly Block[],
  { anchor, start }: { readonly anchor: Anchor; readonly start?: readonly number[] },
): Surface {
  const used = clause.thresholds
    .map((_, j) => j)
    .filter(
      (j) => (clause.thresholds[j] ?? 0) >= LOWEST_THRESHOLD - 1e-9 && j <= clause.limitIndex,
    );
  const rows = rowsOf(clause, blocks, { anchor, used });
  const prior = priorOf(anchor);
  let floor = startingFloor(rows, used.length);
  let coefficients: readonly number[] | undefined;
  for (let round = 0; round < EM_ROUNDS; round++) {
    const byFloor = rows.map((row) => floorShare(row, floor, coefficients));
    const queued = rows.map((row, k) => withoutFloor(row, byFloor[k] ?? 0));
    coefficients = logLinearCoefficients(queued, prior, coefficients ?? start ?? prior.mean);
    floor = floorOf(rows, used.length, { coefficients, floor });
  }
  return { coefficients: coefficients ?? prior.mean, floor, used, anchor };
}

function priorOf({ relativeSd, isAtLeast }: Anchor): {
  mean: readonly number[];
  precision: readonly number[];
} {
  const { level, slack, product } = PRIOR_SD;
  const sd = isAtLeast
    ? UNANCHORED_SD
    : [level, FLATNESS_PER_ANCHOR_SD * relativeSd, slack, product];
  return { mean: PRIOR_MEAN, precision: sd.map((each) => 1 / each ** 2) };
}

/** A row a block and threshold; counts are divided by φ_j √J, since J thresholds share their requests. */
function rowsOf(
  clause: SurfaceClause,
  blocks: readonly Block[],
  { anchor, used }: { readonly anchor: Anchor; readonly used: readonly number[] },
): readonly SurfaceRow[] {
  const clumps = used.map((j) => pooledClumps(blocks, clause.index, j));
  return blocks.flatMap((block) => {
    const part = block.ratePerSecond / anchor.ratePerSecond;
    if (block.kind === "ramp" && part > RAMP_PART_MAX) return [];
    const counts = block.clauses[clause.index];
    const ofKind = (block.kind === "ramp" ? RAMP_WEIGHT : 1) / Math.sqrt(used.length);
    return used.flatMap((level, j) => {
      const total = counts?.decided[level] ?? 0;
      const over = counts?.over[level] ?? 0;
      if (total <= 0) return [];
      const factor = clumpFactorOf(clumps[j] ?? { squares: 0, sizes: 0 }, part);
      const weight = (ofKind / factor) * (over > HOT_FRACTION * total ? HOT_WEIGHT : 1);
      const u = clause.thresholds[level] ?? 1;
      const x = [1, u, 1 - part, (1 - part) * u];
      return [{ j, part, x, over: over * weight, total: total * weight }];
    });
  });
}

function startingFloor(rows: readonly SurfaceRow[], size: number): readonly number[] {
  return Array.from({ length: size }, (_, j) => {
    const low = rows.filter((row) => row.j === j && row.part < FLOOR_PART_MAX);
    const total = low.reduce((sum, row) => sum + row.total, 0);
    return total > 0 ? (0.5 * low.reduce((sum, row) => sum + row.over, 0)) / total : 0;
  });
}

/** exp(η): the part of the requests that queueing pushes over. */
function queueing(row: Pick<SurfaceRow, "x">, coefficients: readonly number[]): number {
  let predictor = 0;
  for (let i = 0; i < row.x.length; i++) predictor += (row.x[i] ?? 0) * (coefficients[i] ?? 0);
  return Math.exp(Math.min(LOG_MEAN_MAX, predictor));
}

/** E step: the probability that a request over the threshold is so by its service alone. */
function floorShare(
  row: SurfaceRow,
  floor: readonly number[],
  coefficients: readonly number[] | undefined,
): number {
  const alone = floor[row.j] ?? 0;
  if (alone <= 0) return 0;
  const byQueue =
    coefficients === undefined ? 0.5 * Math.exp(-6 * (1 - row.part)) : queueing(row, coefficients);
  return alone / (alone + (1 - alone) * byQueue);
}

function withoutFloor(row: SurfaceRow, share: number): CountRow {
  return { x: row.x, over: row.over * (1 - share), total: row.total - row.over * share };
}

/** M step for the floor, with a tenth of a request taken off; it does not rise with the threshold. */
function floorOf(
  rows: readonly SurfaceRow[],
  size: number,
  fit: { readonly coefficients: readonly number[]; readonly floor: readonly number[] },
): readonly number[] {
  const over = new Array<number>(size).fill(0);
  const total = new Array<number>(size).fill(0);
  for (const row of rows) {
    const share = floorShare(row, fit.floor, fit.coefficients);
    over[row.j] = (over[row.j] ?? 0) + row.over * share * Math.sqrt(size);
    total[row.j] = (total[row.j] ?? 0) + row.total * Math.sqrt(size);
  }
  const raw = over.map((sum, j) => Math.max(0, sum - 0.1) / ((total[j] ?? 0) + 2));
  return raw.map((_, j) => Math.max(...raw.slice(j)));
}

/** S0 at the limit. */
export function floorAtLimit(surface: Surface): number {
  return surface.floor.at(-1) ?? 0;
}

/** Fitted P(T > u D) at the rate, for the j-th of the thresholds used. */
export function surfaceAt(
  surface: Surface,
  {
    j,
    u,
    ratePerSecond,
  }: { readonly j: number; readonly u: number; readonly ratePerSecond: number },
): number {
  const slack = 1 - ratePerSecond / surface.anchor.ratePerSecond;
  const alone = surface.floor[j] ?? 0;
  const queued = queueing({ x: [1, u, slack, slack * u] }, surface.coefficients);
  return alone + (1 - alone) * queued;
}

/** d ln P / d(λ/λ_s) at the limit; at least 3. */
export function slopeOf({ coefficients }: Surface): number {
  const [, , c2 = 0, c3 = 0] = coefficients;
  return -Math.min(SLOPE_MAX, c2 + c3);
}

/** The highest rate at which the surface keeps to ε at the limit; within 0.02 and 0.995 of saturation. */
export function rootOf(surface: Surface, allowedFraction: number): number {
  const [c0 = 0, c1 = 0] = surface.coefficients;
  const alone = floorAtLimit(surface);
  const left = Math.max(BUDGET_LEFT_MIN * allowedFraction, (allowedFraction - alone) / (1 - alone));
  const slack = (c0 + c1 - Math.log(left)) / slopeOf(surface);
  return surface.anchor.ratePerSecond * Math.max(0.02, Math.min(0.995, 1 - slack));
}
