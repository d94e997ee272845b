import { type Clock, sleepUntil } from "../../shared/time/clock.ts";
import { NS_PER_MS } from "../../shared/units.ts";

/** Nobody says that an agent fell silent: it is looked for so often. */
const LOOK_EVERY_NS = 100 * NS_PER_MS;

/** Wakes a run when something is new. */
export class Moves {
  readonly #clock: Clock;
  readonly #interrupt: AbortSignal;
  #wake: () => void = () => undefined;
  #waitsFor: string | undefined;

  constructor({ clock, interrupt }: { readonly clock: Clock; readonly interrupt: AbortSignal }) {
    this.#clock = clock;
    this.#interrupt = interrupt;
  }

  /** @param agentId where only reports of this agent are new. */
  moved(agentId?: string): void {
    if (agentId === undefined || agentId === (this.#waitsFor ?? agentId)) this.#wake();
  }

  /**
   * Until a report or a hello comes in, and not longer than a moment.
   *
   * @param waitsFor the only agent whose reports matter now: a thousand others' need not wake anybody.
   */
  async next(waitsFor?: string): Promise<void> {
    const moved = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    this.#waitsFor = waitsFor;
    await Promise.race([
      moved,
      sleepUntil(this.#clock, this.#clock.nowNs() + LOOK_EVERY_NS, this.#interrupt),
    ]);
    this.#wake = () => undefined;
    this.#waitsFor = undefined;
  }
}
