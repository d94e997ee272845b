import { significant } from "../table.ts";
import type { Absent } from "./client.ts";
import type { Judgement, Quantile } from "./judgement.ts";

const HEADER = [
  "client",
  "CPU µs a token",
  "memory MB",
  "dispersion (99.9 % band)",
  "KS p",
  "TTFT p50: said − true, ms",
  "TTFT p99: said − true, ms",
  "arrived of asked",
  "rate that arrived",
] as const;

/** Below it, how small it is says nothing more. */
const P_SHOWN_MIN = 0.000_001;

/** A Markdown table: a row for each client, also for those that could not be measured. */
export function peerTableOf(rows: readonly (Judgement | Absent)[]): string {
  const cells = rows.map((row) => ("reason" in row ? absentCells(row) : cellsOf(row)));
  return [[...HEADER], HEADER.map(() => "---"), ...cells]
    .map((line) => `| ${line.join(" | ")} |`)
    .join("\n");
}

function cellsOf(row: Judgement): string[] {
  const { dispersion, low, high, p } = row.likeness;
  return [
    row.client,
    figure(row.cpuUsPerToken),
    figure(row.memoryMb),
    `${figure(dispersion)} (${figure(low)} to ${figure(high)})`,
    p < P_SHOWN_MIN ? `< ${figure(P_SHOWN_MIN)}` : figure(p),
    errorText(row.ttft.p50),
    errorText(row.ttft.p99),
    `${row.arrived.toLocaleString("en-US")} of ${row.asked.toLocaleString("en-US")}`,
    `${figure(row.arrivedPerSecond)}/s`,
  ];
}

function absentCells({ name, reason }: Absent): string[] {
  return [name, reason.replaceAll("|", "\\|"), ...HEADER.slice(2).map(() => "")];
}

function errorText({ reportedMs, trueMs }: Quantile): string {
  if (reportedMs === null) return "n/a";
  const error = reportedMs - trueMs;
  const sign = error < 0 ? "" : "+";
  return `${figure(reportedMs)} − ${figure(trueMs)} = ${sign}${figure(error)}`;
}

function figure(value: number): string {
  return Number.isFinite(value) ? significant(value) : "n/a";
}
