import type { Comparison } from "../compare/comparison.ts";
import type { LatencyAtRate } from "../compare/equal-rates.ts";
import { numbers, type TableBlock, words } from "./document.ts";
import { ms, NOTHING, rate } from "./format.ts";
import { money } from "./money.ts";

/** Latency of all runs at the same rates: one row a rate and run. */
export function latencyTable({ equalRates, runs }: Comparison): TableBlock {
  return {
    kind: "table",
    title: "Latency at equal rates",
    columns: [
      numbers("requests/s"),
      words("run"),
      numbers("TTFT p50"),
      numbers("TTFT p95"),
      numbers("TTFT p99"),
      numbers("ITL p50"),
      numbers("ITL p95"),
      numbers("E2E p50"),
      numbers("E2E p95"),
      words(""),
    ],
    rows: equalRates.flatMap(({ requestsPerSecond, runs: latencies }) =>
      latencies.map((latency, index) => ({
        cells: [
          index === 0 ? rate(requestsPerSecond) : "",
          runs[index]?.name ?? "",
          ...latencyCells(latency),
        ],
      })),
    ),
    note: "Times in ms. “Between” is read between two measured rates, linear in the rate and in the logarithm of the time.",
  };
}

function latencyCells(latency: LatencyAtRate | null): string[] {
  if (latency === null) return [...Array<string>(7).fill(NOTHING), "not measured there"];
  const { ttftMs, itlMs, e2eMs, isInterpolated } = latency;
  const times = [ttftMs.p50, ttftMs.p95, ttftMs.p99, itlMs.p50, itlMs.p95, e2eMs.p50, e2eMs.p95];
  return [
    ...times.map((value) => (value === null ? NOTHING : ms(value))),
    isInterpolated ? "between" : "",
  ];
}

const METRIC_WORDS = { ttft: "TTFT", itl: "ITL", e2e: "E2E" } as const;

/** Quality, latency and cost; only where more than one of the three is known. */
export function tradeOffTable({ tradeOff, runs }: Comparison): TableBlock {
  const { rows, requestsPerSecond, metric } = tradeOff;
  const recoveries = runs.map(({ recovery }) => recovery);
  const known = [
    rows.some(({ quality }) => quality !== null),
    rows.some(({ costPerMillionOutputTokens: cost }) => cost !== null),
  ];
  const currency = runs[0]?.currency ?? "$";
  return {
    kind: "table",
    title: "Trade-off",
    columns: [
      words("run"),
      numbers("quality"),
      numbers("recovery"),
      numbers(`${METRIC_WORDS[metric]} p95 at ${rate(requestsPerSecond)}/s`),
      numbers(`${currency}/M output at SLO`),
      words(""),
    ],
    rows: known.some(Boolean)
      ? rows.map((row, index) => ({
          cells: [
            row.name,
            row.quality === null ? NOTHING : row.quality.toFixed(4),
            recoveryText(recoveries[index]?.fraction),
            row.latencyP95Ms === null ? NOTHING : ms(row.latencyP95Ms),
            money(row.costPerMillionOutputTokens),
            row.dominatedBy === null ? "" : `dominated by ${row.dominatedBy}`,
          ],
          ...(row.dominatedBy === null ? {} : { mark: "void" as const }),
        }))
      : [],
    note: "Dominated: another run is as good in all that is known of every run, and better in something.",
  };
}

function recoveryText(fraction: number | undefined): string {
  return fraction === undefined ? NOTHING : `${(100 * fraction).toFixed(1)} %`;
}
