import { type EmpiricalFile, parseEmpirical } from "../../shared/workload/lengths.ts";
import type { Lengths, Workload } from "../../shared/workload/workload.ts";
import type { FieldName } from "./fields.ts";
import { readOrProblem } from "./field.ts";
import type { ReadText, Resolving } from "./resolving.ts";

const PROMPT_TOKENS = { kind: "fixed", tokens: 128 } as const;
const OUTPUT_TOKENS = { kind: "fixed", tokens: 64 } as const;

/** The classes of the plan, or one, named "default". */
export function resolveWorkload(resolving: Resolving): Workload {
  const { values } = resolving;
  const lengths = (
    field: FieldName,
    own: Lengths | EmpiricalFile | undefined,
    name: "prompt-tokens" | "output-tokens",
  ): Lengths => {
    const fallback = name === "prompt-tokens" ? PROMPT_TOKENS : OUTPUT_TOKENS;
    return loaded(resolving, { field, lengths: own ?? values[name] ?? fallback });
  };
  const { classes } = values;
  if (classes === undefined) {
    const promptTokens = lengths("prompt-tokens", undefined, "prompt-tokens");
    const outputTokens = lengths("output-tokens", undefined, "output-tokens");
    return { classes: [{ name: "default", weight: 1, promptTokens, outputTokens }] };
  }
  reportTwins(
    resolving,
    classes.map((each) => each.name),
  );
  return {
    classes: classes.map((each) => ({
      name: each.name,
      weight: each.weight,
      promptTokens: lengths("classes", each["prompt-tokens"], "prompt-tokens"),
      outputTokens: lengths("classes", each["output-tokens"], "output-tokens"),
    })),
  };
}

function reportTwins({ whereIs, report }: Resolving, names: readonly string[]): void {
  const twin = names.find((name, index) => names.indexOf(name) !== index);
  if (twin === undefined) return;
  report({
    where: whereIs("classes"),
    message: `two classes are named "${twin}"`,
    hint: "give each a name of its own",
  });
}

/** An empirical distribution's values stand in a file. */
function loaded(
  { whereIs, report, readText }: Resolving,
  asked: { field: FieldName; lengths: Lengths | EmpiricalFile },
): Lengths {
  const { field, lengths } = asked;
  if (lengths.kind !== "empirical-file") return lengths;
  const text = tryToRead(readText, lengths.file);
  if (text === undefined) {
    report({
      where: whereIs(field),
      message: `the file ${JSON.stringify(lengths.file)} cannot be read`,
      hint: "give the path of a file of whole numbers, split by spaces, commas or lines",
    });
    return PROMPT_TOKENS;
  }
  const reading = readOrProblem(() => parseEmpirical(lengths.file, text));
  if ("value" in reading) return reading.value;
  report({ ...reading, where: whereIs(field) });
  return PROMPT_TOKENS;
}

function tryToRead(readText: ReadText | undefined, path: string): string | undefined {
  try {
    return readText?.(path);
  } catch {
    return undefined;
  }
}
