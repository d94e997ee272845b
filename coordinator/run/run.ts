import type { Hello } from "../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { tightestLatencyLimitNs } from "../../shared/slo/thresholds.ts";
import { sleepUntil } from "../../shared/time/clock.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import { Roster } from "../fleet/roster.ts";
import { observe } from "../merge/observation.ts";
import { RunMerge } from "../merge/run-merge.ts";
import type { JudgedSegment, Observation, Procedure, SegmentRequest } from "../search/procedure.ts";
import { judgeGenerator, type Validity } from "../validity/validity.ts";
import { countLengths, countedClauses } from "./counted-clauses.ts";
import { FleetControl } from "./fleet-control.ts";
import { liveView } from "./live-view.ts";
import { LEASE_NS, prepareRunOf } from "./prepare-run-of.ts";
import { probeView } from "./probe-view.ts";
import { ReportIntake } from "./report-intake.ts";
import type { DrivenSegment, RunEnd, RunOptions, RunPorts } from "./run-contract.ts";
import { segmentOf } from "./segment-of.ts";
import { agentFactsOf } from "./window-facts.ts";

/** An agent silent for longer is lost (04-fleet). */
const SILENCE_NS = 3 * NS_PER_SECOND;
const ARM_LEAD_ROUND_TRIPS = 20;
const LOOK_EVERY_NS = 100 * NS_PER_MS;

/** Drives one run from gathering its agents to releasing them; the only writer of its folder. */
export class Run<State> {
  readonly #options: RunOptions<State>;
  readonly #ports: RunPorts;
  readonly #roster = new Roster();
  readonly #merge: RunMerge;
  readonly #driven: DrivenSegment[] = [];
  #agentIds: readonly string[] = [];
  /** Those of them that are still there. */
  #active: readonly string[] = [];
  #runZeroNs = 0;
  #observedUntilNs = Number.NEGATIVE_INFINITY;
  #moved: () => void = () => undefined;

  constructor(options: RunOptions<State>, ports: RunPorts) {
    this.#options = options;
    this.#ports = ports;
    this.#merge = new RunMerge(options.runId);
    ports.link.onHello((hello) => {
      this.#roster.hear(hello, ports.clock.nowNs());
      this.#moved();
    });
  }

