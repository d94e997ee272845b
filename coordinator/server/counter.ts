import { indexFrom, type Point } from "./points.ts";

/** How much a counter grew between two instants. */
export interface Increase {
  readonly count: number;
  readonly fromNs: number;
  readonly toNs: number;
}

/**
 * A counter as it was seen from time to time. One that is lower than before started again at 0: all that it shows then
 * is new, as Prometheus has it (`increase`). What it counted between the last look and its end is lost.
 */
export class Counter {
  /** Growth since the first look, by instant. */
  readonly #grown: Point[] = [];
  readonly #resetsAtNs: number[] = [];
  #last = 0;

  /** @param atNs not before the one before. */
  see(atNs: number, value: number): void {
    const before = this.#grown.at(-1);
    const isReset = before !== undefined && value < this.#last;
    if (isReset) this.#resetsAtNs.push(atNs);
    const growth = before === undefined ? 0 : value - (isReset ? 0 : this.#last);
    this.#last = value;
    this.#grown.push({ atNs, value: (before?.value ?? 0) + growth });
  }

  /** Instants of looks that found it started again. */
  resetsIn(fromNs: number, untilNs: number): readonly number[] {
    return this.#resetsAtNs.filter((atNs) => atNs >= fromNs && atNs <= untilNs);
  }

  /**
   * Its growth over most of a stretch: between the first and the last look within it, or where those are too near to
   * each other, over all of it, with a straight line between the looks around each end. Undefined where that is less
   * than half of the stretch.
   *
   * A line across an end would count a load that begins there as half begun before, so it is the second choice.
   */
  increaseOver(fromNs: number, untilNs: number): Increase | undefined {
    const seen = this.seenOver(fromNs, untilNs);
    if (seen !== undefined && 2 * (seen.toNs - seen.fromNs) >= untilNs - fromNs) return seen;
    return this.#lineOver(fromNs, untilNs);
  }

  #lineOver(fromNs: number, untilNs: number): Increase | undefined {
    const first = this.#grown[0];
    const last = this.#grown.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const from = Math.max(fromNs, first.atNs);
    const to = Math.min(untilNs, last.atNs);
    if (to <= from || to - from < (untilNs - fromNs) / 2) return undefined;
    return { count: this.#at(to) - this.#at(from), fromNs: from, toNs: to };
  }

  /** Its growth between the first and the last look within a stretch, with nothing guessed. */
  seenOver(fromNs: number, untilNs: number): Increase | undefined {
    const from = this.#grown[indexFrom(this.#grown, fromNs)];
    const to = this.#grown[indexFrom(this.#grown, untilNs + 1) - 1];
    if (from === undefined || to === undefined || to.atNs <= from.atNs) return undefined;
    return { count: to.value - from.value, fromNs: from.atNs, toNs: to.atNs };
  }

  #at(atNs: number): number {
    const place = indexFrom(this.#grown, atNs);
    const after = this.#grown[place];
    const before = this.#grown[place - 1];
    if (after === undefined) return before?.value ?? 0;
    if (before === undefined || after.atNs === atNs) return after.value;
    const part = (atNs - before.atNs) / (after.atNs - before.atNs);
    return before.value + part * (after.value - before.value);
  }
}
