/** Takes back a call that was asked of a clock; harmless once it ran. */
export type CancelCall = () => void;

/**
 * The one way to know or wait for an instant. Adapters: shared/platform/system-clock.ts (real),
 * test/support/sim-clock.ts (virtual).
 */
export interface Clock {
  /** Monotonic, in ns; its zero is the process's own and means nothing to another process. */
  nowNs(): number;

  /** Runs `task` once, at `atNs` or as soon after it as the clock can; never before. */
  callAt(atNs: number, task: () => void): CancelCall;
}

/** Waits until `atNs`; returns early, without an error, once `signal` is aborted. */
export function sleepUntil(clock: Clock, atNs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const cancel = clock.callAt(atNs, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = (): void => {
      cancel();
      resolve();
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
