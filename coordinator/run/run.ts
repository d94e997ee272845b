import type { Share } from "../../shared/arrivals/share.ts";
import type { Hello } from "../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { sleepUntil } from "../../shared/time/clock.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import { spreadOver } from "../fleet/spread.ts";
import { RecordSums } from "../merge/record-sums.ts";
import type { SegmentRequest, Step } from "../search/procedure.ts";
import type { Validity } from "../validity/validity.ts";
import { FleetControl } from "./fleet-control.ts";
import { judgeWindow } from "./judge-window.ts";
import { liveView } from "./live-view.ts";
import { LEASE_NS, prepareRunOf } from "./prepare-run-of.ts";
import { probeView } from "./probe-view.ts";
import { missingRecords } from "./record-facts.ts";
import { ReportIntake } from "./report-intake.ts";
import type { DrivenSegment, RunEnd, RunOptions, RunPorts } from "./run-contract.ts";
import { RunLedger } from "./run-ledger.ts";
import { type EndDecision, endOf, type RunLogEntry, type Seen } from "./run-log.ts";
import { segmentOf } from "./segment-of.ts";
import { ServerWatch } from "./server-watch.ts";

/** An agent silent for longer is lost (04-fleet). */
const SILENCE_NS = 3 * NS_PER_SECOND;
const ARM_LEAD_ROUND_TRIPS = 20;
const LOOK_EVERY_NS = 100 * NS_PER_MS;
/** Records follow behind the reports, so the last of them may come after an agent was released. */
const LAST_RECORDS_NS = 2 * NS_PER_SECOND;

/** Drives one run from gathering its agents to releasing them; the only writer of its folder. */
export class Run<State> {
  readonly #options: RunOptions<State>;
  readonly #ports: RunPorts;
  readonly #ledger: RunLedger<State>;
  readonly #isResumed: boolean;
  /** Of records that came to this coordinator. */
  readonly #records = new RecordSums();
  /** The run's clock zero, on the coordinator's clock; undefined while that clock stands still. */
  #runZeroNs: number | undefined;
  #observedUntilNs = Number.NEGATIVE_INFINITY;
  #moved: () => void = () => undefined;

