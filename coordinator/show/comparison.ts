import type { Comparison, RatioView, RunView } from "../compare/comparison.ts";
import type { Verdict } from "../../shared/slo/slo.ts";
import { type Document, numbers, type TableBlock, words } from "./document.ts";
import type { Fact } from "./facts.ts";
import { count, ms, NOTHING, percent, rate } from "./format.ts";
import { latencyTable, tradeOffTable } from "./comparison-tables.ts";
import { renderSuite } from "./junit.ts";
import { money } from "./money.ts";
import { bounds, changeText, intervalText } from "./ratio-text.ts";

/** A comparison's verdicts as people read them: a comparison that has no answer is inconclusive. */
export const COMPARISON_WORDS = {
  met: "PASS",
  violated: "FAIL",
  undecided: "INCONCLUSIVE",
} as const satisfies Record<Verdict, string>;

/** A comparison as a document. */
export function comparisonDocument(comparison: Comparison): Document {
  return {
    command: "compare",
    name: comparison.runs.map(({ name }) => name).join(" · "),
    headline: comparisonHeadline(comparison),
    blocks: [
      { kind: "warning", lines: comparison.warnings },
      rateTable(comparison),
      latencyTable(comparison),
      hardwareTable(comparison),
      tradeOffTable(comparison),
      { kind: "facts", facts: factsOf(comparison) },
    ],
  };
}

/** "int8 carries 31 % more traffic than base (18 % to 45 % more, 95 %): PASS." */
export function comparisonHeadline(comparison: Comparison): string {
  const [baseline] = comparison.runs;
  if (comparison.ratios.length === 0) {
    return "No run searched a maximum rate: their latency at equal rates is compared, and nothing judged.";
  }
  return comparison.ratios
    .map((each) => `${ratioSentence(each, baseline?.name ?? "", comparison)}.`)
    .join(" ");
}

function ratioSentence(each: RatioView, baseline: string, { confidence }: Comparison): string {
  const verdict = COMPARISON_WORDS[each.verdict];
  if (each.ratio === null) return `${each.name}: ${each.reason}: ${verdict}`;
  const interval = `${intervalText(each.ratio)}, ${percent(confidence ?? 0)}`;
  return `${each.name} carries ${changeText(each.ratio.value)} traffic than ${baseline} (${interval}): ${verdict}`;
}

function rateTable(comparison: Comparison): TableBlock {
  return {
    kind: "table",
    title: "Maximum rate within the SLO",
    columns: [
      words("run"),
      numbers("requests/s"),
      numbers("interval"),
      numbers("ratio"),
      numbers("its interval"),
      numbers("detectable"),
      words("verdict"),
    ],
    rows: comparison.runs.map((run, index) => rateRow(run, comparison.ratios[index - 1])),
    note: "Ratio to the first run. Detectable: the smallest difference that two such searches tell in four of five comparisons.",
  };
}

function rateRow(run: RunView, ratio: RatioView | undefined): TableBlock["rows"][number] {
  const { maxRate } = run;
  const cells = [
    run.name,
    maxRate === null ? NOTHING : rate(maxRate.requestsPerSecond),
    maxRate === null ? NOTHING : bounds(maxRate, rate),
    ...(ratio === undefined ? [NOTHING, NOTHING, NOTHING, ""] : ratioCells(ratio)),
  ];
  return ratio === undefined ? { cells } : { cells, mark: ratio.verdict };
}

function ratioCells({ ratio, minimumDetectableRatio, verdict }: RatioView): string[] {
  return [
    ratio === null ? NOTHING : ratio.value.toFixed(2),
    ratio === null ? NOTHING : bounds(ratio, (value) => value.toFixed(2)),
    minimumDetectableRatio === null ? NOTHING : changeText(minimumDetectableRatio),
    COMPARISON_WORDS[verdict],
  ];
}

/** Money and tokens by run; without a price there is nothing that the other tables do not say. */
function hardwareTable({ runs }: Comparison): TableBlock {
  const currency = runs[0]?.currency ?? "$";
  const known = runs.some(({ pricePerHour, gpus }) => pricePerHour !== null || gpus > 1);
  return {
    kind: "table",
    title: "Hardware and cost at the maximum rate",
    columns: [
      words("run"),
      numbers("GPUs"),
      numbers(`${currency}/h`),
      numbers("tokens/s"),
      numbers("per GPU"),
      numbers("per user"),
      numbers(`${currency}/M output`),
      numbers(`${currency}/M input`),
      numbers(`${currency}/1,000 requests`),
    ],
    rows: known ? runs.map((run) => ({ cells: hardwareCells(run) })) : [],
    note: "Output tokens/s: all, by GPU, and of the median user near that rate. The whole price is laid on output and on input tokens in turn, not shared.",
  };
}

function hardwareCells(run: RunView): string[] {
  const { cost } = run;
  return [
    run.name,
    count(run.gpus),
    money(run.pricePerHour),
    number(run.outputTokensPerSecond),
    number(run.outputTokensPerSecondPerGpu),
    number(run.outputTokensPerSecondPerUser),
    money(cost?.perMillionOutputTokens),
    money(cost?.perMillionInputTokens),
    money(cost?.perThousandRequests),
  ];
}

function number(value: number | null): string {
  return value === null ? NOTHING : ms(value);
}

function factsOf(comparison: Comparison): readonly Fact[] {
  return [
    ...comparison.runs.map(({ name, source, model, origin, noRateReason }) => ({
      about: name,
      text: [`${model}, ${source}, by ${origin}`, noRateReason]
        .filter((text) => text !== "")
        .join("; "),
    })),
    ...comparison.ratios.flatMap(({ name, gates }) =>
      gates.map(({ text, verdict }) => ({
        about: "gate",
        text: `${name} ${text}: ${COMPARISON_WORDS[verdict]}`,
      })),
    ),
    ...comparison.differences.map(({ trait, name, baseline, candidate }) => ({
      about: "treatment",
      text: `${trait}: ${baseline}; ${name}: ${candidate}`,
    })),
    ...comparison.runs.flatMap(qualityFact),
  ];
}

function qualityFact({ name, quality, recovery }: RunView): readonly Fact[] {
  if (quality === null) return [];
  const error = quality.standardError === null ? "" : ` ± ${quality.standardError.toFixed(4)}`;
  const kept =
    recovery === null
      ? ""
      : `; recovers ${(100 * recovery.fraction).toFixed(1)} %${
          recovery.standardError === null ? "" : ` ± ${(100 * recovery.standardError).toFixed(1)} %`
        } of the baseline`;
  const text = `${name}: ${quality.value.toFixed(4)}${error} ${quality.key} (${quality.tasks.join(", ")})${kept}`;
  return [{ about: "quality", text }];
}

/** JUnit XML: a case a candidate and gate. */
export function comparisonJunit(comparison: Comparison, startedAt: string): string {
  return renderSuite({
    name: comparison.runs.map(({ name }) => name).join(" / "),
    className: "compare",
    timeS: 0,
    startedAt,
    headline: comparisonHeadline(comparison),
    cases: comparison.ratios.flatMap(({ name, gates, ratio, reason }) =>
      gates.map((gate) => ({
        name: `${name} ${gate.text}`,
        timeS: 0,
        verdict:
          gate.verdict === "met"
            ? undefined
            : {
                tag: gate.verdict === "violated" ? ("failure" as const) : ("error" as const),
                message: `${COMPARISON_WORDS[gate.verdict]}: ${ratio === null ? reason : `carries ${changeText(ratio.value)} (${intervalText(ratio)})`}`,
              },
      })),
    ),
  });
}
