import type { Rescored, RescoredProbe } from "../rescore/rescore.ts";
import { type Document, numbers, type TableBlock, words } from "./document.ts";
import type { Fact } from "./facts.ts";
import { chosen, count, percent, plural, rate, VERDICT_WORDS } from "./format.ts";

/** A run under another SLO, as a document. */
export function rescoredDocument(rescored: Rescored): Document {
  return {
    command: "rescore",
    name: rescored.run.name,
    headline: rescoredHeadline(rescored),
    blocks: [
      { kind: "warning", lines: warningsOf(rescored) },
      probeTable(rescored),
      { kind: "facts", facts: factsOf(rescored) },
    ],
  };
}

function rescoredHeadline({ slo, estimate, probes }: Rescored): string {
  const text = slo.join(", ");
  const found = estimate.rate;
  if (found !== null) {
    const { requestsPerSecond, low, high, confidence, isExtrapolated } = found;
    const where = isExtrapolated ? ", EXTRAPOLATED beyond what was measured" : "";
    return `About ${rate(requestsPerSecond)} requests/s (${rate(low)}–${rate(high)}, ${percent(confidence)}) meet ${text}${where}.`;
  }
  const met = highestMet(probes);
  return met === undefined
    ? `None of ${plural(probes.length, "window")} is shown to meet ${text}.`
    : `The highest load measured that meets ${text} is ${met}.`;
}

function highestMet(probes: readonly RescoredProbe[]): string | undefined {
  const met = probes.filter(({ verdict, isVoid }) => verdict === "met" && !isVoid);
  const [best] = [...met].sort(
    (a, b) => (b.requestsPerSecond ?? b.streams ?? 0) - (a.requestsPerSecond ?? a.streams ?? 0),
  );
  return best === undefined ? undefined : loadText(best);
}

function loadText({ requestsPerSecond, streams, mode }: RescoredProbe): string {
  if (requestsPerSecond !== null) return `${chosen(requestsPerSecond)} requests/s`;
  return streams === null ? mode : plural(streams, "stream");
}

function warningsOf({ estimate, warnings }: Rescored): readonly string[] {
  const found = estimate.rate;
  if (found === null || !found.isExtrapolated) return warnings;
  const { measuredFrom, measuredTo } = found;
  return [
    ...warnings,
    `extrapolated: rates from ${rate(measuredFrom)} to ${rate(measuredTo)} requests/s were measured, and the answer is the model's; measure with this SLO`,
  ];
}

function probeTable({ probes, slo }: Rescored): TableBlock {
  return {
    kind: "table",
    title: "Windows",
    columns: [
      words("load"),
      ...slo.map((text) => numbers(`over ${text}`)),
      words("before"),
      words("verdict"),
    ],
    rows: probes.map((probe) => ({
      cells: [
        loadText(probe),
        ...probe.clauses.map(
          ({ overCount, total, overFraction }) =>
            `${count(overCount)} of ${count(total)}${overFraction === null ? "" : ` (${percent(overFraction)})`}`,
        ),
        probe.verdictBefore === null ? "" : VERDICT_WORDS[probe.verdictBefore],
        probe.isVoid ? "VOID" : VERDICT_WORDS[probe.verdict],
      ],
      mark: probe.isVoid ? "void" : probe.verdict,
    })),
    note: "Counted anew from the records of single requests; nothing was sent. Before: by the run's own SLO.",
  };
}

function factsOf({ run, sloBefore, maxRateBefore, estimate }: Rescored): readonly Fact[] {
  const found = estimate.rate;
  const facts: (Fact | undefined)[] = [
    { about: "run", text: `${run.model}, ${run.source}` },
    sloBefore.length === 0 ? undefined : { about: "its own SLO", text: sloBefore.join(", ") },
    maxRateBefore === null
      ? undefined
      : { about: "its answer", text: `${rate(maxRateBefore.requestsPerSecond)} requests/s` },
    found?.boundBy == null ? undefined : { about: "binds", text: found.boundBy },
    found === null ? { about: "no estimate", text: estimate.reason } : undefined,
  ];
  return facts.filter((fact) => fact !== undefined);
}
