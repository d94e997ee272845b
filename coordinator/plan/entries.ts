import { nearest } from "../../shared/slo/near-miss.ts";
import { FIELD_NAMES, type FieldName, isFieldName } from "./fields.ts";
import { NOT_YET_NAMES } from "./not-yet.ts";
import { type Problem, shown } from "./problem.ts";

/** One thing a plan says, before it is read. */
export interface Entry {
  readonly name: FieldName;
  readonly value: unknown;
  /** Where the value stands, or a part of it. */
  readonly whereIs: (path: readonly PropertyKey[]) => string;
}

export interface Entries {
  readonly entries: readonly Entry[];
  readonly problems: readonly Problem[];
  /** False when a part could not be read at all: of what seems to be missing nothing is said then. */
  readonly isWhole: boolean;
}

/** What the command line says. Keys are as commander makes them: camel case of the flag. */
export function entriesOfFlags(flags: Readonly<Record<string, unknown>>): Entries {
  const entries: Entry[] = [];
  const problems: Problem[] = [];
  for (const [key, value] of Object.entries(flags)) {
    const name = kebabCase(key);
    // Commander says `records: true` whenever --no-records was not typed; --plan names the file itself.
    if (value === undefined || name === "plan" || (name === "records" && value === true)) continue;
    const where = name === "records" ? "--no-records" : `--${name}`;
    if (isFieldName(name)) entries.push({ name, value, whereIs: () => where });
    else problems.push(unknownField(where, name));
  }
  return { entries, problems, isWhole: true };
}

/** A name that no field has, with the one it may have been meant for. */
export function unknownField(where: string, name: string): Problem {
  const known = FIELD_NAMES.filter((field) => !NOT_YET_NAMES.includes(field));
  const spelled = kebabCase(name).replaceAll("_", "-");
  const near = isFieldName(spelled) ? spelled : nearest(spelled, known);
  return {
    where,
    message: `a plan has no ${shown(name)}`,
    hint: near === undefined ? `it may have ${known.join(", ")}` : `did you mean ${near}?`,
    notYet: false,
  };
}

function kebabCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
