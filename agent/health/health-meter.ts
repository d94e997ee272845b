import { Histogram } from "../../shared/measurement/histogram.ts";
import { NS_PER_MS, NS_PER_SECOND, NS_PER_US } from "../../shared/units.ts";
import type { Health } from "../../shared/measurement/report.ts";
import type { CancelCall, Clock } from "../../shared/time/clock.ts";
import type { ProcessGauges } from "../ports.ts";

/** How often the event loop is asked whether it is in time. */
const PROBE_EVERY_NS = 20 * NS_PER_MS;
/** Of one pause; a longer one has long said what there is to say. */
const MISSED_PROBES_MAX = 1_000;

/** What the reporting side knows of itself. */
export interface SpoolGauges {
  readonly spooledReports: number;
  readonly reportsLost: number;
  readonly socketsOpen: number;
}

/** Measures how this agent itself is doing, so that its own faults are never taken for the server's. */
export class HealthMeter {
  readonly #clock: Clock;
  readonly #gauges: ProcessGauges;
  #loopDelay = new Histogram(NS_PER_US);
  #gcPauseNs = 0;
  #gcPauses = 0;
  #cpuSeconds: number;
  #throttledNs: number;
  #cancelProbe: CancelCall | undefined;
  readonly #stopGc: CancelCall;

  constructor(clock: Clock, gauges: ProcessGauges) {
    this.#clock = clock;
    this.#gauges = gauges;
    this.#cpuSeconds = gauges.cpuSeconds();
    this.#throttledNs = gauges.throttledNs();
    gauges.eventLoopUtilisation();
    this.#stopGc = gauges.onGcPause((durationNs) => {
      this.#gcPauseNs += durationNs;
      this.#gcPauses += 1;
    });
    this.#probe();
  }

  /** What happened since the last call; `fromNs` and `toNs` are on the run's clock. */
  take(bounds: { readonly fromNs: number; readonly toNs: number }, spool: SpoolGauges): Health {
    const cpuSeconds = this.#gauges.cpuSeconds();
    const throttledNs = this.#gauges.throttledNs();
    const health: Health = {
      ...bounds,
      ...spool,
      eventLoopDelay: this.#loopDelay,
      eventLoopUtilisation: this.#gauges.eventLoopUtilisation(),
      cpuSeconds: cpuSeconds - this.#cpuSeconds,
      gcPauseSeconds: this.#gcPauseNs / NS_PER_SECOND,
      gcPauses: this.#gcPauses,
      rssBytes: this.#gauges.rssBytes(),
      // A process that is moved to another cgroup counts anew.
      throttledNs: Math.max(0, throttledNs - this.#throttledNs),
    };
    this.#cpuSeconds = cpuSeconds;
    this.#throttledNs = throttledNs;
    this.#loopDelay = new Histogram(NS_PER_US);
    this.#gcPauseNs = 0;
    this.#gcPauses = 0;
    return health;
  }

  close(): void {
    this.#cancelProbe?.();
    this.#stopGc();
  }

  #probe(): void {
    const dueNs = this.#clock.nowNs() + PROBE_EVERY_NS;
    this.#cancelProbe = this.#clock.callAt(dueNs, () => {
      this.#recordLate(Math.max(0, this.#clock.nowNs() - dueNs));
      this.#probe();
    });
  }

  /**
   * A loop that stood still also missed the probes that were due meanwhile, each a little less late: without them a
   * pause would count as one probe however long it was (HdrHistogram's correction for coordinated omission).
   */
  #recordLate(lateNs: number): void {
    this.#loopDelay.record(lateNs);
    for (let missed = 1; missed <= MISSED_PROBES_MAX; missed += 1) {
      const missedNs = lateNs - missed * PROBE_EVERY_NS;
      if (missedNs <= 0) return;
      this.#loopDelay.record(missedNs);
    }
  }
}
