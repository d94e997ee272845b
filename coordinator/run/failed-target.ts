import { type ProbeView, toOther, toTarget } from "../show/result.ts";

/**
 * Whether an endpoint of a run failed its requests in the windows that are shown: the other one all of them, or,
 * without an SLO to judge by, either one more than half. Each is looked at by itself: one that answers must not hide
 * another that does not.
 */
export function hasFailedTarget(probes: readonly ProbeView[], hasSlo: boolean): boolean {
  const [target, other] = [outcomesOf(toTarget(probes)), outcomesOf(toOther(probes))];
  if (other.fired > 0 && other.ok === 0) return true;
  return !hasSlo && [target, other].some(({ fired, ok }) => ok < fired / 2);
}

function outcomesOf(probes: readonly ProbeView[]): { readonly fired: number; readonly ok: number } {
  return {
    fired: probes.reduce((sum, { countsByOutcome }) => sum + countsByOutcome.fired, 0),
    ok: probes.reduce((sum, { countsByOutcome }) => sum + countsByOutcome.ok, 0),
  };
}
