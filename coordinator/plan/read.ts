import type { z } from "zod";
import type { IssueParameters } from "./field.ts";
import type { Entry } from "./entries.ts";
import { FIELDS, type FieldName, type Values } from "./fields.ts";
import { type Problem, shown } from "./problem.ts";

/** What was typed is not repeated for these: it may be a secret. */
const SECRET: readonly FieldName[] = [
  "header",
  "extra-body",
  "api-key-env",
  "nats",
  "target",
  "against",
  "server-metrics",
  "prometheus",
];

/** Reads every entry on its own, so that one wrong value hides no other. */
export function readEntries(entries: readonly Entry[]): {
  readonly values: Values;
  readonly problems: readonly Problem[];
} {
  const values: Partial<Record<FieldName, unknown>> = {};
  const problems: Problem[] = [];
  for (const entry of entries) {
    const parsed = FIELDS[entry.name].safeParse(entry.value);
    if (parsed.success) values[entry.name] = parsed.data;
    else problems.push(...parsed.error.issues.flatMap((issue) => problemsOf(entry, issue)));
  }
  // Each value came out of the schema of its own name.
  return { values: values as Values, problems };
}

type Issue = z.core.$ZodIssue;

function problemsOf(entry: Entry, issue: Issue): readonly Problem[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      where: entry.whereIs([...issue.path, key]),
      message: `there is no ${shown(key)} here`,
      hint: "leave it out",
      notYet: false,
    }));
  }
  const where = entry.whereIs(issue.path);
  if (issue.code === "custom") {
    const { hint, notYet } = issue.params as IssueParameters;
    return [{ where, message: issue.message, hint, notYet }];
  }
  const asked = SECRET.includes(entry.name) ? "it" : shown(valueAt(entry.value, issue.path));
  const missing = valueAt(entry.value, issue.path) === undefined ? issue.path.at(-1) : undefined;
  if (missing !== undefined) {
    const message = `it has no ${String(missing)}`;
    return [{ where, message, hint: "add one", notYet: false }];
  }
  const hint = FIELDS[entry.name].meta()?.description ?? "";
  return [
    {
      where,
      message: `${asked} is not what is expected`,
      hint: `expected: ${hint}`,
      notYet: false,
    },
  ];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, step) =>
      typeof at === "object" && at !== null ? (at as Record<PropertyKey, unknown>)[step] : at,
    value,
  );
}
