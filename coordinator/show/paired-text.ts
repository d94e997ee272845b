import type { PairedFigure, PairedLevel } from "../compare/paired-level.ts";
import { chosen, percent, plural } from "./format.ts";
import { changeText, intervalText } from "./ratio-text.ts";

/** What a level is measured by, with its unit. */
export const FIGURES: Readonly<Record<PairedFigure, string>> = {
  ttft: "mean TTFT, ms",
  itl: "mean ITL, ms",
  e2e: "mean E2E, ms",
  completed: "requests/s",
};

/** What the pairs of one load say of the other endpoint. */
export function levelText(level: PairedLevel, confidence: number): string {
  const { ratio, figure, reason } = level;
  if (ratio === null) return `cannot be compared: ${reason}`;
  const interval = `${intervalText(ratio)}, ${percent(confidence)}`;
  return figure === "completed"
    ? `carries ${changeText(ratio.value)} traffic than the target (${interval})`
    : `has ${changeText(ratio.value)} speed than the target (${FIGURES[figure].replace(", ms", "")}; ${interval})`;
}

export function loadText({ requestsPerSecond, streams }: PairedLevel): string {
  if (requestsPerSecond !== null) return `${chosen(requestsPerSecond)} requests/s`;
  return plural(streams ?? 1, "stream");
}
