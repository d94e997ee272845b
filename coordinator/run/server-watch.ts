import type { RunStore } from "../ports.ts";
import type { ServerEntry, ServerObserver } from "../server/entry.ts";
import type { ServerLog } from "../server/server-log.ts";

/**
 * Takes in what the target says of itself. An entry counts once it is in the folder, so that a replay of the folder
 * knows the same; one that cannot be written is left out, since these figures stand beside the measurement.
 */
export class ServerWatch {
  readonly #observer: ServerObserver | undefined;
  readonly #store: Pick<RunStore, "appendServer">;
  readonly #log: ServerLog | undefined;
  #written: Promise<void> = Promise.resolve();

  constructor(
    ports: { readonly observer?: ServerObserver | undefined } & {
      readonly store: Pick<RunStore, "appendServer">;
    },
    log: ServerLog | undefined,
  ) {
    this.#observer = ports.observer;
    this.#store = ports.store;
    this.#log = log;
  }

  /** @param nowNs the run's clock. */
  start(nowNs: () => number): void {
    this.#observer?.start({
      nowNs,
      onEntry: (entry) => {
        this.#written = this.#take(entry);
      },
    });
  }

  /** Resolves when everything is in. Never rejects. */
  async stop(): Promise<void> {
    await this.#observer?.stop();
    await this.#written;
  }

  async #take(entry: ServerEntry): Promise<void> {
    const before = this.#written;
    const isWritten = await this.#store.appendServer(entry).then(
      () => true,
      () => false,
    );
    await before;
    if (isWritten) this.#log?.add(entry);
  }
}
