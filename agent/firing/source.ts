import { agentArrivals } from "../../shared/arrivals/striped.ts";
import { largestRemainder } from "../../shared/arrivals/share.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import type { CancelCall } from "../../shared/time/clock.ts";
import type { PacingClock } from "../ports.ts";
import type { Recorder } from "../recording/recorder.ts";
import type { Dispatcher, Load } from "./dispatcher.ts";
import { Pacer } from "./pacer.ts";

/** What makes an agent send in one segment. */
export interface Source {
  start(): void;
  /** Sends whatever is due now; called before an interval is sealed. */
  poll(): void;
  /** A request ended or got its first token: closed modes may send the next. */
  requestMoved(): void;
  /** Nothing of this source is intended at or after `untilNs` (run clock). */
  endAt(untilNs: number): void;
  stop(): void;
}

export interface SourceOptions {
  readonly segment: Segment;
  readonly agentId: string;
  readonly seed: number;
  readonly clockAheadNs: number;
  readonly clock: PacingClock;
  readonly dispatcher: Dispatcher;
  readonly recorder: Recorder;
  /** The request of an arrival (open), or of an ordinal of this agent (closed modes). */
  readonly loadOf: (index: number) => Load;
}

/** The source of a segment's mode. */
export function sourceOf(options: SourceOptions): Source {
  const { segment, agentId } = options;
  switch (segment.mode.kind) {
    case "open":
      return openSource(options);
    case "serial":
      return refillingSource(options, {
        quota: segment.mode.agentId === agentId ? 1 : 0,
        busy: (recorder) => recorder.inFlight,
      });
    case "closed":
      return refillingSource(options, {
        quota: quotaOf(options, segment.mode.streams),
        busy: (recorder) => recorder.inFlight,
      });
    case "backlog":
      return refillingSource(options, {
        quota: quotaOf(options, segment.mode.waitingMax),
        busy: (recorder) => recorder.waiting,
      });
    case "idle":
      return { start: none, poll: none, requestMoved: none, endAt: none, stop: none };
  }
}

const none = (): void => undefined;

/** The seeded schedule: this agent's own arrivals, at their instants. */
function openSource(options: SourceOptions): Source {
  const { segment, seed, agentId, clock, clockAheadNs, dispatcher, loadOf } = options;
  const arrivals = agentArrivals({ segment, seed, agentId });
  let ready: Load | undefined;
  const pacer = new Pacer({
    clock,
    arrivals,
    clockAheadNs,
    prepare: (index) => {
      ready = loadOf(index);
    },
    fire: (index, intendedAtNs, nowNs) => {
      dispatcher.dispatch(ready ?? loadOf(index), intendedAtNs, nowNs);
    },
  });
  return {
    start: () => {
      pacer.start();
    },
    poll: () => {
      pacer.poll();
    },
    requestMoved: none,
    endAt: (untilNs) => {
      pacer.endAt(untilNs);
    },
    stop: () => {
      pacer.stop();
    },
  };
}

/** How many requests of a closed mode this agent keeps going: its part by largest remainder. */
function quotaOf(options: SourceOptions, total: number): number {
  const { shares } = options.segment;
  const place = shares.findIndex((share) => share.agentId === options.agentId);
  return (
    largestRemainder(
      total,
      shares.map((share) => share.capacity),
    )[place] ?? 0
  );
}

/**
 * Keeps `quota` requests busy: sends the next as soon as one moves on. There is no schedule, so a request is
 * intended when it is sent. Sends are put off to a turn of their own, so that an endpoint that fails at once cannot recurse.
 */
function refillingSource(
  options: SourceOptions,
  rule: { readonly quota: number; readonly busy: (recorder: Recorder) => number },
): Source {
  const { clock, clockAheadNs, dispatcher, recorder, segment, loadOf } = options;
  // Of this agent; 0 means no bound.
  const ordinalsMax = segment.requestsMax === 0 ? Infinity : quotaOf(options, segment.requestsMax);
  let ordinal = 0;
  let untilNs = segment.endByNs;
  let cancel: CancelCall | undefined;
  const refill = (): void => {
    cancel = undefined;
    for (let free = rule.quota - rule.busy(recorder); free > 0; free -= 1) {
      const nowNs = clock.nowNs();
      if (nowNs - clockAheadNs >= untilNs || ordinal >= ordinalsMax) return;
      // Nothing was scheduled, so nothing is dropped: the next interval or the next move of a request tries again.
      if (dispatcher.blocked(nowNs)) return;
      dispatcher.dispatch(loadOf(ordinal), nowNs - clockAheadNs, nowNs);
      ordinal += 1;
    }
  };
  const soon = (): void => {
    cancel ??= clock.callAt(clock.nowNs(), refill);
  };
  return {
    start: soon,
    poll: soon,
    requestMoved: soon,
    endAt: (atNs) => {
      untilNs = Math.min(untilNs, atNs);
    },
    stop: () => {
      cancel?.();
      cancel = undefined;
      untilNs = Number.NEGATIVE_INFINITY;
    },
  };
}
