import type { Procedure, SearchOptions } from "../coordinator/search/procedure.ts";
import {
  BATCH_ITL,
  BATCH_TTFT,
  MD1,
  MM1,
  MM16_FAST,
  MM4,
  MM8,
  MM8_SLOW,
  type SearchQueue,
} from "../test/support/search-queues.ts";
import { runInVirtualTime } from "../test/support/virtual-queue.ts";
import { METHODS, type Method, oneRateProcedure, procedureOf } from "./search-methods.ts";

/**
 * Accuracy against seconds, in virtual time and through the same `advance` that drives a fleet, with three seconds from
 * the end of an interval to the segment it asked for. Prints each queue's row beside what is asked of it.
 */

const SEEDS = Number(process.argv[2] ?? 40);
/** Nothing was tuned on these seeds. */
const FIRST_SEED = 810_001;
/** As a probe of a bisection has it. */
const ONE_RATE_SETTLE_S = 5;
const FLEET = { sealDelayS: 1.7, armS: 1.3 };
const LOCAL = { sealDelayS: 0.6, armS: 0.4 };

interface Row {
  readonly queue: SearchQueue;
  /** Median and p90 of the error asked of the tail search; undefined: shown, nothing is asked. */
  readonly medianMax?: number;
  readonly p90Max?: number;
  readonly timeBudgetS?: number;
  readonly rateMinPerSecond?: number;
}

const ROWS: readonly Row[] = [
  { queue: MM4, medianMax: 0.03, p90Max: 0.08 },
  { queue: MD1, medianMax: 0.03, p90Max: 0.08 },
  { queue: MM8, medianMax: 0.03, p90Max: 0.08 },
  { queue: BATCH_TTFT, medianMax: 0.04, p90Max: 0.09 },
  { queue: BATCH_ITL, medianMax: 0.04, p90Max: 0.09 },
  { queue: MM1, medianMax: 0.09 },
  { queue: MM8_SLOW },
  { queue: MM16_FAST, timeBudgetS: 45, rateMinPerSecond: 60 },
];

interface Outcome {
  readonly error: number;
  readonly covers: boolean;
  readonly bindsRight: boolean;
  readonly halfWidth: number;
}

const refitsMs: number[] = [];

function optionsOf({ queue, timeBudgetS = 300, rateMinPerSecond }: Row): SearchOptions {
  return {
    slo: queue.clauses.map(({ clause }) => clause),
    thresholds: queue.clauses.map(({ thresholds }) => thresholds),
    rateMinPerSecond,
    rateMaxPerSecond: undefined,
    // Narrower than can be reached, so that the whole budget is used.
    precisionFraction: 0.005,
    confidence: 0.95,
    timeBudgetS,
  };
}

/** The procedure, with a watch on it. */
function timed(procedure: Procedure<unknown>): Procedure<unknown> {
  return {
    begin: () => procedure.begin(),
    advance(state, observation) {
      const beganMs = performance.now();
      const step = procedure.advance(state, observation);
      if (step.decision.kind !== "go-on") refitsMs.push(performance.now() - beganMs);
      return step;
    },
  };
}

function searched(row: Row, method: Method, seed: number): { outcome?: Outcome; elapsedS: number } {
  const { queue } = row;
  const options = optionsOf(row);
  const procedure = procedureOf(method, options);
  const { decision, elapsedS } = runInVirtualTime({
    slo: options.slo,
    thresholds: options.thresholds,
    procedure: method === "tail" ? timed(procedure) : procedure,
    server: queue.server(seed * 7919),
    seed: seed * 104_729,
    ...(options.timeBudgetS < 100 ? LOCAL : FLEET),
  });
  if (decision.kind !== "found") return { elapsedS };
  const { ratePerSecond, lowPerSecond, highPerSecond = Infinity, boundBy } = decision.answer;
  const truth = queue.truthPerSecond;
  return {
    elapsedS,
    outcome: {
      error: Math.abs(ratePerSecond / truth - 1),
      covers: lowPerSecond <= truth && truth <= highPerSecond,
      bindsRight: boundBy === queue.binding,
      halfWidth: Math.log(highPerSecond / lowPerSecond) / 2,
    },
  };
}

function seeds(): number[] {
  return Array.from({ length: SEEDS }, (_, i) => FIRST_SEED + i);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}

function percent(value: number): string {
  return Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : "–";
}

