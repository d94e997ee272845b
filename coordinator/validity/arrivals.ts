import type { Arrivals } from "../../shared/arrivals/arrivals.ts";
import { NS_PER_US } from "../../shared/units.ts";
import type { Departures } from "./facts.ts";
import { type Finding, invalid, ms } from "./finding.ts";
import { type DeparturesFit, departuresFit } from "./departures-fit.ts";

const P_MIN = 0.001;
/** Planned instants are whole µs. */
const PLANNED_TOLERANCE_NS = NS_PER_US;

/**
 * Whether what was sent, of all agents together, is still the process that was planned.
 *
 * A plan is itself one draw of its process, and one draw in a thousand lies outside of any 99.9 % band: that is no
 * fault of a generator. So the plan is tested as well, and only what is off in the departures alone counts.
 *
 * @param toleranceNs how late a request may be sent: no more than that is held against a gap.
 */
export function arrivalFindings(
  departures: Departures | undefined,
  toleranceNs: number,
): { readonly findings: readonly Finding[]; readonly untested: readonly string[] } {
  if (departures === undefined) return { findings: [], untested: [] };
  const { plannedAtNs, sentAtNs } = departures;
  const planned = departuresFit(departures, plannedAtNs, PLANNED_TOLERANCE_NS);
  const sent = departuresFit(departures, sentAtNs, toleranceNs);
  const tests = [
    gapsTest(departures.arrivals, { planned, sent, toleranceNs }),
    dispersionTest({ planned, sent }),
  ];
  return {
    findings: tests.flatMap((test) => (typeof test === "object" ? [test] : [])),
    untested: tests.flatMap((test) => (typeof test === "string" ? [test] : [])),
  };
}

interface Fits {
  readonly planned: DeparturesFit;
  readonly sent: DeparturesFit;
}

/** What is wrong, why it was not tested, or undefined where all is well. */
type Tested = Finding | string | undefined;

function gapsTest(
  arrivals: Arrivals,
  { planned, sent, toleranceNs }: Fits & { readonly toleranceNs: number },
): Tested {
  if (sent.ksP === undefined || planned.ksP === undefined)
    return "gaps of departures were not tested: there are too few";
  if (planned.ksP < P_MIN)
    return "gaps of departures were not tested: the plan's own draw is one in a thousand";
  if (sent.ksP >= P_MIN) return undefined;
  return invalid(
    undefined,
    `the agents' departures are not the planned ${nameOf(arrivals)} arrivals: a Kolmogorov–Smirnov test of their gaps, with ${ms(toleranceNs)} ms of tolerance, gives p = ${sent.ksP.toExponential(1)} (bound 0.001): requests left in clumps; use more agents or a lower rate`,
  );
}

function dispersionTest({ planned, sent }: Fits): Tested {
  if (sent.dispersion === undefined || planned.dispersion === undefined)
    return "dispersion of departures was not tested: there are too few";
  if (!planned.dispersion.isWithin)
    return "dispersion of departures was not tested: the plan's own draw is one in a thousand";
  if (sent.dispersion.isWithin) return undefined;
  const { index, low, high } = sent.dispersion;
  return invalid(
    undefined,
    `the agents' departures are ${index > high ? "burstier" : "smoother"} than planned: dispersion index ${index.toFixed(2)} (99.9 % band ${low.toFixed(2)} to ${high.toFixed(2)}); use more agents or a lower rate`,
  );
}

function nameOf({ kind }: Arrivals): string {
  return kind === "ramp" ? "ramp of Poisson" : kind;
}
