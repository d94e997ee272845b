import { plural } from "../../show/format.ts";
import type { LintReport } from "./lint.ts";
import { RULES } from "./rules.ts";

/** Findings by manifest, then how many there are. */
export function lintText({ file, manifests, findingCount }: LintReport): string {
  const lines = manifests.flatMap(({ kind, name, line, findings, notes }) => [
    `${file}:${line}: ${kind}${name === "" ? "" : ` ${name}`}`,
    ...findings.flatMap(({ rule, where, message, hint }) => [
      `  ${rule}  ${RULES[rule]}, at ${where}`,
      `     ${message}`,
      `     to do: ${hint}`,
    ]),
    ...notes.map((note) => `  -  ${note}`),
  ]);
  const end =
    findingCount === 0
      ? "No rule is broken."
      : `${plural(findingCount, "finding")} of rules A to H.`;
  return `${[...lines, end].join("\n")}\n`;
}
