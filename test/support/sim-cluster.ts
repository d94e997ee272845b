import { Agent } from "../../agent/agent.ts";
import { AgentRun } from "../../agent/agent-run.ts";
import { HealthMeter } from "../../agent/health/health-meter.ts";
import type { Endpoint, PacingClock, ProcessGauges } from "../../agent/ports.ts";
import { Flight } from "../../agent/recording/flight.ts";
import { Reporter } from "../../agent/reporting/reporter.ts";
import type { LogEntry, RunStore } from "../../coordinator/ports.ts";
import { Run } from "../../coordinator/run/run.ts";
import type { RunLedger } from "../../coordinator/run/run-ledger.ts";
import type { RunEnd, RunEvent, RunOptions } from "../../coordinator/run/run-contract.ts";
import type { PolicySummary } from "../../shared/control/control.ts";
import type { IntervalReport } from "../../shared/measurement/report.ts";
import { type Prng, randomStream } from "../../shared/random/stream.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import type { Clock } from "../../shared/time/clock.ts";
import { SimClock } from "./sim-clock.ts";
import { SimNetwork } from "./sim-network.ts";

/** The server answers each request after this long. */
export const SERVICE_NS = 20 * NS_PER_MS;
/** Agents' clocks differ from the coordinator's by up to this much. */
const SKEW_MAX_NS = 2 * NS_PER_SECOND;
/** An agent's timers run this late at most. */
export const LATE_MAX_NS = 0.5 * NS_PER_MS;

/** A run that takes longer, in virtual time, hangs. */
const RUN_MAX_NS = 120 * NS_PER_SECOND;

const POLICY: PolicySummary = {
  targets: ["*:*"],
  ratePerSecondMax: 1e6,
  inFlightMax: 1e6,
  durationNsMax: 3_600 * NS_PER_SECOND,
  tokensMax: 1e9,
};

/** A request as the server saw it come. */
export interface ServedRequest {
  readonly agentId: string;
  readonly segment: number;
  readonly index: number;
  /** Run clock, ns. */
  readonly intendedAtNs: number;
  /** The virtual clock, ns. */
  readonly arrivedAtNs: number;
}

/** A line of the log, or a report. */
export type JournalEntry =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "report"; readonly report: IntervalReport };

/** A run that a killed coordinator left. */
export interface LeftRun<State> {
  readonly ledger: RunLedger<State>;
  readonly incarnation: number;
  /** Of the agents, which were started anew; by default later than before. */
  readonly epoch?: number;
}

/** Agents' epochs lie this far apart from one incarnation to the next. */
const EPOCH_STEP = 1_000;

/** A stretch of the virtual clock, ns. */
export interface Stretch {
  readonly fromNs: number;
  readonly untilNs: number;
}

/** What goes wrong, and whose fault it is. */
export interface Faults {
  /** Nothing of this agent's process runs: what is due meanwhile runs behind it. */
  readonly agentStall?: Stretch & { readonly agentId: string };
  /** The server answers nothing: what should come meanwhile comes behind it. */
  readonly serverStall?: Stretch;
  /** Leases that are published meanwhile come to nobody; all else does. */
  readonly leasesLost?: Stretch;
  /** From an instant on this agent's clock is ahead by so much more. */
  readonly clockStep?: { readonly agentId: string; readonly atNs: number; readonly stepNs: number };
}

/** What a server would have to say of one run. */
export interface ClusterEnd {
  readonly end: RunEnd;
  readonly served: readonly ServedRequest[];
  readonly events: readonly RunEvent[];
  readonly stored: readonly IntervalReport[];
  /** What was written, in its order, as a disk would give it back. */
  readonly journal: readonly JournalEntry[];
  readonly network: SimNetwork;
  /** The run clock's zero, on the virtual clock, ns. */
  readonly runZeroNs: number;
  /** Calls that are still asked of the clock, with every agent closed and everything on its way arrived. */
  readonly callsLeft: number;
}

export type ClusterOptions<State> = Omit<
  RunOptions<State>,
  "runId" | "incarnation" | "seed" | "target"
>;

/**
 * A whole cluster in one process and in virtual time: the real run and real agents, over a simulated network, against
 * a server that answers everything. The same seed gives the same run, to the nanosecond.
 */
