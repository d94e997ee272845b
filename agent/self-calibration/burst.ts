import type { PrepareRun, Target } from "../../shared/control/control.ts";
import { GEOMETRY, Histogram } from "../../shared/measurement/histogram.ts";
import { unitsPerTick } from "../../shared/measurement/metric.ts";
import type { IntervalReport } from "../../shared/measurement/report.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import { sleepUntil } from "../../shared/time/clock.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import { encodeReportUp } from "../../shared/wire/report-codec.ts";
import { AgentRun } from "../agent-run.ts";
import type { HealthMeter } from "../health/health-meter.ts";
import type { Endpoint, PacingClock, ProcessGauges, ReportLink, RequestOrder } from "../ports.ts";
import { Reporter } from "../reporting/reporter.ts";
import type { BurstCost } from "./clean-rate.ts";
import { Tape } from "./tape.ts";

/** As `--prompt-tokens` is unless somebody says otherwise. */
const PROMPT_TOKENS = 128;
const START_AFTER_NS = 20 * NS_PER_MS;
const LOOK_EVERY_NS = 20 * NS_PER_MS;
const RUN = { runId: "self-calibration", incarnation: 1, seed: 1 } as const;

/** The real parts that a burst is fired with; each burst takes a meter of its own. */
export interface Stage {
  readonly agentId: string;
  readonly clock: PacingClock;
  /** Nobody else's: their deltas are read here. */
  readonly gauges: ProcessGauges;
  readonly healthMeter: () => HealthMeter;
  readonly endpointOf: (target: Target) => Endpoint;
  readonly encoderOf: (target: Target) => (prompt: string, outputTokens: number) => RequestOrder;
}

export interface BurstPlan {
  readonly url: string;
  /** Open: Poisson arrivals. Closed: as many streams all the time, so that no backlog can build up. */
  readonly load: { readonly ratePerSecond: number } | { readonly streams: number };
  readonly outputTokens: number;
  /** Before anything is counted, s: until the streams are as many as they stay. */
  readonly settleS: number;
  /** So many content events end that sooner; absent: nothing does. */
  readonly settleEvents?: number;
  readonly countS: number;
  /** How often what came is sealed and encoded, ns. */
  readonly intervalNs: number;
}

/** What a burst showed; counts and costs are of its counted part. */
export interface Burst extends BurstCost {
  readonly tape: Tape;
  readonly sendDelay: Histogram;
  /** Part of the counted time that a CPU quota kept the process from running. */
  readonly throttledFraction: number;
}

/** Fires a short load through every real part but the links to a coordinator, and tells what it took. */
export async function fireBurst(stage: Stage, plan: BurstPlan): Promise<Burst> {
  const { agentId, clock } = stage;
  const tape = new Tape(clock);
  const sendDelay = new Histogram(unitsPerTick("send_delay"));
  const prepareRun = prepareRunOf(plan);
  const { target } = prepareRun;
  const run = new AgentRun({
    agentId,
    prepareRun,
    clock,
    endpoint: tape.endpoint(stage.endpointOf(target)),
    encode: tape.encoder(stage.encoderOf(target)),
    reporter: new Reporter({
      runId: RUN.runId,
      agentId,
      epoch: 1,
      clock,
      link: collectingLink((report) => {
        addSendDelays(sendDelay, report);
      }),
      address: prepareRun.report,
    }),
    health: stage.healthMeter(),
    onStart: () => undefined,
  });
  const segment = segmentOf(agentId, plan);
  const aheadNs = clock.nowNs();
  await run.arm({ ...RUN, segment, clockOffset: { aheadNs, errorBoundNs: 0 } });
  run.lease({ ...RUN, segmentNumber: 1, expiresInNs: prepareRun.limits.leaseNs });
  const settledAtNs = aheadNs + segment.recordFromNs;
  const settled = (): boolean => tape.contentEvents >= (plan.settleEvents ?? Infinity);
  while (!settled() && clock.nowNs() < settledAtNs)
    await sleepUntil(clock, Math.min(settledAtNs, clock.nowNs() + LOOK_EVERY_NS));
  const before = reading(stage, tape);
  await sleepUntil(clock, before.atNs + plan.countS * NS_PER_SECOND);
  const after = reading(stage, tape);
  await run.release();
  return {
    tape,
    sendDelay,
    requests: after.requests - before.requests,
    tokens: after.tokens - before.tokens,
    cpuSeconds: busySeconds(before, after),
    // A process that is moved to another cgroup counts anew.
    throttledFraction:
      Math.max(0, after.throttledNs - before.throttledNs) / (after.atNs - before.atNs),
  };
}

