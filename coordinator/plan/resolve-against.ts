import type { Plan } from "./plan.ts";
import type { Resolving } from "./resolving.ts";

/** Six differences tell two endpoints apart that differ by a little more than twice their spread. */
const PAIRS = 6;

/** The other endpoint of a run that alternates between two; nothing where none is named. */
export function againstOf({ values, given, whereIs, report }: Resolving): Pick<Plan, "against"> {
  if (!given.has("against")) {
    if (given.has("pairs"))
      report({
        where: whereIs("pairs"),
        message: "it is how often a run alternates between two endpoints, and there is one",
        hint: "add --against URL, or leave it out",
      });
    return {};
  }
  for (const name of ["server-metrics", "prometheus"] as const)
    if (given.has(name))
      report({
        where: whereIs(name),
        message: "the run alternates between two endpoints, and it watches one",
        hint: "leave it out, or leave --against out",
      });
  const { against: url, pairs = PAIRS } = values;
  if (pairs % 2 !== 0)
    report({
      where: whereIs("pairs"),
      message: `${pairs} pairs are asked for: one order of the two would be there once more than the other`,
      hint: "give an even number",
    });
  if (url !== undefined && url === values.target)
    report({
      where: whereIs("against"),
      message: "it is the target itself",
      hint: "name the other endpoint",
    });
  return url === undefined ? {} : { against: { url, pairs } };
}