export async function runCluster<State>(
  seed: number,
  options: ClusterOptions<State>,
  left?: LeftRun<State>,
  faults: Faults = {},
): Promise<ClusterEnd> {
  // Every agent's clock is positive from the start.
  const clock = new SimClock(10 * NS_PER_SECOND);
  // No segment has the number 0, so this stream is nobody else's.
  const prng = randomStream({ seed, segment: 0, purpose: "nonce" });
  const network = new SimNetwork(clock, prng);
  network.isLeaseLost = () => lies(faults.leasesLost, clock.nowNs());
  const served: ServedRequest[] = [];
  const events: RunEvent[] = [];
  const store = new MemoryStore(clock);
  const incarnation = left?.incarnation ?? 1;
  const epoch = left?.epoch ?? EPOCH_STEP * incarnation;
  const agents = Array.from({ length: options.agentsMin }, (_, place) =>
    simAgent(`agent-${place + 1}`, { clock, prng, network, served, faults, epoch }),
  );
  const run = new Run(
    { ...options, runId: RUN_ID, incarnation, seed, target: TARGET },
    {
      clock,
      link: network.fleetLink(),
      store,
      startReportServer: (receiver) => network.startReportServer(receiver),
      onEvent: (event) => events.push(event),
      interrupt: new AbortController().signal,
    },
    left?.ledger,
  );
  for (const agent of agents) agent.start();
  const end = await settled(clock, run.execute());
  await Promise.all(agents.map((agent) => agent.close()));
  await clock.advance(10 * NS_PER_SECOND);
  const callsLeft = clock.pendingCalls();
  const { journal, runZeroNs } = store;
  const stored = journal.flatMap((entry) => (entry.kind === "report" ? [entry.report] : []));
  return { end, served, events, stored, journal, network, runZeroNs, callsLeft };
}

export const RUN_ID = "run-1";

export const TARGET = {
  url: "http://server.test/v1",
  endpoint: "chat",
  model: "m",
  apiKeyEnv: undefined,
  headers: {},
  extraBody: {},
  timeoutNs: 10 * NS_PER_SECOND,
  caPem: undefined,
  tlsInsecure: false,
  forceOutput: false,
} as const;

/** Moves the time until `work` is done. */
async function settled<T>(clock: SimClock, work: Promise<T>): Promise<T> {
  let over = false;
  const watched = work.finally(() => {
    over = true;
  });
  // Whoever awaits `watched` below is told of its error; nobody else needs to be.
  watched.catch(() => undefined);
  await clock.runUntil(() => over, RUN_MAX_NS);
  return watched;
}

/** What an agent of the simulation lives in. */
export interface World {
  readonly clock: Clock;
  readonly prng: Prng;
  readonly network: Pick<SimNetwork, "controlLink" | "reportLink">;
  readonly served: ServedRequest[];
  /** Of every agent that is started with it. */
  readonly epoch: number;
  readonly faults: Faults;
}

/** A real agent with a clock of its own, as agent/main.ts puts it together. */
export function simAgent(agentId: string, world: World): Agent {
  const clock = skewedClock(agentId, world);
  const endpoint = answeringEndpoint(agentId, world, clock);
  const { epoch } = world;
  return new Agent({
    identity: {
      agentId,
      epoch,
      version: "1",
      host: agentId,
      processId: 1,
      cores: 1,

      cleanRatePerSecond: 0,
      cleanTokensPerSecond: 0,
      floor: undefined,
      policy: POLICY,
    },
    clock,
    link: world.network.controlLink(agentId),
    openRun: (prepareRun, onStart) => {
      const { runId, report } = prepareRun;
      const link = world.network.reportLink();
      const reporter = new Reporter({
        ...{ runId, agentId, clock, link, address: report },
        epoch: epoch + prepareRun.incarnation - 1,
      });
      const run = new AgentRun({
        agentId,
        prepareRun,
        clock,
        endpoint,
        encode: (_prompt, outputTokens) => ({ body: Buffer.alloc(0), outputTokens }),
        reporter,
        health: new HealthMeter(clock, IDLE_GAUGES),
        onStart,
      });
      return Promise.resolve({
        run,
        attach: (address) => {
          reporter.attach(address);
          return reporter.spooledReports;
        },
      });
    },
    checkSegment: () => undefined,
  });
}