  /** @param replayed what a coordinator that was killed had known; this one goes on from there. */
  constructor(options: RunOptions<State>, ports: RunPorts, replayed?: RunLedger<State>) {
    this.#options = options;
    this.#ports = ports;
    this.#isResumed = replayed !== undefined;
    this.#ledger =
      replayed ??
      new RunLedger({
        ...options,
        procedureOf: (agents) => options.admit(agents).procedure,
        isServerObserved: ports.observer !== undefined,
      });
    ports.link.onHello((hello) => {
      this.#ledger.roster.hear(hello, ports.clock.nowNs());
      this.#moved();
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
    const { clock, link, startReportServer } = this.#ports;
    const ledger = this.#ledger;
    const { inFlightMax } = this.#options.admit(await this.#gather());
    const runZeroNs = clock.nowNs() - ledger.latestNs;
    this.#runZeroNs = runZeroNs;
    const control = new FleetControl({
      link,
      clock,
      roster: ledger.roster,
      runId: this.#options.runId,
      incarnation: this.#options.incarnation,
      leaseNs: LEASE_NS,
      runZeroNs,
    });
    const intake = this.#intake();
    const server = await startReportServer(intake);
    const watch = new ServerWatch(this.#ports, ledger.server);
    const agentIds = ledger.active;
    try {
      watch.start(() => this.#nowNs());
      await control.probeClocks(agentIds);
      await this.#log({ kind: "members", members: ledger.roster.members() });
      await control.prepare(agentIds, (agentId) =>
        prepareRunOf(
          { ...this.#options, inFlightMax },
          { agentId, agentIds, report: server.address },
        ),
      );
      control.startLeases();
      const decision = await this.#drive(control);
      await this.#finish(control, decision);
      await intake.close();
      await watch.stop();
      await this.#logEnd(decision);
    } finally {
      control.stopLeases();
      await watch.stop();
      await control.release(ledger.active);
      await server.close();
    }
  }

  async #gather(): Promise<readonly Hello[]> {
    const { clock, interrupt, onEvent } = this.#ports;
    const { agentsMin, gatherNs } = this.#options;
    const untilNs = clock.nowNs() + gatherNs;
    let free = this.#ledger.roster.free(clock.nowNs(), SILENCE_NS);
    while (free.length < agentsMin) {
      if (clock.nowNs() >= untilNs || interrupt.aborted) {
        throw new LoadError(`the run needs ${agentsMin} free agents, but ${free.length} answered`, {
          code: "LL_FLEET_TOO_SMALL",
          hint: "start more agents, or ask for fewer with --agents or --min-agents",
          exitCode: interrupt.aborted ? ExitCode.Interrupted : ExitCode.MeasurementInvalid,
        });
      }
      await this.#nextMove();
      free = this.#ledger.roster.free(clock.nowNs(), SILENCE_NS);
    }
    const agents = free.map((member) => member.hello);
    await this.#log({ kind: "agents", agents });
    onEvent({ kind: "agents", agentIds: this.#ledger.active });
    return agents;
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
      if (step.decision.kind === "next") await this.#startSegment(control, step.decision.request);
      seen = await this.#nextSeen();
      if (seen === undefined) return { kind: "interrupted" };
      const observation = ledger.observe(seen);
      const { merge } = ledger;
      this.#ports.onEvent({ kind: "observed", live: liveView(observation, merge), merge });
      step = ledger.advance(observation);
    }
  }

  async #startSegment(control: FleetControl, request: SegmentRequest): Promise<void> {
    const { segmentNumber } = this.#ledger;
    const leadNs = Math.max(
      this.#options.armLeadNs,
      ARM_LEAD_ROUND_TRIPS * control.worstRoundTripNs,
    );
    const segment = segmentOf({
      request,
      number: segmentNumber,
      seed: this.#options.seed,
      startAtNs: this.#nowNs() + leadNs,
      shares: this.#spread(),
      arrivalsOf: this.#options.arrivalsOf,
    });
    const [armed] = await control.arm(segment);
    this.#records.expect(segment);
    await this.#log({ kind: "segment", request, segment, windowHash: armed?.windowHash ?? "" });
    this.#ports.onEvent({ kind: "segment", segment, request });
  }

  /** Waits until another interval of the current segment is merged from every agent; undefined: interrupted. */
  async #nextSeen(): Promise<Seen | undefined> {
    const { merge, current, before } = this.#ledger;
    for (;;) {
      if (this.#ports.interrupt.aborted) return undefined;
      await this.#checkAgents();
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
      await this.#nextMove();
    }
  }

  /** @param sums once the run is over: what its records say, where it keeps any. */
  #validityOf(driven: DrivenSegment, sums?: RecordSums): Validity {
    const { slo, seed } = this.#options;
    return judgeWindow(driven, {
      ledger: this.#ledger,
      slo,
      seed,
      runZeroNs: this.#runZeroNs ?? 0,
      sums,
    });
  }

  /** An invalid window is repeated with less load on the agents that it was invalid for. */
  #spread(): readonly Share[] {
    const { active, driven } = this.#ledger;
    const last = driven.at(-1);
    return spreadOver(active, last?.segment.shares, last?.validity.agentIds ?? []);
  }

  async #took(step: Step<State>, seen: Seen | undefined): Promise<void> {
    const { decision, state, judged } = step;
    const driven = this.#ledger.took(step);
    if (judged !== undefined && driven !== undefined) {
      await this.#log({ kind: "judged", ...judged, validity: driven.validity });
      this.#tellJudged(driven);
    }
    await this.#log({ kind: "step", ...(seen === undefined ? {} : { seen }), decision, state });
  }

  #tellJudged(driven: DrivenSegment): void {
    const { merge, active, firstStartAtNs } = this.#ledger;
    const probe = probeView({
      server: this.#ledger.server,
      driven,
      merge: merge.segment(driven.segment.number),
      slo: this.#options.slo,
      firstStartAtNs,
      sealedUntilNs: merge.sealedUntilNs(active),
    });
    this.#ports.onEvent({ kind: "judged", probe });
  }

