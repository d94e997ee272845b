import { ExitCode, LoadError } from "../../shared/errors.ts";
import { type Contender, type Trait, TRAITS } from "./contender.ts";

/** A trait in which a run differs from the baseline, as both read. */
export interface Difference {
  readonly trait: Trait;
  readonly name: string;
  readonly baseline: string;
  readonly candidate: string;
}

/** Where the runs differ, in the order of the traits; what a tool does not tell is no difference. */
export function differencesOf(
  baseline: Contender,
  candidates: readonly Contender[],
): readonly Difference[] {
  return TRAITS.flatMap((trait) =>
    candidates.flatMap((candidate) => {
      const ours = baseline.traits[trait];
      const theirs = candidate.traits[trait];
      if (ours === undefined || theirs === undefined || ours.key === theirs.key) return [];
      return [{ trait, name: candidate.name, baseline: ours.text, candidate: theirs.text }];
    }),
  );
}

/**
 * Differences that were declared: they are what is compared.
 *
 * @throws LoadError LL_COMPARE_UNLIKE where another one is left, since the ratio would then be of two things at once.
 */
export function declaredDifferences(
  runs: { readonly baseline: Contender; readonly candidates: readonly Contender[] },
  treatments: readonly Trait[],
): readonly Difference[] {
  const differences = differencesOf(runs.baseline, runs.candidates);
  const undeclared = differences.filter(({ trait }) => !treatments.includes(trait));
  if (undeclared.length === 0) return differences;
  const lines = undeclared.map(
    ({ trait, name, baseline, candidate }) =>
      `  ${trait}: ${runs.baseline.name} has ${baseline}; ${name} has ${candidate}`,
  );
  const all = [...new Set([...treatments, ...undeclared.map(({ trait }) => trait)])];
  throw new LoadError(
    `the runs are to be compared, and were not made alike:\n${lines.join("\n")}`,
    {
      code: "LL_COMPARE_UNLIKE",
      hint: `measure again with the same, or declare what is compared with --treatment ${all.join(",")}`,
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

/**
 * The traits of `--treatment model,agents`.
 *
 * @throws LoadError LL_FLAG_INVALID
 */
export function readTreatments(text: string): readonly Trait[] {
  return text.split(",").map((part) => {
    const trait = TRAITS.find((each) => each === part.trim());
    if (trait !== undefined) return trait;
    throw new LoadError(
      `--treatment names ${part.trim() || "nothing"}, and runs have no such trait`,
      {
        code: "LL_FLAG_INVALID",
        hint: `give one or more of ${TRAITS.join(", ")}`,
        exitCode: ExitCode.PlanInvalid,
      },
    );
  });
}
