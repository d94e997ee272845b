import fc from "fast-check";
import { AgentRun } from "../../agent/agent-run.ts";
import { HealthMeter } from "../../agent/health/health-meter.ts";
import type { Endpoint, PacingClock, StreamListener } from "../../agent/ports.ts";
import { Reporter } from "../../agent/reporting/reporter.ts";
import type { Lease, PrepareRun } from "../../shared/control/control.ts";
import type { IntervalReport } from "../../shared/measurement/report.ts";
import type { Segment, SegmentMode } from "../../shared/segment/segment.ts";
import { NS_PER_SECOND as S } from "../../shared/units.ts";
import { prepareRun as anyPrepareRun } from "./control-arbitraries.ts";
import type { SimClock } from "./sim-clock.ts";

const ofOneEndpoint = anyPrepareRun.filter(({ against }) => against === undefined);
const [PREPARE] = fc.sample(ofOneEndpoint, { numRuns: 1, seed: 1 });

export interface AgentRunOptions {
  /** Ordinary timers come so late, as Node's do. */
  readonly lateNs?: number;
  readonly limits?: Partial<PrepareRun["limits"]>;
  readonly target?: Partial<PrepareRun["target"]>;
  /** What the server makes of a request; by default nothing ever comes back. */
  readonly answer?: (listener: StreamListener) => void;
}

/** A segment of agent "a" alone, recorded whole; its load would go on for a minute. */
export function segmentOfMode(
  mode: SegmentMode,
  times: { readonly number: number; readonly startAtNs: number; readonly recordUntilNs: number },
): Segment {
  const { number, startAtNs, recordUntilNs } = times;
  return {
    ...{ number, mode, startAtNs, recordUntilNs },
    recordFromNs: startAtNs,
    endByNs: startAtNs + 60 * S,
    requestsMax: 0,
    shares: [{ agentId: "a", capacity: 1 }],
  };
}

/** A run of agent "a" in virtual time, what it sends, and what it reports. */
export function agentRunOn(
  clock: SimClock,
  { lateNs = 0, limits = {}, target = {}, answer }: AgentRunOptions = {},
) {
  const prepareRun: PrepareRun = {
    ...PREPARE!,
    target: { ...PREPARE!.target, ...target },
    limits: { ...PREPARE!.limits, intervalNs: S / 2, drainMaxNs: S, inFlightMax: 1_000, ...limits },
  };
  const late: PacingClock = {
    nowNs: () => clock.nowNs(),
    callAt: (atNs, task) => clock.callAt(atNs + lateNs, task),
    callPrecisely: (atNs, task) => clock.callPrecisely(atNs, task),
  };
  const reports: IntervalReport[] = [];
  const sentAtNs: number[] = [];
  const starts: (readonly [segment: number, started: boolean])[] = [];
  const endpoint: Endpoint = {
    send: (_order, listener) => {
      sentAtNs.push(clock.nowNs());
      if (answer !== undefined) {
        // Once it is known to have been sent.
        clock.callAt(clock.nowNs(), () => {
          answer(listener);
        });
      }
      return (outcome) => {
        listener.onEnd(clock.nowNs(), outcome, 0, "given up");
      };
    },
    connect: () => Promise.resolve(),
    socketsOpen: () => 0,
    close: () => Promise.resolve(),
  };
  const run = new AgentRun({
    agentId: "a",
    prepareRun,
    clock: late,
    endpoint,
    encode: (_prompt, outputTokens) => ({ body: Buffer.alloc(0), outputTokens }),
    reporter: reporterInto(clock, prepareRun, reports),
    health: new HealthMeter(clock, {
      cpuSeconds: () => 0,
      rssBytes: () => 1,
      eventLoopUtilisation: () => 0,
      onGcPause: () => () => undefined,
      throttledNs: () => 0,
    }),
    onStart: (segment, started) => starts.push([segment, started]),
  });
  const { runId, incarnation } = prepareRun;
  const arm = (segment: Segment): Promise<unknown> =>
    run.arm({ runId, incarnation, segment, clockOffset: { aheadNs: 0, errorBoundNs: 0 } });
  const lease = (segmentNumber: number, changes: Partial<Lease> = {}): void => {
    run.lease({ runId, incarnation, segmentNumber, expiresInNs: 60 * S, ...changes });
  };
  return { run, prepareRun, reports, sentAtNs, starts, arm, lease };
}

function reporterInto(clock: SimClock, { runId }: PrepareRun, reports: IntervalReport[]): Reporter {
  return new Reporter({
    ...{ runId, agentId: "a", epoch: 1, clock },
    address: { url: "", certificateFingerprint: "" },
    link: {
      open: (_address, _agentId, events) => {
        clock.callAt(0, () => {
          events.onOpen();
        });
        return {
          sendInterval: (report) => {
            queueMicrotask(() => {
              events.onAck(report.epoch, report.sequence);
            });
            return reports.push(report) > 0;
          },
          sendRecords: () => true,
          close: () => Promise.resolve(),
        };
      },
    },
  });
}