  /** Agents that fell silent take no part any more; the current window says so. */
  async #checkAgents(): Promise<void> {
    const { clock, onEvent } = this.#ports;
    const ledger = this.#ledger;
    for (const agentId of ledger.roster.missing(ledger.active, clock.nowNs(), SILENCE_NS)) {
      const { totals, open } = ledger.merge.totalsOf(agentId);
      await this.#log({ kind: "agent-lost", agentId, firedCount: totals.fired, open });
      onEvent({ kind: "agent-lost", agentId });
    }
    if (ledger.active.length > 0) return;
    throw new LoadError(`every agent of the run was lost: ${ledger.agentIds.join(", ")}`, {
      code: "LL_AGENTS_LOST",
      hint: "look at the agents' logs; what they reported is in the run folder",
      exitCode: ExitCode.MeasurementInvalid,
    });
  }

  /** Stops the load, and waits until what is open has ended or may wait no longer. */
  async #finish(control: FleetControl, decision: EndDecision): Promise<void> {
    const { clock } = this.#ports;
    const { merge, active } = this.#ledger;
    await control.stop(active, decision.kind);
    await control.probeClocksAgain(active);
    const drainMaxS = decision.kind === "interrupted" ? 1 : this.#options.lastDrainMaxS;
    const stoppedAtNs = this.#nowNs();
    const untilNs = clock.nowNs() + drainMaxS * NS_PER_SECOND;
    const drained = (): boolean =>
      merge.sealedUntilNs(active) > stoppedAtNs && merge.drained(active);
    while (!drained() && clock.nowNs() < untilNs) await this.#nextMove();
    // Released agents give up what is open, report it, and only then answer.
    await control.release(active);
    await this.#lastRecords(active);
  }

  async #lastRecords(agentIds: readonly string[]): Promise<void> {
    const { clock } = this.#ports;
    if (!this.#options.keepRecords) return;
    const untilNs = clock.nowNs() + LAST_RECORDS_NS;
    const missing = (): number => missingRecords(this.#ledger.merge, this.#records, agentIds);
    while (missing() > 0 && clock.nowNs() < untilNs) await this.#nextMove();
  }

  /** Whole runs are judged once more, with all that came in; a window that a killed coordinator left keeps its word. */
  async #logEnd(decision: EndDecision): Promise<void> {
    const { driven, merge, roster } = this.#ledger;
    const sums = this.#options.keepRecords ? this.#records : undefined;
    const own = driven.filter(({ incarnation }) => incarnation === this.#options.incarnation);
    await this.#log({
      kind: "end",
      decision,
      reports: merge.reportsTaken,
      validities: own.map((each) => ({
        segment: each.segment.number,
        validity: this.#validityOf(each, sums),
      })),
      members: roster.members(),
    });
  }

  #intake(): ReportIntake {
    const { clock, store } = this.#ports;
    const ledger = this.#ledger;
    return new ReportIntake({
      merge: ledger.merge,
      store,
      isMember: (agentId) => ledger.agentIds.includes(agentId),
      onMerged: (report) => {
        ledger.roster.alive(report.agentId, clock.nowNs());
        this.#moved();
      },
      onRefused: (agentId) => {
        ledger.roster.markLost(agentId);
        this.#moved();
      },
      onRecords: (batch) => {
        this.#records.take(batch);
        this.#moved();
      },
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

  /** Until a report or a hello comes in, and not longer than a moment. */
  async #nextMove(): Promise<void> {
    const { clock, interrupt } = this.#ports;
    const moved = new Promise<void>((resolve) => {
      this.#moved = resolve;
    });
    await Promise.race([moved, sleepUntil(clock, clock.nowNs() + LOOK_EVERY_NS, interrupt)]);
    this.#moved = () => undefined;
  }
}
