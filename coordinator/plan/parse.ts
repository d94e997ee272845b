import { type Entries, type Entry, entriesOfFlags } from "./entries.ts";
import { FIND_FIELDS, type FieldName, RUN_FIELDS, SWEEP_FIELDS } from "./fields.ts";
import type { Plan } from "./plan.ts";
import { entriesOfFile, type PlanFile } from "./plan-file.ts";
import { flagsOverFile } from "./precedence.ts";
import { planInvalid, type Problem } from "./problem.ts";
import { readEntries } from "./read.ts";
import { resolvePlan } from "./resolve.ts";
import type { ReadText } from "./resolving.ts";

const NO_FILE: Entries = { entries: [], problems: [], isWhole: true };

/** What a plan is made of. */
export interface PlanSource {
  readonly command: Plan["command"];
  /** As commander gives them: camel-case keys, text as it was typed, true for a flag without a value. */
  readonly flags: Readonly<Record<string, unknown>>;
  readonly planFile?: PlanFile;
  /** For files that the plan names (`empirical:FILE`); without it there are none. */
  readonly readText?: ReadText;
}

/**
 * The resolved plan: flags over the file over defaults.
 *
 * @throws LoadError LL_PLAN_INVALID that lists every problem with its place, or LL_NOT_YET when all that is wrong
 * is that something is not built yet.
 */
export function parsePlan(source: PlanSource): Plan {
  const { command, planFile, readText } = source;
  const flags = entriesOfFlags(source.flags);
  const file = planFile === undefined ? NO_FILE : entriesOfFile(planFile);
  const entries = flagsOverFile(flags.entries, file.entries);
  const read = readEntries(entries);
  const problems: Problem[] = [
    ...flags.problems,
    ...file.problems,
    ...read.problems,
    ...misplaced(command, entries),
  ];
  if (!file.isWhole) throw planInvalid(problems);
  const plan = resolvePlan({
    command,
    values: read.values,
    given: new Set(entries.map((entry) => entry.name)),
    whereIs: (name) => placeOf(entries, name),
    readText,
    report: (problem) => {
      problems.push({ ...problem, notYet: false });
    },
  });
  if (plan === undefined || problems.length > 0) throw planInvalid(problems);
  return plan;
}

function placeOf(entries: readonly Entry[], name: FieldName): string {
  return entries.find((entry) => entry.name === name)?.whereIs([]) ?? `--${name}`;
}

const OWN_FIELDS: Readonly<Record<Plan["command"], object>> = {
  find: FIND_FIELDS,
  run: RUN_FIELDS,
  sweep: SWEEP_FIELDS,
};

/** Fields of another command: they would do nothing here. */
function misplaced(command: Plan["command"], entries: readonly Entry[]): readonly Problem[] {
  return entries.flatMap(({ name, whereIs }) => {
    const [other] = commandsOf(name);
    if (other === undefined || commandsOf(name).includes(command)) return [];
    return [
      {
        where: whereIs([]),
        message: `it belongs to \`loadline ${other}\`, and this is \`loadline ${command}\``,
        hint: "leave it out",
        notYet: false,
      },
    ];
  });
}

function commandsOf(name: FieldName): readonly string[] {
  return Object.entries(OWN_FIELDS)
    .filter(([, fields]) => Object.hasOwn(fields, name))
    .map(([command]) => command);
}