function part(outcomes: readonly Outcome[], is: (outcome: Outcome) => boolean): string {
  return (outcomes.filter(is).length / Math.max(1, outcomes.length)).toFixed(2);
}

function askedOf({ medianMax, p90Max }: Row, method: Method): string {
  if (method !== "tail" || medianMax === undefined) return "";
  return `≤ ${percent(medianMax)}${p90Max === undefined ? "" : ` / ${percent(p90Max)}`}`;
}

const WIDTHS = [22, 8, 9, 8, 8, 8, 8, 10, 8, 16] as const;

function printLine(cells: readonly string[]): void {
  const padded = cells.map((cell, i) =>
    i < 2 ? cell.padEnd(WIDTHS[i] ?? 8) : cell.padStart(WIDTHS[i] ?? 8),
  );
  process.stdout.write(`${padded.join(" ").trimEnd()}\n`);
}

function printRow(row: Row, method: Method): void {
  const runs = seeds().map((seed) => searched(row, method, seed));
  const outcomes = runs.flatMap(({ outcome }) => (outcome === undefined ? [] : [outcome]));
  const errors = outcomes.map(({ error }) => error);
  const hasInterval = method !== "sweep";
  printLine([
    row.queue.name,
    method,
    `${outcomes.length}/${runs.length}`,
    quantile(
      runs.map(({ elapsedS }) => elapsedS),
      0.5,
    ).toFixed(0),
    percent(quantile(errors, 0.5)),
    percent(quantile(errors, 0.9)),
    hasInterval ? part(outcomes, ({ covers }) => covers) : "–",
    hasInterval
      ? `±${percent(
          quantile(
            outcomes.map(({ halfWidth }) => halfWidth),
            0.5,
          ),
        )}`
      : "–",
    hasInterval ? part(outcomes, ({ bindsRight }) => bindsRight) : "–",
    askedOf(row, method),
  ]);
}

/** The one-rate verdict at a multiple of the truth: how often each falls, and after how long. */
function printOneRate(multiple: number): void {
  for (const queue of [MM4, MD1, MM8]) {
    const options = optionsOf({ queue });
    const ratePerSecond = multiple * queue.truthPerSecond;
    const verdicts = seeds().map((seed) => {
      const run = runInVirtualTime({
        slo: options.slo,
        thresholds: options.thresholds,
        procedure: oneRateProcedure(options, { ratePerSecond, settleS: ONE_RATE_SETTLE_S }),
        server: queue.server(seed * 7919),
        seed: seed * 104_729,
        ...FLEET,
      });
      return {
        verdict: run.judged[0]?.verdict,
        decidedS: run.elapsedS - FLEET.sealDelayS - ONE_RATE_SETTLE_S,
      };
    });
    const share = (of: string): string =>
      (verdicts.filter(({ verdict }) => verdict === of).length / verdicts.length).toFixed(2);
    const median = quantile(
      verdicts.map(({ decidedS }) => decidedS),
      0.5,
    );
    process.stdout.write(
      `${queue.name.padEnd(22)} at ${multiple} λ*: PASS ${share("met")}, FAIL ${share("violated")}, undecided ${share("undecided")}; ` +
        `decided after ${median.toFixed(0)} s of its window in the median\n`,
    );
  }
}

const beganMs = performance.now();
process.stdout.write(
  `${SEEDS} seeds from ${FIRST_SEED}, 3 s from an observation to the segment it asked for\n\n`,
);
printLine([
  "queue",
  "method",
  "answered",
  "seconds",
  "median",
  "p90",
  "covers",
  "interval",
  "binds",
  "asked",
]);
for (const row of ROWS) for (const method of METHODS) printRow(row, method);
process.stdout.write(
  "\nthe one-rate verdict (asked: FAIL at 1.3 λ* within 10 s; PASS at 1.05 λ* at most 0.05)\n",
);
printOneRate(1.3);
printOneRate(1.05);
process.stdout.write(
  `\na decision of the tail search takes ${quantile(refitsMs, 0.5).toFixed(1)} ms in the median, ` +
    `${quantile(refitsMs, 0.99).toFixed(0)} ms at p99, ${quantile(refitsMs, 1).toFixed(0)} ms at most (asked: 50)\n` +
    `CPU: ${(process.cpuUsage().user / 1e6).toFixed(0)} s, wall: ${((performance.now() - beganMs) / 1000).toFixed(0)} s\n`,
);