interface Reading extends BurstCost {
  readonly atNs: number;
  /** Since the reading before. */
  readonly loopUtilisation: number;
  readonly throttledNs: number;
}

/**
 * CPU that the work between two readings took. The process's CPU is an upper bound of it, since it has the naps before
 * each instant in it; so is the time the loop was busy, since that has other programs' turns on the core in it.
 */
function busySeconds(before: Reading, after: Reading): number {
  const loopS = (after.loopUtilisation * (after.atNs - before.atNs)) / NS_PER_SECOND;
  return Math.min(loopS, after.cpuSeconds - before.cpuSeconds);
}

function reading({ clock, gauges }: Stage, tape: Tape): Reading {
  return {
    atNs: clock.nowNs(),
    requests: tape.requests.length,
    tokens: tape.contentEvents,
    cpuSeconds: gauges.cpuSeconds(),
    loopUtilisation: gauges.eventLoopUtilisation(),
    throttledNs: gauges.throttledNs(),
  };
}

function segmentOf(agentId: string, { load, settleS, countS }: BurstPlan): Segment {
  const recordFromNs = START_AFTER_NS + settleS * NS_PER_SECOND;
  const recordUntilNs = recordFromNs + countS * NS_PER_SECOND;
  return {
    number: 1,
    mode:
      "streams" in load
        ? { kind: "closed", streams: load.streams }
        : { kind: "open", arrivals: { kind: "poisson", ratePerSecond: load.ratePerSecond } },
    startAtNs: START_AFTER_NS,
    recordFromNs,
    recordUntilNs,
    endByNs: recordUntilNs,
    requestsMax: 0,
    shares: [{ agentId, capacity: 1 }],
  };
}

function prepareRunOf(plan: BurstPlan): PrepareRun {
  const { url, outputTokens, settleS, countS, intervalNs } = plan;
  const target: Target = {
    url,
    endpoint: "chat",
    model: "null",
    apiKeyEnv: undefined,
    headers: {},
    extraBody: {},
    timeoutNs: 10 * NS_PER_SECOND,
    caPem: undefined,
    tlsInsecure: false,
    forceOutput: false,
  };
  const fixed = (tokens: number) => ({ kind: "fixed", tokens }) as const;
  return {
    ...RUN,
    target,
    workload: {
      classes: [
        {
          name: "default",
          weight: 1,
          promptTokens: fixed(PROMPT_TOKENS),
          outputTokens: fixed(outputTokens),
        },
      ],
    },
    // What a usual SLO has an agent count.
    thresholds: [
      { clause: 0, metric: "ttft", thresholds: [NS_PER_MS, NS_PER_SECOND], className: undefined },
      { clause: 1, metric: "itl", thresholds: [1, 2, 3, 4], className: undefined },
      { clause: 2, metric: "goodput", thresholds: [], className: undefined },
    ],
    geometry: GEOMETRY,
    report: { url: "127.0.0.1:0", certificateFingerprint: "" },
    limits: {
      inFlightMax: 4_096,
      drainMaxNs: NS_PER_SECOND,
      intervalNs,
      leaseNs: (settleS + countS + 5) * NS_PER_SECOND,
    },
    keepRecords: true,
  };
}

function addSendDelays(sum: Histogram, { deltas }: IntervalReport): void {
  for (const { recorded, classes } of deltas) {
    if (!recorded) continue;
    for (const metrics of classes.values()) {
      const part = metrics.get("send_delay");
      if (part !== undefined) sum.add(part);
    }
  }
}

/** Acknowledges every report, which goes nowhere; what a real link encodes is encoded. */
function collectingLink(onReport: (report: IntervalReport) => void): ReportLink {
  return {
    open: (_address, _agentId, events) => {
      queueMicrotask(() => {
        events.onOpen();
      });
      return {
        sendInterval: (report) => {
          onReport(report);
          queueMicrotask(() => {
            events.onAck(report.epoch, report.sequence);
          });
          return true;
        },
        sendRecords: (batch) => {
          encodeReportUp({ kind: "records", batch });
          return true;
        },
        close: () => Promise.resolve(),
      };
    },
  };
}
