import type { FieldName, Values } from "./fields.ts";
import type { Plan } from "./plan.ts";
import type { Problem } from "./problem.ts";

/** Reads a file that a plan names; throws when it cannot. */
export type ReadText = (path: string) => string;

/** Everything the resolvers look at. */
export interface Resolving {
  readonly command: Plan["command"];
  readonly values: Values;
  /** Fields that were given, rightly or wrongly: of one that was wrong nothing more is said. */
  readonly given: ReadonlySet<FieldName>;
  readonly whereIs: (name: FieldName) => string;
  readonly readText: ReadText | undefined;
  /** Takes a problem in. */
  readonly report: (problem: Omit<Problem, "notYet">) => void;
}
