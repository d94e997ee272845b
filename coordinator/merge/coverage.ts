import type { ArrivalRun, IntervalReport } from "../../shared/measurement/report.ts";

/** A stretch of the run's clock over which an agent reported one segment, whole; ns, `untilNs` exclusive. */
export interface Stretch {
  readonly segment: number;
  readonly fromNs: number;
  readonly untilNs: number;
}

/** What one agent's reports tell of, and so what they leave out. Neighbours are joined: it does not grow with the run. */
export class Coverage {
  readonly #stretches: Stretch[] = [];
  readonly #heldBack: ArrivalRun[] = [];

  /** Adds a report that was not taken before. Those of one epoch come in their order. */
  add({ firingSegment, sealedUntilNs, health, heldBack }: IntervalReport): void {
    this.#cover({ segment: firingSegment, fromNs: health.fromNs, untilNs: sealedUntilNs });
    this.#heldBack.push(...heldBack);
  }

  /** Of any segment, in the order of their reports. */
  get stretches(): readonly Stretch[] {
    return this.#stretches;
  }

  /** Arrivals that the agent says it held back. */
  heldBackOf(segment: number): readonly ArrivalRun[] {
    return this.#heldBack.filter((run) => run.segment === segment);
  }

  #cover(stretch: Stretch): void {
    if (stretch.untilNs <= stretch.fromNs) return;
    const last = this.#stretches.at(-1);
    if (last?.segment === stretch.segment && last.untilNs === stretch.fromNs)
      this.#stretches[this.#stretches.length - 1] = { ...last, untilNs: stretch.untilNs };
    else this.#stretches.push(stretch);
  }
}
