import type { JudgedLevel, PairedComparison } from "../compare/paired-comparison.ts";
import { COMPARISON_WORDS } from "./comparison.ts";
import { type Document, numbers, type TableBlock, words } from "./document.ts";
import { ms, NOTHING, rate } from "./format.ts";
import { renderSuite } from "./junit.ts";
import { FIGURES, levelText, loadText } from "./paired-text.ts";
import { bounds, changeText } from "./ratio-text.ts";

/** Two endpoints of one run as a document. */
export function pairedDocument(comparison: PairedComparison): Document {
  const { target, against } = comparison;
  return {
    command: "compare",
    name: `${target.url} · ${against.url}`,
    headline: pairedHeadline(comparison),
    blocks: [
      { kind: "warning", lines: comparison.warnings },
      levelTable(comparison),
      {
        kind: "facts",
        facts: [
          { about: "target", text: `${target.model} at ${target.url}` },
          { about: "against", text: `${against.model} at ${against.url}` },
          ...comparison.levels.flatMap((level) =>
            level.gates.map(({ text, verdict }) => ({
              about: "gate",
              text: `${loadText(level)}: ${text}: ${COMPARISON_WORDS[verdict]}`,
            })),
          ),
        ],
      },
    ],
  };
}

/** "At 20 requests/s http://b is 31 % faster (28 % to 34 % more, 95 %): PASS." */
function pairedHeadline({ levels, against, confidence }: PairedComparison): string {
  return levels
    .map(
      (level) =>
        `At ${loadText(level)} ${against.url} ${levelText(level, confidence)}: ${COMPARISON_WORDS[level.verdict]}.`,
    )
    .join(" ");
}

function levelTable({ levels }: PairedComparison): TableBlock {
  return {
    kind: "table",
    title: "The same load on both, in turn",
    columns: [
      words("load"),
      words("measured by"),
      numbers("target"),
      numbers("against"),
      numbers("ratio"),
      numbers("its interval"),
      numbers("detectable"),
      numbers("pairs"),
      words("verdict"),
    ],
    rows: levels.map((level) => ({ cells: cellsOf(level), mark: level.verdict })),
    note: "Ratio: how many times as fast, or as much, the other endpoint is; from the differences within pairs of windows. Detectable: the smallest difference that so many pairs tell in four of five comparisons.",
  };
}

function cellsOf(level: JudgedLevel): string[] {
  const { figure, target, against, ratio, pairs, leftOut } = level;
  const value = (of: number | null): string =>
    of === null ? NOTHING : figure === "completed" ? rate(of) : ms(of);
  return [
    loadText(level),
    FIGURES[figure],
    value(target),
    value(against),
    ratio === null ? NOTHING : ratio.value.toFixed(2),
    ratio === null ? NOTHING : bounds(ratio, (each) => each.toFixed(2)),
    level.minimumDetectableRatio === null ? NOTHING : changeText(level.minimumDetectableRatio),
    leftOut === 0 ? String(pairs) : `${pairs}, ${leftOut} left out`,
    COMPARISON_WORDS[level.verdict],
  ];
}

/** JUnit XML: a case a load and gate. */
export function pairedJunit(comparison: PairedComparison, startedAt: string): string {
  const { target, against, confidence, levels } = comparison;
  return renderSuite({
    name: `${target.url} / ${against.url}`,
    className: "compare",
    timeS: 0,
    startedAt,
    headline: pairedHeadline(comparison),
    cases: levels.flatMap((level) =>
      level.gates.map(({ text, verdict }) => ({
        name: `${loadText(level)}: ${text}`,
        timeS: 0,
        verdict:
          verdict === "met"
            ? undefined
            : {
                tag: verdict === "violated" ? ("failure" as const) : ("error" as const),
                message: `${COMPARISON_WORDS[verdict]}: ${levelText(level, confidence)}`,
              },
      })),
    ),
  });
}
