import type { ArmSegment, ArmedSegment, Lease, PrepareRun } from "../shared/control/control.ts";
import { WindowHasher } from "../shared/arrivals/window-hash.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import type { RequestRecord } from "../shared/measurement/report.ts";
import { nextCutNs } from "../shared/segment/intervals.ts";
import type { Segment } from "../shared/segment/segment.ts";
import { type CancelCall, sleepUntil } from "../shared/time/clock.ts";
import { nonceInRun, promptText, saltOfRun } from "../shared/workload/prompt.ts";
import { drawRequest, type RequestKey } from "../shared/workload/request.ts";
import { Dispatcher, type Load } from "./firing/dispatcher.ts";
import { type Source, sourceOf } from "./firing/source.ts";
import type { HealthMeter } from "./health/health-meter.ts";
import type { Endpoint, PacingClock, RequestOrder } from "./ports.ts";
import type { Flight } from "./recording/flight.ts";
import { type NotSent, Recorder } from "./recording/recorder.ts";
import type { Reporter, SealedInterval } from "./reporting/reporter.ts";

/** Arrivals hashed in one turn of the event loop: a few ms. */
const HASH_SLICE_ARRIVALS = 10_000;

export interface AgentRunOptions {
  readonly agentId: string;
  readonly prepareRun: PrepareRun;
  readonly clock: PacingClock;
  readonly endpoint: Endpoint;
  /** `isAgainst`: for the other endpoint of the run. */
  readonly encode: (prompt: string, outputTokens: number, isAgainst: boolean) => RequestOrder;
  readonly reporter: Reporter;
  readonly health: HealthMeter;
  /** The armed segment's instant came: true when its lease had come too, and it started. */
  readonly onStart: (segmentNumber: number, started: boolean) => void;
  /** An interval was handed to the reporter. */
  readonly onSealed?: (sealed: SealedInterval) => void;
}

/** Several choices of one request share one count of tokens, so nothing is known of each. */
function forcesLengths({ forceOutput, extraBody }: PrepareRun["target"]): boolean {
  return forceOutput && !("n" in extraBody);
}

function withoutOther(segmentNumber: number): LoadError {
  return new LoadError(
    `segment ${segmentNumber} is for the other endpoint, but the run was prepared with one alone`,
    {
      code: "LL_SEGMENT_AGAINST",
      hint: "run the same version of Loadline everywhere; if it is, please report this: it is a bug in Loadline",
      exitCode: ExitCode.MeasurementInvalid,
    },
  );
}

/** A segment that this agent holds, with the clock it is timed by. */
interface HeldSegment {
  readonly segment: Segment;
  readonly clockAheadNs: number;
  readonly source: Source;
}

/** Everything one agent does for one run: fires its segments, seals and reports its intervals. */
export class AgentRun {
  readonly #options: AgentRunOptions;
  readonly #recorder: Recorder;
  readonly #dispatcher: Dispatcher;
  readonly #salt: number;
  #current: HeldSegment | undefined;
  #next: HeldSegment | undefined;
  #leaseUntilNs = 0;
  #leasedSegment = 0;
  #stopped = false;
  /** False where the first segment's lease never came. */
  #isFiring = false;
  #sealedUntilNs = 0;
  #cancelStart: CancelCall | undefined;
  #cancelSeal: CancelCall | undefined;
  #cancelCensor: CancelCall | undefined;

