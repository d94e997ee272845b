import type { TargetFacts } from "./facts.ts";
import { type Finding, percent, targetFault, suspect } from "./finding.ts";

/** Requests of others that make no difference: a health check, and a fraction of ours. */
const OTHERS_MIN = 5;
const OTHERS_FRACTION = 0.05;

/** Whether the target was the same, and ours alone, while it was measured; from its own metrics, where they are scraped. */
export function targetFindings(facts: TargetFacts | undefined): Finding[] {
  if (facts === undefined) return [];
  return [...replicaFindings(facts), ...restartFindings(facts), ...otherFindings(facts)];
}

function replicaFindings({ replicas }: TargetFacts): Finding[] {
  if (replicas === undefined || replicas.min === replicas.max) return [];
  return [
    targetFault(
      `the target had ${replicas.min} to ${replicas.max} replicas within the window, so its level is that of neither: keep their number while it is measured`,
    ),
  ];
}

function restartFindings({ restarted }: TargetFacts): Finding[] {
  return restarted.map((address) =>
    suspect(
      undefined,
      `the target's counters at ${address} started again within the window: it restarted, or another took its place; see its log`,
    ),
  );
}

function otherFindings({ completions }: TargetFacts): Finding[] {
  if (completions === undefined) return [];
  const { theirs, oursMax } = completions;
  const others = theirs - oursMax;
  if (others <= OTHERS_MIN + OTHERS_FRACTION * oursMax) return [];
  return [
    targetFault(
      `the target completed ${theirs} requests by its own count, and at most ${oursMax} of them were ours (bound: ${OTHERS_MIN} and ${percent(OTHERS_FRACTION)} more): somebody else sends to it; measure it alone`,
    ),
  ];
}
