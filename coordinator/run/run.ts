import type { Hello, ReportAddress } from "../../shared/control/control.ts";
import { RecordSums } from "../merge/record-sums.ts";
import type { SegmentRequest, Step } from "../search/procedure.ts";
import type { Validity } from "../validity/validity.ts";
import { FleetControl } from "./fleet-control.ts";
import { AgentLosses } from "./agent-losses.ts";
import { armInTime } from "./arm-in-time.ts";
import { gatherAgents } from "./gather.ts";
import { judgeWindow } from "./judge-window.ts";
import { finishLoad } from "./finish-load.ts";
import { liveView } from "./live-view.ts";
import { Moves } from "./moves.ts";
import { LEASE_NS, prepareRunOf } from "./prepare-run-of.ts";
import { nextSegment } from "./next-segment.ts";
import { judgedProbe } from "./probe-view.ts";
import { intakeOf, type ReportIntake } from "./report-intake.ts";
import type { DrivenSegment, RunEnd, RunOptions, RunPorts } from "./run-contract.ts";
import { RunLedger } from "./run-ledger.ts";
import { type EndDecision, endOf, type RunLogEntry, type Seen } from "./run-log.ts";
import { startOf } from "./segment-start.ts";
import { ServerWatch } from "./server-watch.ts";
import { takeBack } from "./take-back.ts";

/** Leases that come to nobody so often, while reports come, will not come. */
const STARTS_MISSED_MAX = 5;

/** What a run begins with. */
interface Begun {
  readonly agents: readonly Hello[];
  readonly inFlightMax: number;
  readonly intake: ReportIntake;
  readonly report: ReportAddress;
  readonly watch: ServerWatch;
}

/** Drives one run from gathering its agents to releasing them; the only writer of its folder. */
export class Run<State> {
  readonly #options: RunOptions<State>;
  readonly #ports: RunPorts;
  readonly #ledger: RunLedger<State>;
  readonly #isResumed: boolean;
  readonly #losses: AgentLosses;
  /** Of records that came to this coordinator. */
  readonly #records = new RecordSums();
  /** The run's clock zero, on the coordinator's clock; undefined while that clock stands still. */
  #runZeroNs: number | undefined;
  #observedUntilNs = Number.NEGATIVE_INFINITY;
  #startsMissed = 0;
  /** Why a report could not be written down: the run must not go on. */
  #notKept: { readonly error: unknown } | undefined;
  readonly #moves: Moves;

