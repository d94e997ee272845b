import { count, percent, rate, VERDICT_WORDS } from "../show/format.ts";
import type { Replay } from "./replay.ts";
import { ruleText } from "./scaling-rule.ts";
import type { Simulation } from "./simulation.ts";

const TITLES = [
  "rule",
  "SLO",
  "over the limit",
  "minutes within",
  "replica-hours",
  "most",
  "flaps",
] as const;

/** One row a rule, then what to know. */
export function replayText(replay: Replay): string {
  const rows = replay.simulations.map(rowOf);
  const widths = TITLES.map((title, column) =>
    Math.max(title.length, ...rows.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd();
  const table = [line(TITLES), ...rows.map(line)];
  return `${[...table, "", ...factLines(replay)].join("\n")}\n`;
}

function rowOf(simulation: Simulation): readonly string[] {
  const worst = Math.max(0, ...simulation.clauses.map(({ overFraction }) => overFraction));
  return [
    ruleText(simulation.rule),
    VERDICT_WORDS[simulation.meetsSlo ? "met" : "violated"],
    percent(worst),
    percent(simulation.minutesWithinFraction),
    rate(simulation.replicaHours),
    count(simulation.replicasMax),
    count(simulation.flapCount),
  ];
}

/** Under the table, in the terminal and in the page. */
export function factLines(replay: Replay): readonly string[] {
  const { calibration, steepest, notes } = replay;
  return [
    `The first rule is the calibrated number. Perfect foresight without headroom: ${rate(replay.leastReplicaHours)} replica-hours.`,
    ...(steepest === undefined ? [] : [growthText(steepest, calibration.growthPerSecond)]),
    ...notes.map((note) => `Note: ${note}.`),
  ];
}

function growthText(
  steepest: { readonly atS: number; readonly perSecond: number },
  plannedPerSecond: number,
): string {
  const more = steepest.perSecond > plannedPerSecond ? ", more than the" : ", within the";
  return `The load grows fastest ${clock(steepest.atS)} after the start: ${percent(60 * steepest.perSecond)} a minute${more} ${percent(60 * plannedPerSecond)} planned for.`;
}

/** Hours and minutes. */
function clock(atS: number): string {
  const minutes = Math.floor(atS / 60);
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}`;
}
