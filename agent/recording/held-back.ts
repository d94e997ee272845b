import type { ArrivalRun } from "../../shared/measurement/report.ts";

/** Names the arrivals that an agent held back, in runs: a lease lapses for seconds. */
export class HeldBack {
  #runs: ArrivalRun[] = [];
  /** The newest run goes on with the next arrival that is held back. */
  #isOpen = false;

  /** The agent's next arrival of a schedule is held back. */
  add(segment: number, index: number): void {
    const last = this.#runs.at(-1);
    if (this.#isOpen && last?.segment === segment)
      this.#runs[this.#runs.length - 1] = { ...last, to: index + 1, count: last.count + 1 };
    else this.#runs.push({ segment, from: index, to: index + 1, count: 1 });
    this.#isOpen = true;
  }

  /** An arrival was not held back. */
  end(): void {
    this.#isOpen = false;
  }

  /** Takes out what was held back since the last call. */
  take(): readonly ArrivalRun[] {
    const runs = this.#runs;
    this.#runs = [];
    this.#isOpen = false;
    return runs;
  }
}
