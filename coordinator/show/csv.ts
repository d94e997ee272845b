import type { MetricsView, ProbeView, Result, Summary } from "./result.ts";

type Cell = string | number | null;

const SUMMARIES = [
  "ttftMs",
  "answerTtftMs",
  "e2eMs",
  "serviceTtftMs",
  "serviceE2eMs",
  "itlMs",
  "gapMs",
  "maxGapMs",
  "sendDelayMs",
  "outputTokensPerSecondPerUser",
] as const satisfies readonly (keyof MetricsView)[];

const STATISTICS = [
  "count",
  "min",
  "max",
  "mean",
  "sd",
  "p50",
  "p75",
  "p90",
  "p95",
  "p99",
  "p99_9",
] as const satisfies readonly (keyof Summary)[];

/**
 * One row a probe, after a row of names; a name is the path of the same number in result.json. A cell is empty
 * where that is null. Lines end in CR LF (RFC 4180).
 */
export function renderCsv(result: Result): string {
  const rows = result.probes.map(cellsOf);
  const names = [...new Set(rows.flatMap((row) => [...row.keys()]))];
  const lines = [
    names.map(field),
    ...rows.map((row) => names.map((name) => field(row.get(name) ?? null))),
  ];
  return lines.map((cells) => `${cells.join(",")}\r\n`).join("");
}

function cellsOf(probe: ProbeView): ReadonlyMap<string, Cell> {
  const cells = new Map<string, Cell>([
    ["segment", probe.segment],
    ["purpose", probe.purpose],
    ...(probe.against === true ? [["against", "true"] as const] : []),
    ["mode", probe.mode],
    ["requestsPerSecond", probe.requestsPerSecond],
    ["streams", probe.streams],
    ["achievedPerSecond", probe.achievedPerSecond],
    ["completedPerSecond", probe.completedPerSecond],
    ["verdict", probe.verdict],
    ["reason", probe.reason],
    ["validity", probe.validity.verdict],
    ["validityReasons", probe.validity.reasons.join("; ")],
    ["startS", probe.startS],
    ["durationS", probe.durationS],
    ["goodputPerSecond", probe.goodputPerSecond],
    ["goodputFraction", probe.goodputFraction],
    ["inputTokensPerSecond", probe.inputTokensPerSecond],
    ["outputTokensPerSecond", probe.outputTokensPerSecond],
    ["tokensFrom", probe.tokensFrom],
    ["inFlightMean", probe.inFlightMean],
    ["inFlightMax", probe.inFlightMax],
  ]);
  for (const [name, value] of Object.entries(probe.server ?? {})) {
    cells.set(`server.${name}`, Array.isArray(value) ? value.join("; ") : (value as Cell));
  }
  for (const [name, value] of Object.entries(probe.countsByOutcome)) {
    cells.set(`countsByOutcome.${name}`, value);
  }
  for (const summary of SUMMARIES) {
    for (const statistic of STATISTICS) {
      cells.set(`${summary}.${statistic}`, probe[summary][statistic]);
    }
  }
  return cells;
}

function field(cell: Cell): string {
  if (cell === null) return "";
  if (typeof cell === "number") return String(cell);
  // A spreadsheet runs a cell that starts like a formula, and reasons hold names that others chose.
  const text = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
