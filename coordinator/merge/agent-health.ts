import { Histogram } from "../../shared/measurement/histogram.ts";
import type { Health, IntervalReport } from "../../shared/measurement/report.ts";
import { NS_PER_US } from "../../shared/units.ts";

/** How an agent itself did, over the intervals reported so far. */
export class AgentHealth {
  readonly eventLoopDelay = new Histogram(NS_PER_US);
  cpuSeconds = 0;
  gcPauseSeconds = 0;
  throttledNs = 0;
  utilisationMax = 0;
  rssBytesMax = 0;
  reportsLost = 0;
  readonly #stretches: Health[] = [];
  #last: { readonly segment: number; readonly recorded: boolean } | undefined;

  /**
   * For the validity of a window: each with the part of the run's clock that it is about, in the order of the reports.
   * Neighbours within a segment's window, or outside of it, are one: it does not grow with the run.
   */
  get stretches(): readonly Health[] {
    return this.#stretches;
  }

  /**
   * Those that begin in a window and lie in it for the greater part: an agent that was cut off goes on beyond a window's
   * end, and what it says of the window is not lost by it.
   */
  within(fromNs: number, untilNs: number): readonly Health[] {
    return this.#stretches.filter((each) => {
      const middleNs = (each.fromNs + each.toNs) / 2;
      return each.fromNs >= fromNs && middleNs <= untilNs;
    });
  }

  add(report: Pick<IntervalReport, "health" | "firingSegment" | "deltas">): void {
    const { health, firingSegment: segment, deltas } = report;
    this.eventLoopDelay.add(health.eventLoopDelay);
    this.cpuSeconds += health.cpuSeconds;
    this.gcPauseSeconds += health.gcPauseSeconds;
    this.throttledNs += health.throttledNs;
    this.utilisationMax = Math.max(this.utilisationMax, health.eventLoopUtilisation);
    this.rssBytesMax = Math.max(this.rssBytesMax, health.rssBytes);
    this.reportsLost = Math.max(this.reportsLost, health.reportsLost);
    const recorded = deltas.some(
      (delta) => delta.recorded && delta.segment === segment && delta.fromNs === health.fromNs,
    );
    this.#stretch(health, { segment, recorded });
  }

  #stretch(health: Health, now: { readonly segment: number; readonly recorded: boolean }): void {
    const last = this.#stretches.at(-1);
    const isNext = last !== undefined && last.toNs === health.fromNs;
    const isAlike = this.#last?.segment === now.segment && this.#last.recorded === now.recorded;
    this.#last = now;
    if (isNext && isAlike) this.#stretches[this.#stretches.length - 1] = joined(last, health);
    else this.#stretches.push(ownCopy(health));
  }
}

/** Its histogram is added to; the report's stays as it came. */
function ownCopy(health: Health): Health {
  const eventLoopDelay = new Histogram(health.eventLoopDelay.unitsPerTick);
  eventLoopDelay.add(health.eventLoopDelay);
  return { ...health, eventLoopDelay };
}

function joined(a: Health, b: Health): Health {
  const [aNs, bNs] = [a.toNs - a.fromNs, b.toNs - b.fromNs];
  const busyNs = a.eventLoopUtilisation * aNs + b.eventLoopUtilisation * bNs;
  a.eventLoopDelay.add(b.eventLoopDelay);
  return {
    fromNs: a.fromNs,
    toNs: b.toNs,
    eventLoopDelay: a.eventLoopDelay,
    eventLoopUtilisation: aNs + bNs > 0 ? busyNs / (aNs + bNs) : 0,
    cpuSeconds: a.cpuSeconds + b.cpuSeconds,
    gcPauseSeconds: a.gcPauseSeconds + b.gcPauseSeconds,
    gcPauses: a.gcPauses + b.gcPauses,
    rssBytes: Math.max(a.rssBytes, b.rssBytes),
    throttledNs: a.throttledNs + b.throttledNs,
    spooledReports: Math.max(a.spooledReports, b.spooledReports),
    reportsLost: Math.max(a.reportsLost, b.reportsLost),
    socketsOpen: Math.max(a.socketsOpen, b.socketsOpen),
  };
}