  constructor(options: AgentRunOptions) {
    this.#options = options;
    const { prepareRun, clock, endpoint, reporter } = options;
    this.#salt = saltOfRun(prepareRun.runId);
    this.#recorder = new Recorder({
      classNames: prepareRun.workload.classes.map((each) => each.name),
      thresholds: prepareRun.thresholds,
      intervalNs: prepareRun.limits.intervalNs,
      forcesLengths: forcesLengths(prepareRun.target),
      onEnded: (flight: Flight, record: RequestRecord) => {
        this.#dispatcher.ended(flight);
        if (prepareRun.keepRecords) reporter.addRecord(flight.segment, record);
        this.#current?.source.requestMoved();
      },
      onFirstContent: () => this.#current?.source.requestMoved(),
    });
    this.#dispatcher = new Dispatcher({
      clock,
      endpoint,
      recorder: this.#recorder,
      inFlightMax: prepareRun.limits.inFlightMax,
      heldBack: (nowNs) => this.#heldBack(nowNs),
    });
  }

  /**
   * Makes a segment ready to start, and proves that this agent holds the same schedule as the others.
   *
   * @throws LoadError LL_SEGMENT_AGAINST when it is for another endpoint, and the run has one.
   */
  async arm({ segment, clockOffset }: ArmSegment): Promise<ArmedSegment> {
    const { agentId, prepareRun, clock } = this.#options;
    if (segment.against === true && prepareRun.against === undefined)
      throw withoutOther(segment.number);
    const clockAheadNs = clockOffset.aheadNs;
    const source = sourceOf({
      segment,
      agentId,
      seed: prepareRun.seed,
      clockAheadNs,
      clock,
      dispatcher: this.#dispatcher,
      recorder: this.#recorder,
      loadOf: (index) => this.#loadOf(segment, index),
    });
    this.#next = { segment, clockAheadNs, source };
    this.#endCurrentBeforeNext();
    this.#cancelStart?.();
    this.#cancelStart = clock.callPrecisely(segment.startAtNs + clockAheadNs, () => {
      this.#startNext();
    });
    const hasher = new WindowHasher({ segment, seed: prepareRun.seed, agentId });
    while (!hasher.step(HASH_SLICE_ARRIVALS)) await sleepUntil(clock, clock.nowNs());
    const { hashHex, ownedCount, totalCount } = hasher.result();
    return { segmentNumber: segment.number, windowHash: hashHex, ownedCount, totalCount };
  }

  /** The segment that was armed last does not start, if it has not yet. */
  disarm(): void {
    this.#cancelStart?.();
    this.#next = undefined;
  }

  /** The coordinator is there: fire on, and start the segment it names when its instant comes. */
  lease(lease: Lease): void {
    const { clock, prepareRun } = this.#options;
    if (lease.runId !== prepareRun.runId || lease.incarnation !== prepareRun.incarnation) return;
    const held = this.#next ?? this.#current;
    if (lease.segmentNumber > (held?.segment.number ?? 0)) {
      // The run goes on to a segment that this agent was not given: it was taken for lost, and must not fire beside it.
      this.#leaseUntilNs = Math.min(this.#leaseUntilNs, clock.nowNs());
      return;
    }
    this.#leaseUntilNs = clock.nowNs() + lease.expiresInNs;
    this.#leasedSegment = Math.max(this.#leasedSegment, lease.segmentNumber);
    this.#endCurrentBeforeNext();
  }

  /** How long it may fire on without another word of its coordinator, ns; at most 0 when it may not. */
  leaseLeftNs(): number {
    return this.#leaseUntilNs - this.#options.clock.nowNs();
  }

  /** No more is fired; open streams go on, up to the drain bound. */
  stop(): void {
    // What was due is counted, also where this process was late.
    if (this.#isFiring && !this.#stopped) this.#current?.source.poll();
    this.#stopped = true;
    this.disarm();
    this.#current?.source.stop();
    this.#censorLater((flight) => flight.segment <= (this.#current?.segment.number ?? 0));
  }

  /** Gives up what is open, reports it, and waits until every report is acknowledged or cannot be. */
  async release(): Promise<void> {
    this.stop();
    this.#dispatcher.close();
    this.#cancelSeal?.();
    this.#cancelCensor?.();
    if (this.#current !== undefined) this.#seal(this.#runNowNs(this.#current), this.#isFiring);
    await this.#options.reporter.flush();
    await this.close();
  }

  /** Closes every socket at once; nothing more is reported. */
  async close(): Promise<void> {
    const { endpoint, reporter, health } = this.#options;
    this.#stopped = true;
    this.#cancelStart?.();
    this.#cancelSeal?.();
    this.#cancelCensor?.();
    this.#current?.source.stop();
    this.#dispatcher.close();
    health.close();
    await Promise.all([endpoint.close(), reporter.close()]);
  }

  /**
   * A timer may bring the switch late: what the old segment intended after it must not be sent by then. Known as soon
   * as the lease names the next segment; whatever then keeps that one from starting holds the old one back as well.
   */
  #endCurrentBeforeNext(): void {
    const next = this.#next?.segment;
    if (next === undefined || this.#leasedSegment < next.number) return;
    this.#current?.source.endAt(next.startAtNs);
  }

  #startNext(): void {
    const next = this.#next;
    if (next === undefined) return;
    this.#next = undefined;
    const { clock } = this.#options;
    const leased =
      this.#leasedSegment >= next.segment.number && clock.nowNs() <= this.#leaseUntilNs;
    this.#options.onStart(next.segment.number, leased);
    const previous = this.#current;
    // One that fires nothing yet reports as much: its coordinator would wait for it.
    if (!leased && previous !== undefined) return;
    const wasFiring = this.#isFiring;
    this.#isFiring = leased;
    const { startAtNs } = next.segment;
    if (previous !== undefined) {
      previous.source.endAt(startAtNs);
      if (wasFiring) previous.source.poll();
      previous.source.stop();
      this.#sealBefore(previous, startAtNs, wasFiring);
      this.#seal(startAtNs, wasFiring);
      this.#censorLater((flight) => flight.segment <= previous.segment.number);
    } else {
      this.#sealedUntilNs = startAtNs;
    }
    this.#recorder.startSegment(next.segment, next.clockAheadNs);
    this.#current = next;
    if (leased) next.source.start();
    this.#awaitSeal(next);
  }

  #awaitSeal(held: HeldSegment): void {
    const { clock, prepareRun } = this.#options;
    const cutNs = nextCutNs(held.segment, this.#sealedUntilNs, prepareRun.limits.intervalNs);
    this.#cancelSeal?.();
    this.#cancelSeal = clock.callAt(cutNs + held.clockAheadNs, () => {
      if (this.#isFiring) held.source.poll();
      this.#seal(cutNs, this.#isFiring);
      if (cutNs === held.segment.endByNs)
        this.#censorLater((flight) => flight.segment <= held.segment.number);
      this.#awaitSeal(held);
    });
  }

  /** Cuts that lie before `untilNs` and whose timers, which count whole ms, have not come yet. */
  #sealBefore({ segment }: HeldSegment, untilNs: number, isFiring: boolean): void {
    const { intervalNs } = this.#options.prepareRun.limits;
    for (;;) {
      const cutNs = nextCutNs(segment, this.#sealedUntilNs, intervalNs);
      if (cutNs >= untilNs) return;
      this.#seal(cutNs, isFiring);
    }
  }

  #seal(untilNs: number, isFiring: boolean): void {
    const { reporter, health, endpoint, onSealed } = this.#options;
    if (untilNs <= this.#sealedUntilNs) return;
    const bounds = { fromNs: this.#sealedUntilNs, toNs: untilNs };
    const recorded = this.#recorder.seal(untilNs);
    this.#sealedUntilNs = untilNs;
    const { number, endByNs } = this.#current?.segment ?? { number: 0, endByNs: 0 };
    const sealed: SealedInterval = {
      ...recorded,
      health: health.take(bounds, {
        spooledReports: reporter.spooledReports,
        reportsLost: reporter.reportsLost,
        socketsOpen: endpoint.socketsOpen(),
      }),
      drained: recorded.open === 0 && (this.#stopped || untilNs >= endByNs),
      firingSegment: isFiring ? number : 0,
    };
    reporter.addInterval(sealed);
    onSealed?.(sealed);
  }

  /** Streams of a segment that is over may go on for `drainMaxNs`; then they are given up as censored. */
  #censorLater(which: (flight: Flight) => boolean): void {
    const { clock, prepareRun } = this.#options;
    if (![...this.#recorder.flights].some(which)) return;
    const before = this.#cancelCensor;
    const cancel = clock.callAt(clock.nowNs() + prepareRun.limits.drainMaxNs, () => {
      this.#dispatcher.censor(which);
    });
    this.#cancelCensor = () => {
      before?.();
      cancel();
    };
  }

  #heldBack(nowNs: number): NotSent | undefined {
    return this.#stopped || nowNs > this.#leaseUntilNs ? "notOfferedAborted" : undefined;
  }

  #loadOf(segment: Segment, index: number): Load {
    const { prepareRun, agentId, encode } = this.#options;
    const { seed, workload } = prepareRun;
    const key: RequestKey =
      segment.mode.kind === "open"
        ? { seed, segment: segment.number, index }
        : {
            seed,
            segment: segment.number,
            place: segment.shares.findIndex((share) => share.agentId === agentId),
            ordinal: index,
          };
    const drawn = drawRequest(workload, key);
    const nonce = nonceInRun(drawn.nonce, this.#salt);
    return {
      index,
      classIndex: drawn.classIndex,
      order: encode(promptText({ ...drawn, nonce }), drawn.outputTokens, segment.against === true),
    };
  }

  #runNowNs(held: HeldSegment): number {
    return this.#options.clock.nowNs() - held.clockAheadNs;
  }
}
