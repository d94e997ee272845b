import { accountingFindings } from "./accounting.ts";
import { arrivalFindings } from "./arrivals.ts";
import { completenessFindings } from "./completeness.ts";
import type { WindowFacts } from "./facts.ts";
import type { Finding } from "./finding.ts";
import { latenessFindings, sendDelayBoundNs } from "./lateness.ts";
import { offeredFindings } from "./offered.ts";
import { clockFindings, gapFindings, lengthFindings } from "./streams.ts";
import { targetFindings } from "./target.ts";

/**
 * Can a number be trusted? It is about the generator, and about whether the target was the same and ours alone; never
 * about how well the target served.
 */
export interface Validity {
  readonly verdict: "valid" | "suspect" | "invalid";
  /** Sentences: who, what was seen, what the bound is, what to do. */
  readonly reasons: readonly string[];
  /** Agents that reasons for `invalid` name, each once; left out when there are none. */
  readonly agentIds?: readonly string[];
  /** Sentences: what could not be tested, and why; left out when all was. */
  readonly untested?: readonly string[];
  /** Every reason for `invalid` lies with the target, or with who else uses it; left out where the generator has one. */
  readonly isOfTarget?: true;
}

export const VALID: Validity = { verdict: "valid", reasons: [] };

/**
 * Judges the generator over one window, agent by agent and all together. The table of docs/measurement.md: each row
 * is one of the calls below.
 */
export function judgeGenerator(facts: WindowFacts): Validity {
  const findings = [
    ...completenessFindings(facts),
    ...offeredFindings(facts),
    ...latenessFindings(facts),
    ...gapFindings(facts),
    ...lengthFindings(facts),
    ...clockFindings(facts),
    ...targetFindings(facts.target),
  ];
  const { records } = facts;
  if (records === undefined) return validityOf(findings, []);
  const arrivals = arrivalFindings(records.departures, sendDelayBoundNs(facts.intendedLimitNs));
  return validityOf(
    [...findings, ...accountingFindings(records.books), ...arrivals.findings],
    [...records.untested, ...arrivals.untested],
  );
}

/** What makes a window invalid comes before what makes it suspect. */
function validityOf(findings: readonly Finding[], untested: readonly string[]): Validity {
  const invalid = findings.filter(({ severity }) => severity === "invalid");
  const suspect = findings.filter(({ severity }) => severity === "suspect");
  const agentIds = new Set(invalid.flatMap(({ agentId }) => agentId ?? []));
  return {
    verdict: invalid.length > 0 ? "invalid" : suspect.length > 0 ? "suspect" : "valid",
    reasons: [...invalid, ...suspect].map(({ text }) => text),
    ...(agentIds.size === 0 ? {} : { agentIds: [...agentIds] }),
    ...(untested.length === 0 ? {} : { untested }),
    ...(invalid.length > 0 && invalid.every(({ isOfTarget }) => isOfTarget)
      ? { isOfTarget: true as const }
      : {}),
  };
}

/** The worse of two verdicts, with the reasons of both. */
export function worseOf(a: Validity, b: Validity): Validity {
  const rank = { valid: 0, suspect: 1, invalid: 2 } as const;
  return {
    verdict: rank[a.verdict] >= rank[b.verdict] ? a.verdict : b.verdict,
    reasons: [...new Set([...a.reasons, ...b.reasons])],
    ...listOf("agentIds", a, b),
    ...listOf("untested", a, b),
    ...targetAloneOf(a, b),
  };
}

function targetAloneOf(a: Validity, b: Validity): Pick<Validity, "isOfTarget"> {
  const invalid = [a, b].filter(({ verdict }) => verdict === "invalid");
  return invalid.length > 0 && invalid.every(({ isOfTarget }) => isOfTarget)
    ? { isOfTarget: true }
    : {};
}

function listOf(name: "agentIds" | "untested", a: Validity, b: Validity): Partial<Validity> {
  const both = new Set([...(a[name] ?? []), ...(b[name] ?? [])]);
  return both.size === 0 ? {} : { [name]: [...both] };
}