/** A view of the one virtual clock: off by a seeded amount, and now and then a little late. */
function skewedClock(agentId: string, { clock, prng, faults }: World): PacingClock {
  const skewNs = Math.round((2 * prng.nextUnit() - 1) * SKEW_MAX_NS);
  const { agentStall, clockStep } = faults;
  const stall = agentStall?.agentId === agentId ? agentStall : undefined;
  const step = clockStep?.agentId === agentId ? clockStep : undefined;
  const aheadNs = (): number =>
    skewNs + (step !== undefined && clock.nowNs() >= step.atNs ? step.stepNs : 0);
  const callAt: PacingClock["callAt"] = (atNs, task) => {
    const dueNs = Math.max(atNs - aheadNs(), clock.nowNs());
    return clock.callAt(behind(stall, dueNs + Math.round(prng.nextUnit() * LATE_MAX_NS)), task);
  };
  return { nowNs: () => clock.nowNs() + aheadNs(), callAt, callPrecisely: callAt };
}

function behind(stretch: Stretch | undefined, atNs: number): number {
  return stretch !== undefined && lies(stretch, atNs) ? stretch.untilNs : atNs;
}

function lies(stretch: Stretch | undefined, atNs: number): boolean {
  return stretch !== undefined && atNs >= stretch.fromNs && atNs < stretch.untilNs;
}

/** Half of its time to the first token, the other half to the end. */
function answeringEndpoint(agentId: string, world: World, own: PacingClock): Endpoint {
  const { clock, served, faults } = world;
  const stall = faults.agentStall?.agentId === agentId ? faults.agentStall : undefined;
  const answeredAt = (atNs: number): number => behind(stall, behind(faults.serverStall, atNs));
  return {
    send: (_order, listener) => {
      if (!(listener instanceof Flight)) throw new Error("an agent listens with a flight");
      const { segment, index, intendedAtRunNs: intendedAtNs } = listener;
      const sentAtNs = clock.nowNs();
      served.push({ agentId, segment, index, intendedAtNs, arrivedAtNs: sentAtNs });
      const cancelFirst = clock.callAt(answeredAt(sentAtNs + SERVICE_NS / 2), () => {
        listener.onHeaders(own.nowNs(), 200);
        listener.onContent(own.nowNs(), 1, true);
      });
      const cancelEnd = clock.callAt(answeredAt(sentAtNs + SERVICE_NS), () => {
        listener.onUsage(1, 1);
        listener.onEnd(own.nowNs(), "ok", 200, "");
      });
      return (outcome) => {
        cancelFirst();
        cancelEnd();
        listener.onEnd(own.nowNs(), outcome, 0, "given up");
      };
    },
    connect: () => Promise.resolve(),
    socketsOpen: () => 1,
    close: () => Promise.resolve(),
  };
}

const IDLE_GAUGES: ProcessGauges = {
  cpuSeconds: () => 0,
  rssBytes: () => 1,
  eventLoopUtilisation: () => 0,
  onGcPause: () => () => undefined,
  throttledNs: () => 0,
};

class MemoryStore implements RunStore {
  readonly directory = "memory";
  readonly journal: JournalEntry[] = [];
  runZeroNs = 0;
  readonly #clock: SimClock;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  writePlan(): Promise<void> {
    return Promise.resolve();
  }

  appendInterval(report: IntervalReport): Promise<void> {
    this.journal.push({ kind: "report", report });
    // As a disk does: other things happen before it is there.
    return new Promise((resolve) => {
      this.#clock.callAt(this.#clock.nowNs() + 0.1 * NS_PER_MS, resolve);
    });
  }

  appendLog(entry: LogEntry): Promise<void> {
    this.journal.push({ kind: "line", text: JSON.stringify(entry) });
    // Entries before the run's clock began are at 0.
    if (entry.atNs > 0) this.runZeroNs = this.#clock.nowNs() - entry.atNs;
    return Promise.resolve();
  }

  appendServer(): Promise<void> {
    return Promise.resolve();
  }

  appendRecords(): Promise<void> {
    return Promise.resolve();
  }

  writeFile(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
