import { NS_PER_SECOND } from "../../shared/units.ts";
import type { IntervalDelta } from "./interval-delta.ts";

/**
 * How many requests are in flight, and how many of them wait for their first token, as exact time integrals.
 * Every change first integrates up to its own instant, so late timers do not blur an interval's edge.
 */
export class LoadMeter {
  inFlight = 0;
  waiting = 0;
  #sinceNs = 0;

  /** Charges the time since the last call to `delta`; `nowNs` is on the run's clock. */
  integrate(delta: IntervalDelta, nowNs: number): void {
    const elapsedS = Math.max(0, nowNs - this.#sinceNs) / NS_PER_SECOND;
    const { activity } = delta;
    activity.inFlightIntegralS += this.inFlight * elapsedS;
    activity.waitingIntegralS += this.waiting * elapsedS;
    if (this.inFlight > activity.inFlightMax) activity.inFlightMax = this.inFlight;
    this.#sinceNs = Math.max(this.#sinceNs, nowNs);
  }

  /** Time before the first segment is nobody's. */
  startAt(nowNs: number): void {
    this.#sinceNs = nowNs;
  }
}
