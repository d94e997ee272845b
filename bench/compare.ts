import { atLeast, judgeGate, NO_LESS, noWorseThan } from "../coordinator/compare/gate.ts";
import { minimumDetectableRatio, type Ratio } from "../coordinator/compare/ratio.ts";
import {
  type ComparedServers,
  comparedSearches,
  fastServers,
  slowServers,
} from "../test/support/compared-searches.ts";
import { BATCH_ITL, BATCH_TTFT } from "../test/support/search-queues.ts";

/**
 * What `loadline compare` makes of two searches of servers whose ratio is known, in virtual time: how often its
 * interval holds the truth, and how often each verdict falls. Nothing was tuned on these seeds.
 */

const SEEDS = Number(process.argv[2] ?? 20);
const FIRST_SEED = 920_001;
const CONFIDENCE = 0.95;

const ROWS: readonly ComparedServers[] = [
  fastServers(1),
  fastServers(1.1),
  fastServers(1.3),
  slowServers(1),
  slowServers(1.1),
  slowServers(1.3),
  { baseline: BATCH_TTFT, candidate: BATCH_TTFT, timeBudgetS: 300 },
  { baseline: BATCH_ITL, candidate: BATCH_ITL, timeBudgetS: 300 },
];

const beganMs = performance.now();
process.stdout.write(
  `${SEEDS} seeds from ${FIRST_SEED}; of each: PASS / FAIL / INCONCLUSIVE\n\n` +
    "candidate against baseline                    truth  answered  covers  half-width  detectable  more?     no 10 % worse?  at least 1.1?\n",
);
for (const servers of ROWS) printRow(servers);
process.stdout.write(`\nwall: ${((performance.now() - beganMs) / 1000).toFixed(0)} s\n`);

function printRow(servers: ComparedServers): void {
  const { baseline, candidate, timeBudgetS } = servers;
  const truth = candidate.truthPerSecond / baseline.truthPerSecond;
  const ratios = Array.from({ length: SEEDS }, (_, i) =>
    comparedSearches(servers, FIRST_SEED + i),
  ).filter((ratio) => ratio !== undefined);
  const covers = ratios.filter(({ low, high }) => low <= truth && truth <= (high ?? Infinity));
  const title = `${candidate.name} against ${baseline.name}, ${timeBudgetS} s`;
  process.stdout.write(
    [
      title.padEnd(45),
      truth.toFixed(2).padStart(5),
      `${ratios.length}/${SEEDS}`.padStart(8),
      (covers.length / Math.max(1, ratios.length)).toFixed(2).padStart(6),
      percent(median(ratios.map(halfWidthOf))).padStart(10),
      percent(
        median(ratios.map((ratio) => (minimumDetectableRatio(ratio, CONFIDENCE) ?? NaN) - 1)),
      ).padStart(10),
      verdicts(ratios, NO_LESS.ratioMin),
      verdicts(ratios, noWorseThan(0.1).ratioMin),
      verdicts(ratios, atLeast(1.1).ratioMin),
    ].join("  ") + "\n",
  );
}

function halfWidthOf({ low, high }: Ratio): number {
  return Math.log((high ?? Infinity) / low) / 2;
}

function verdicts(ratios: readonly Ratio[], ratioMin: number): string {
  const judged = ratios.map((ratio) => judgeGate({ text: "", ratioMin }, ratio));
  return (["met", "violated", "undecided"] as const)
    .map((verdict) => judged.filter((each) => each === verdict).length)
    .join("/")
    .padStart(8);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

function percent(value: number): string {
  return Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : "–";
}