  /** @param replayed what a coordinator that was killed had known; this one goes on from there. */
  constructor(options: RunOptions<State>, ports: RunPorts, replayed?: RunLedger<State>) {
    this.#options = options;
    this.#ports = ports;
    this.#moves = new Moves(ports);
    this.#isResumed = replayed !== undefined;
    this.#ledger =
      replayed ??
      new RunLedger({
        ...options,
        procedureOf: (agents) => options.admit(agents).procedure,
        isServerObserved: ports.observer !== undefined,
      });
    this.#losses = new AgentLosses({
      ...{ ledger: this.#ledger, ports, onAgentLoss: options.onAgentLoss },
      log: (entry) => this.#log(entry),
    });
    ports.link.onHello((hello) => {
      this.#ledger.roster.hear(hello, ports.clock.nowNs());
      this.#moves.moved();
    });
  }

  /** @throws LoadError when agents are missing, refuse, or do not hold one schedule. */
  async execute(): Promise<RunEnd> {
    if (this.#isResumed) {
      const { incarnation } = this.#options;
      await this.#log({ kind: "resumed", incarnation, reports: this.#ledger.merge.reportsTaken });
    }
    await this.#conduct();
    return this.#ledger.end();
  }

  async #conduct(): Promise<void> {
    const { startReportServer } = this.#ports;
    const there = await this.#gather();
    const intake = intakeOf(this.#ledger, {
      ...this.#ports,
      records: this.#records,
      onMoved: (agentId) => {
        this.#moves.moved(agentId);
      },
      onNotKept: (error) => {
        this.#notKept ??= { error };
      },
    });
    const server = await startReportServer(intake);
    try {
      const agents = await this.#taken(there, server.address);
      const { inFlightMax } = this.#options.admit(agents);
      const control = this.#startClock();
      const watch = new ServerWatch(this.#ports, this.#ledger.server);
      try {
        watch.start(() => this.#nowNs());
        await this.#measure(control, {
          agents,
          inFlightMax,
          intake,
          report: server.address,
          watch,
        });
      } finally {
        control.stopLeases();
        await watch.stop();
        // What cannot be written down is not waited for.
        if (this.#notKept !== undefined) control.abort("reports cannot be written down");
        else if (this.#ledger.ended === undefined) await control.letGo(this.#ledger);
      }
    } finally {
      await server.close();
    }
  }

  #gather(): Promise<readonly Hello[]> {
    const ledger = this.#ledger;
    return gatherAgents({
      options: this.#options,
      ports: this.#ports,
      roster: ledger.roster,
      tookPart: this.#isResumed ? ledger.agentIds : [],
      nextMove: () => this.#nextMove(),
    });
  }

  /** Agents that a killed coordinator left in the middle of the run report what they hold, and are free again. */
  async #taken(agents: readonly Hello[], report: ReportAddress): Promise<readonly Hello[]> {
    if (!this.#isResumed) return agents;
    const { runId, incarnation } = this.#options;
    const { epochs } = this.#ledger;
    const taken = await takeBack(this.#ports, agents, { runId, incarnation, report, epochs });
    await this.#log({ kind: "taken-back", agentIds: taken.toldIds });
    return taken.agents;
  }

  /** The run's clock goes on from what is known, reports that came late among it. */
  #startClock(): FleetControl {
    const { clock, link } = this.#ports;
    const { runId, incarnation } = this.#options;
    const { roster, latestNs } = this.#ledger;
    const runZeroNs = clock.nowNs() - latestNs;
    this.#runZeroNs = runZeroNs;
    return new FleetControl({
      ...{ link, clock, roster, runId, incarnation, runZeroNs },
      leaseNs: LEASE_NS,
    });
  }

  async #measure(control: FleetControl, begun: Begun): Promise<void> {
    const { agents, inFlightMax, intake, report, watch } = begun;
    const ledger = this.#ledger;
    await this.#log({ kind: "agents", agents });
    const agentIds = ledger.active;
    this.#ports.onEvent({ kind: "agents", agentIds });
    const unprobed = await control.probeClocks(agentIds);
    await this.#log({ kind: "members", members: ledger.roster.members() });
    const unprepared = await control.prepare(agentIds, (agentId) =>
      prepareRunOf({ ...this.#options, inFlightMax }, { agentId, agentIds, report }),
    );
    // One that did not answer is silent for so long by then that it is lost.
    control.startLeases();
    const cut = await this.#losses.take([...new Set([...unprobed, ...unprepared])]);
    const decision = cut ?? (await this.#drive(control));
    const loadEndedAtNs = this.#nowNs();
    await finishLoad(control, {
      decision,
      options: this.#options,
      ledger,
      records: this.#records,
      clock: this.#ports.clock,
      nowNs: () => this.#nowNs(),
      nextMove: () => this.#nextMove(),
    });
    await intake.close();
    await watch.stop();
    await this.#logEnd(decision, loadEndedAtNs);
  }

  /** The loop of the whole tool: ask the procedure, drive a segment, observe, ask again. */
  async #drive(control: FleetControl): Promise<EndDecision> {
    const ledger = this.#ledger;
    let step = ledger.step;
    let seen: Seen | undefined;
    for (;;) {
      await this.#took(step, seen);
      const decided = endOf(step.decision);
      if (decided !== undefined) return decided;
      if (step.decision.kind === "next") {
        const cut = await this.#startSegment(control, step.decision.request);
        if (cut !== undefined) return cut;
      }
      const news = await this.#nextSeenOf(control);
      if ("kind" in news) return news;
      seen = news;
      const observation = ledger.observe(seen);
      const { merge } = ledger;
      this.#ports.onEvent({ kind: "observed", live: liveView(observation, merge), merge });
      step = ledger.advance(observation);
    }
  }

  /** Returns what ends the run before it could start, if anything. */
  async #startSegment(
    control: FleetControl,
    request: SegmentRequest,
  ): Promise<EndDecision | undefined> {
    const armed = await armInTime(control, {
      leadNs: this.#options.armLeadNs,
      segmentIn: (leadNs) =>
        nextSegment(this.#ledger, this.#options, { request, startAtNs: this.#nowNs() + leadNs }),
      nowNs: () => this.#nowNs(),
      losses: this.#losses,
      onRearm: (segment) => this.#log({ kind: "rearm", segment: segment.number }),
    });
    if ("kind" in armed) return armed;
    const { segment, windowHash } = armed;
    this.#records.expect(segment);
    // Before it may start: what agents fire is never unknown to the next coordinator.
    await this.#log({ kind: "segment", request, segment, windowHash });
    control.lease(segment.number);
    this.#ports.onEvent({ kind: "segment", segment, request });
    return undefined;
  }

  /** As `#nextSeen`, of a segment that has begun: one that began nowhere is started anew. */
  async #nextSeenOf(control: FleetControl): Promise<Seen | EndDecision> {
    for (;;) {
      const news = await this.#nextSeen();
      const { segment, request } = this.#ledger.current;
      if ("kind" in news) return news;
      const start = startOf(segment, this.#ledger, this.#options);
      if (start === "begun" || this.#startsMissed >= STARTS_MISSED_MAX) return news;
      if (start === "unsure") continue;
      this.#startsMissed += 1;
      await this.#log({ kind: "rearm", segment: segment.number });
      const cut = await this.#startSegment(control, request);
      if (cut !== undefined) return cut;
    }
  }

  /** Waits until another interval of the current segment is merged from every agent, or the run is to end. */
  async #nextSeen(): Promise<Seen | EndDecision> {
    const { merge, current, before } = this.#ledger;
    for (;;) {
      if (this.#ports.interrupt.aborted) return { kind: "interrupted" };
      const cut = await this.#losses.check();
      if (cut !== undefined) return cut;
      const sealedUntilNs = merge.sealedUntilNs(this.#ledger.active);
      if (sealedUntilNs > Math.max(this.#observedUntilNs, current.segment.startAtNs)) {
        this.#observedUntilNs = sealedUntilNs;
        return {
          reports: merge.reportsTaken,
          sealedUntilNs,
          validity: this.#validityOf(current),
          ...(before === undefined ? {} : { validityBefore: this.#validityOf(before) }),
        };
      }
      await this.#nextMove(merge.slowestOf(this.#ledger.active));
    }
  }

  /** @param sums once the run is over: what its records say, where it keeps any. */
  #validityOf(driven: DrivenSegment, sums?: RecordSums): Validity {
    const { slo, seed, isAutoscaled } = this.#options;
    return judgeWindow(driven, {
      ledger: this.#ledger,
      slo,
      seed,
      isAutoscaled,
      runZeroNs: this.#runZeroNs ?? 0,
      sums,
    });
  }

  async #took(step: Step<State>, seen: Seen | undefined): Promise<void> {
    const { decision, state, judged } = step;
    const driven = this.#ledger.took(step);
    if (judged !== undefined && driven !== undefined) {
      await this.#log({ kind: "judged", ...judged, validity: driven.validity });
      const probe = judgedProbe(driven, this.#ledger, this.#options.slo);
      this.#ports.onEvent({ kind: "judged", probe });
    }
    await this.#log({ kind: "step", ...(seen === undefined ? {} : { seen }), decision, state });
  }

  /** Whole runs are judged once more, with all that came in; a window that a killed coordinator left keeps its word. */
  async #logEnd(decision: EndDecision, loadEndedAtNs: number): Promise<void> {
    const { driven, merge, roster } = this.#ledger;
    const sums = this.#options.keepRecords ? this.#records : undefined;
    const own = driven.filter(({ incarnation }) => incarnation === this.#options.incarnation);
    await this.#log({
      kind: "end",
      decision,
      loadEndedAtNs,
      reports: merge.reportsTaken,
      validities: own.map((each) => ({
        segment: each.segment.number,
        validity: this.#validityOf(each, sums),
      })),
      members: roster.members(),
    });
  }

  /** What is decided holds from here on, and is written down before anything is done about it. */
  #log(entry: RunLogEntry<State>): Promise<void> {
    const timed = { ...entry, atNs: this.#nowNs() };
    this.#ledger.apply(timed);
    return this.#ports.store.appendLog(timed);
  }

  /** On the run's clock. It stands still while agents gather, and while no coordinator is there. */
  #nowNs(): number {
    if (this.#runZeroNs === undefined) return this.#ledger.latestNs;
    return this.#ports.clock.nowNs() - this.#runZeroNs;
  }

  /** As `Moves.next`. */
  async #nextMove(waitsFor?: string): Promise<void> {
    this.#checkKept();
    await this.#moves.next(waitsFor);
    this.#checkKept();
  }

  #checkKept(): void {
    if (this.#notKept !== undefined) throw this.#notKept.error;
  }
}
