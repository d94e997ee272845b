import { chosen, count, NOTHING, percent, quantile, rate, verdictWord } from "./format.ts";
import { droppedCount, failedCount } from "./headline.ts";
import type { ProbeView, Result } from "./result.ts";

/** One column of the table of probes; the same in the terminal, in Markdown and in HTML. */
export interface Column {
  readonly title: string;
  readonly numeric: boolean;
  cell(probe: ProbeView): string;
}

/** Under the table: what its numbers count. */
export const TABLE_LEGEND =
  "Times in ms, TTFT and E2E from the intended send time; ITL is a request's mean time per output token.";

/** The columns worth showing: those that would be empty for every probe are left out. */
export function columnsOf(result: Result): readonly Column[] {
  const { probes } = result;
  const any = (test: (probe: ProbeView) => boolean): boolean => probes.some(test);
  const columns: (Column | false)[] = [
    any((probe) => probe.against === true) &&
      word("endpoint", (probe) => (probe.against === true ? "against" : "target")),
    any((probe) => probe.requestsPerSecond !== null) &&
      number("rate/s", (probe) => optionalRate(probe.requestsPerSecond)),
    any((probe) => probe.streams !== null) &&
      number("streams", (probe) => (probe.streams === null ? NOTHING : count(probe.streams))),
    number("achieved/s", (probe) => rate(probe.achievedPerSecond)),
    number("requests", (probe) => count(probe.countsByOutcome.fired)),
    any((probe) => failedCount(probe) > 0) &&
      number("failed", (probe) => count(failedCount(probe))),
    any((probe) => droppedCount(probe) > 0) &&
      number("dropped", (probe) => count(droppedCount(probe))),
    number("TTFT p50", (probe) => quantile(probe.ttftMs, "p50")),
    number("TTFT p99", (probe) => quantile(probe.ttftMs, "p99")),
    any((probe) => probe.itlMs.count > 0) &&
      number("ITL p50", (probe) => quantile(probe.itlMs, "p50")),
    any((probe) => probe.itlMs.count > 0) &&
      number("ITL p99", (probe) => quantile(probe.itlMs, "p99")),
    number("E2E p99", (probe) => quantile(probe.e2eMs, "p99")),
    number("tokens/s", (probe) => rate(probe.outputTokensPerSecond)),
    ...serverColumns(probes),
    any((probe) => probe.verdict !== null) && word("SLO", verdictWord),
    any((probe) => probe.validity.verdict !== "valid") &&
      word("validity", (probe) => probe.validity.verdict),
  ];
  return columns.filter((column) => column !== false);
}

/** What the target said of itself, where it did. */
function serverColumns(probes: readonly ProbeView[]): readonly (Column | false)[] {
  const column = (
    title: string,
    name: "runningMean" | "waitingMean" | "kvUseMean",
    text: (value: number) => string,
  ): Column | false =>
    probes.some(({ server }) => typeof server?.[name] === "number") &&
    number(title, ({ server }) => {
      const value = server?.[name] ?? null;
      return value === null ? NOTHING : text(value);
    });
  return [
    column("running", "runningMean", rate),
    column("waiting", "waitingMean", rate),
    column("KV", "kvUseMean", percent),
  ];
}

function optionalRate(value: number | null): string {
  return value === null ? NOTHING : chosen(value);
}

function number(title: string, cell: (probe: ProbeView) => string): Column {
  return { title, numeric: true, cell };
}

function word(title: string, cell: (probe: ProbeView) => string): Column {
  return { title, numeric: false, cell };
}
