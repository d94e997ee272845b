import { percent, rate, seconds } from "../show/format.ts";
import type { Calibration } from "./calibration.ts";
import { text } from "./candidates.ts";
import type { ReactionDelay } from "./headroom.ts";

const DELAY_WORDS = {
  scrapeS: "scrape",
  pollS: "poll",
  periodS: "autoscaler's period",
  stabilisationS: "stabilisation",
  provisioningS: "node",
  startupS: "pod",
} as const satisfies Record<keyof ReactionDelay, string>;

const LABEL_WIDTH = 17;

/** The decision with its reasons, for a terminal. */
export function calibrationText(calibration: Calibration): string {
  const { target, measured, candidates, headroomFraction, plannedPerSecond } = calibration;
  const lines = [
    `Scale on ${target.signal}, ${target.value} a replica: ${rate(plannedPerSecond)} of the ${rate(measured.sustainedPerSecond)} requests/s that one replica carries.`,
    "",
    ...candidates.map(({ signal, isKept, reason }) =>
      row(signal, `${verdictOf(calibration, signal, isKept)}: ${reason}`),
    ),
    "",
    row("reaction delay", `${seconds(calibration.delayS)} = ${delayText(calibration.delay)}`),
    row(
      "headroom",
      `${percent(headroomFraction)} of the highest good rate, so that a load growing ${percent(calibration.growthPerSecond * 60)} a minute reaches it no sooner than new replicas are ready`,
    ),
    row(
      "number",
      `${target.signal} is ${text(target.signal, atPlanned(calibration))} at ${rate(plannedPerSecond)} requests/s, so ${target.value}; at the limit (the knee) it is ${target.knee}`,
    ),
    ...calibration.notes.map((note) => row("note", note)),
  ];
  return `${lines.join("\n")}\n`;
}

function verdictOf({ target }: Calibration, signal: string, isKept: boolean): string {
  if (signal === target.signal) return "chosen";
  return isKept ? "fit, second choice" : "rejected";
}

function atPlanned({ candidates, target }: Calibration): number {
  return candidates.find(({ signal }) => signal === target.signal)?.atPlanned ?? target.value;
}

function delayText(delay: ReactionDelay): string {
  return (Object.keys(DELAY_WORDS) as (keyof ReactionDelay)[])
    .filter((part) => delay[part] > 0)
    .map((part) => `${DELAY_WORDS[part]} ${seconds(delay[part])}`)
    .join(" + ");
}

function row(label: string, words: string): string {
  return `${label.padEnd(LABEL_WIDTH)}${words}`;
}