  /** @throws LoadError when agents are missing, refuse, or do not hold one schedule. */
  async execute(): Promise<RunEnd> {
    const { clock, link, startReportServer } = this.#ports;
    const agents = await this.#gather();
    const { procedure, inFlightMax } = this.#options.admit(agents);
    this.#runZeroNs = clock.nowNs();
    const control = new FleetControl({
      link,
      clock,
      roster: this.#roster,
      runId: this.#options.runId,
      incarnation: this.#options.incarnation,
      leaseNs: LEASE_NS,
      runZeroNs: this.#runZeroNs,
    });
    const intake = this.#intake();
    const server = await startReportServer(intake);
    try {
      await control.probeClocks(this.#agentIds);
      await control.prepare(this.#agentIds, (agentId) =>
        prepareRunOf(
          { ...this.#options, inFlightMax },
          { agentId, agentIds: this.#agentIds, report: server.address },
        ),
      );
      control.startLeases();
      const decision = await this.#drive(control, procedure);
      await this.#finish(control, decision);
      return {
        decision,
        driven: this.#driven,
        merge: this.#merge,
        roster: this.#roster,
        agentIds: this.#agentIds,
        durationS: this.#durationS(),
      };
    } finally {
      control.stopLeases();
      await control.release(this.#active);
      await server.close();
    }
  }

  async #gather(): Promise<readonly Hello[]> {
    const { clock, interrupt, onEvent } = this.#ports;
    const { agentsMin, gatherNs } = this.#options;
    const untilNs = clock.nowNs() + gatherNs;
    let free = this.#roster.free(clock.nowNs(), SILENCE_NS);
    while (free.length < agentsMin) {
      if (clock.nowNs() >= untilNs || interrupt.aborted) {
        throw new LoadError(`the run needs ${agentsMin} free agents, but ${free.length} answered`, {
          code: "LL_FLEET_TOO_SMALL",
          hint: "start more agents, or ask for fewer with --agents or --min-agents",
          exitCode: interrupt.aborted ? ExitCode.Interrupted : ExitCode.MeasurementInvalid,
        });
      }
      await this.#nextMove();
      free = this.#roster.free(clock.nowNs(), SILENCE_NS);
    }
    this.#agentIds = free.map((member) => member.hello.agentId);
    this.#active = this.#agentIds;
    await this.#log("agents", { agents: free.map((member) => member.hello) });
    onEvent({ kind: "agents", agentIds: this.#agentIds });
    return free.map((member) => member.hello);
  }

  /** The loop of the whole tool: ask the procedure, drive a segment, observe, ask again. */
  async #drive(control: FleetControl, procedure: Procedure<State>): Promise<RunEnd["decision"]> {
    let step = procedure.begin();
    for (;;) {
      const { decision } = step;
      await this.#log("step", { decision, state: step.state });
      if (decision.kind === "next") await this.#startSegment(control, decision.request);
      else if (decision.kind !== "go-on") return decision;
      const observation = await this.#nextObservation();
      if (observation === undefined) return { kind: "interrupted" };
      step = procedure.advance(step.state, observation);
      if (step.judged !== undefined) await this.#judged(step.judged);
    }
  }

  async #startSegment(control: FleetControl, request: SegmentRequest): Promise<void> {
    const { clock, onEvent } = this.#ports;
    const leadNs = Math.max(
      this.#options.armLeadNs,
      ARM_LEAD_ROUND_TRIPS * control.worstRoundTripNs,
    );
    const segment = segmentOf({
      request,
      number: this.#driven.length + 1,
      seed: this.#options.seed,
      startAtNs: clock.nowNs() - this.#runZeroNs + leadNs,
      shares: this.#active.map((agentId) => ({ agentId, capacity: 1 })),
      arrivalsOf: this.#options.arrivalsOf,
    });
    const armed = await control.arm(segment);
    this.#driven.push({
      request,
      segment,
      windowHash: armed[0]?.windowHash ?? "",
      judged: undefined,
      validity: { verdict: "valid", reasons: [] },
    });
    await this.#log("segment", { request, segment, windowHash: armed[0]?.windowHash ?? "" });
    onEvent({ kind: "segment", segment, request });
  }

  /** Waits until another interval of the current segment is merged from every agent; undefined: interrupted. */
  async #nextObservation(): Promise<Observation | undefined> {
    const { interrupt, onEvent } = this.#ports;
    const driven = this.#current();
    for (;;) {
      if (interrupt.aborted) return undefined;
      await this.#checkAgents();
      const sealedUntilNs = this.#merge.sealedUntilNs(this.#active);
      if (sealedUntilNs > Math.max(this.#observedUntilNs, driven.segment.startAtNs)) {
        this.#observedUntilNs = sealedUntilNs;
        driven.validity = this.#validityOf(driven);
        const observation = this.#observe(driven, sealedUntilNs);
        onEvent({ kind: "observed", live: liveView(observation, this.#merge) });
        return observation;
      }
      await this.#nextMove();
    }
  }

  #observe(driven: DrivenSegment, sealedUntilNs: number): Observation {
    return observe({
      request: driven.request,
      segment: driven.segment,
      merge: this.#merge.segment(driven.segment.number),
      thresholdCounts: countLengths(countedClauses(this.#options.slo)),
      sealedUntilNs,
      firstStartAtNs: this.#driven[0]?.segment.startAtNs ?? 0,
      validity: driven.validity.verdict,
    });
  }

  /** The generator's own part of a window, from what is merged so far. */
  #validityOf({ segment }: DrivenSegment): Validity {
    return judgeGenerator({
      agents: agentFactsOf({
        segment,
        merge: this.#merge,
        roster: this.#roster,
        active: this.#active,
      }),
      tightestLimitNs: tightestLatencyLimitNs(this.#options.slo),
      problems: this.#merge.problems,
    });
  }

  async #judged(judged: JudgedSegment): Promise<void> {
    const driven = this.#driven.find((each) => each.segment.number === judged.segment);
    if (driven === undefined) return;
    driven.judged = judged;
    await this.#log("judged", { ...judged, validity: driven.validity });
    const probe = probeView({
      driven,
      merge: this.#merge.segment(driven.segment.number),
      slo: this.#options.slo,
      firstStartAtNs: this.#driven[0]?.segment.startAtNs ?? 0,
      sealedUntilNs: this.#merge.sealedUntilNs(this.#active),
    });
    this.#ports.onEvent({ kind: "judged", probe });
  }

  /** Agents that fell silent take no part any more; the current window says so. */
  async #checkAgents(): Promise<void> {
    const { clock, onEvent } = this.#ports;
    const missing = this.#roster.missing(this.#active, clock.nowNs(), SILENCE_NS);
    if (missing.length === 0) return;
    this.#active = this.#active.filter((agentId) => !missing.includes(agentId));
    for (const agentId of missing) {
      this.#roster.markLost(agentId);
      await this.#log("agent-lost", { agentId, ...this.#merge.totalsOf(agentId) });
      onEvent({ kind: "agent-lost", agentId });
    }
    if (this.#active.length > 0) return;
    throw new LoadError(`every agent of the run was lost: ${this.#agentIds.join(", ")}`, {
      code: "LL_AGENTS_LOST",
      hint: "look at the agents' logs; what they reported is in the run folder",
      exitCode: ExitCode.MeasurementInvalid,
    });
  }

  /** Stops the load, and waits until what is open has ended or may wait no longer. */
  async #finish(control: FleetControl, decision: RunEnd["decision"]): Promise<void> {
    const { clock } = this.#ports;
    await control.stop(this.#active, decision.kind);
    const drainMaxS = decision.kind === "interrupted" ? 1 : this.#options.lastDrainMaxS;
    const stoppedAtNs = clock.nowNs() - this.#runZeroNs;
    const untilNs = clock.nowNs() + drainMaxS * NS_PER_SECOND;
    const drained = (): boolean =>
      this.#merge.sealedUntilNs(this.#active) > stoppedAtNs && this.#merge.drained(this.#active);
    while (!drained() && clock.nowNs() < untilNs) await this.#nextMove();
    // Released agents give up what is open, report it, and only then answer.
    await control.release(this.#active);
    for (const driven of this.#driven) driven.validity = this.#validityOf(driven);
    await this.#log("end", { decision });
  }

  #intake(): ReportIntake {
    return new ReportIntake({
      merge: this.#merge,
      store: this.#ports.store,
      isMember: (agentId) => this.#agentIds.includes(agentId),
      onMerged: (report) => {
        this.#roster.alive(report.agentId, this.#ports.clock.nowNs());
        this.#moved();
      },
    });
  }

  #current(): DrivenSegment {
    const driven = this.#driven.at(-1);
    if (driven === undefined) throw new Error("a procedure begins with a segment");
    return driven;
  }

  #durationS(): number {
    const firstNs = this.#driven[0]?.segment.startAtNs ?? 0;
    const lastNs = this.#merge.sealedUntilNs(this.#agentIds);
    return Number.isFinite(lastNs) ? Math.max(0, lastNs - firstNs) / NS_PER_SECOND : 0;
  }

  #log(kind: string, fields: Record<string, unknown>): Promise<void> {
    const atNs = this.#runZeroNs === 0 ? 0 : this.#ports.clock.nowNs() - this.#runZeroNs;
    return this.#ports.store.appendLog({ kind, atNs, ...fields });
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
