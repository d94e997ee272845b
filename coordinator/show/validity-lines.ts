import { load } from "./headline.ts";
import type { Result } from "./result.ts";

/** Every reason not to trust a number: those of the whole run, then those of single windows, each once. */
export function validityLines(result: Result): readonly string[] {
  const { reasons } = result.validity;
  const ofProbes = result.probes
    .filter((probe) => probe.validity.verdict !== "valid")
    .flatMap((probe) =>
      probe.validity.reasons
        .filter((reason) => !reasons.includes(reason))
        .map((reason) => `${load(probe)}: ${reason}`),
    );
  return [...new Set([...reasons, ...ofProbes])];
}

/** What the verdict means for a reader. */
export function validityWords({ validity }: Pick<Result, "validity">): string {
  if (validity.isOfTarget === true)
    return "the target changed, or served others too, while it was measured";
  return VALIDITY_WORDS[validity.verdict];
}

const VALIDITY_WORDS = {
  valid: "the generator kept to the plan",
  suspect: "read these numbers with care",
  invalid: "the generator, not the server, made these numbers",
} as const satisfies Record<Result["validity"]["verdict"], string>;
