import type {
  AgentRequest,
  AgentResponse,
  ArmedSegment,
  PrepareRun,
  Refusal,
} from "../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import { type CancelCall, type Clock, sleepUntil } from "../../shared/time/clock.ts";
import {
  type ClockOffset,
  type ClockProbe,
  estimateClockOffset,
} from "../../shared/time/clock-offset.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import type { Roster } from "../fleet/roster.ts";
import type { FleetLink } from "../ports.ts";
import { askAgent, isAway, refused } from "./ask-agent.ts";

/** At least this many exchanges; the shortest round trip counts (04-fleet: NTP's on-wire protocol). */
const CLOCK_PROBES = 16;
const LEASE_EVERY_NS = NS_PER_SECOND;
const DISMISS_TIMEOUT_NS = NS_PER_SECOND;

export interface FleetControlOptions {
  readonly link: FleetLink;
  readonly clock: Clock;
  readonly roster: Roster;
  readonly runId: string;
  readonly incarnation: number;
  readonly leaseNs: number;
  /** The run's clock zero, on the coordinator's clock. */
  readonly runZeroNs: number;
}

/** How a segment was armed. */
export interface Armed {
  /** Of the agents' common schedule; empty for modes without one. */
  readonly windowHash: string;
  /** Agents that are not there any more, so that the segment will not start. */
  readonly awayIds: readonly string[];
}

/** Everything the coordinator says to its agents during a run. */
export class FleetControl {
  readonly #options: FleetControlOptions;
  #leasedSegment = 0;
  #cancelLease: CancelCall | undefined;
  #worstRoundTripNs = 0;

  constructor(options: FleetControlOptions) {
    this.#options = options;
  }

  /** The longest of the agents' shortest round trips, ns. */
  get worstRoundTripNs(): number {
    return this.#worstRoundTripNs;
  }

  /** Measures how far each agent's clock is ahead of ours. Returns the agents that do not answer. */
  async probeClocks(agentIds: readonly string[]): Promise<readonly string[]> {
    return this.#each(agentIds, async (agentId) => {
      const offset = await this.#clockOffsetOf(agentId);
      this.#options.roster.probed(agentId, offset);
      this.#worstRoundTripNs = Math.max(this.#worstRoundTripNs, 2 * offset.errorBoundNs);
    });
  }

  /** Measures them again, to see whether one was set or drifted meanwhile; agents that do not answer are left out. */
  async probeClocksAgain(agentIds: readonly string[]): Promise<void> {
    await Promise.allSettled(
      agentIds.map(async (agentId) => {
        this.#options.roster.probedAgain(agentId, await this.#clockOffsetOf(agentId));
      }),
    );
  }

  /** Gives every agent the run. All refusals are told at once. Returns the agents that do not answer. */
  async prepare(
    agentIds: readonly string[],
    prepareOf: (agentId: string) => PrepareRun,
  ): Promise<readonly string[]> {
    const refusals: string[] = [];
    let first: Refusal | undefined;
    const awayIds = await this.#each(agentIds, async (agentId) => {
      const prepareRun = prepareOf(agentId);
      const response = await this.#ask(agentId, { kind: "prepare-run", prepareRun });
      if (response.kind !== "refusal") return;
      first ??= response.refusal;
      refusals.push(`${agentId}: ${response.refusal.message}`);
    });
    if (first === undefined) return awayIds;
    throw new LoadError(`the run cannot start: ${refusals.sort().join("; ")}`, {
      code: first.code,
      hint: first.hint,
      exitCode: exitCodeOf(first.code),
    });
  }

  /**
   * Makes one segment ready on every agent; it starts once it is leased. Where an agent has gone it must not be.
   *
   * @throws LoadError LL_SCHEDULE_MISMATCH when the agents do not hold one and the same schedule.
   */
  async arm(segment: Segment): Promise<Armed> {
    const armed: ArmedSegment[] = [];
    const restartedIds: string[] = [];
    const agentIds = segment.shares.map(({ agentId }) => agentId);
    const unprobedIds = await this.#probeNewClocks(agentIds);
    if (unprobedIds.length > 0) return { windowHash: "", awayIds: unprobedIds };
    const silentIds = await this.#each(agentIds, async (agentId) => {
      const answer = await this.#armOn(agentId, segment);
      if (answer === undefined) restartedIds.push(agentId);
      else armed.push(answer);
    });
    const awayIds = [...silentIds, ...restartedIds];
    if (awayIds.length > 0) return { windowHash: "", awayIds };
    checkSchedule(segment, armed);
    return { windowHash: armed[0]?.windowHash ?? "", awayIds };
  }

  /** One that was started anew between its probe and its preparation has another clock. */
  #probeNewClocks(agentIds: readonly string[]): Promise<readonly string[]> {
    const { roster } = this.#options;
    return this.probeClocks(
      agentIds.filter((agentId) => roster.get(agentId)?.clockOffset === undefined),
    );
  }

  /** Undefined when the agent holds the run no more: it was started anew. */
  async #armOn(agentId: string, segment: Segment): Promise<ArmedSegment | undefined> {
    const { roster, runId, incarnation, runZeroNs } = this.#options;
    const offset = roster.get(agentId)?.clockOffset;
    if (offset === undefined) return undefined;
    const clockOffset = { ...offset, aheadNs: offset.aheadNs + runZeroNs };
    const armSegment = { runId, incarnation, segment, clockOffset };
    const response = await this.#ask(agentId, { kind: "arm-segment", armSegment });
    if (response.kind === "armed") return response.armed;
    const code = response.kind === "refusal" ? response.refusal.code : undefined;
    if (code === "LL_AGENT_NOT_PREPARED") return undefined;
    throw refused(agentId, response);
  }

  /** Lets a segment that was armed start on every agent, and go on. */
  lease(segmentNumber: number): void {
    this.#leasedSegment = segmentNumber;
    this.#beat();
  }

  /** Lets agents fire on: without it they stop by themselves within the lease. */
  startLeases(): void {
    this.#beat();
  }

  stopLeases(): void {
    this.#cancelLease?.();
    this.#cancelLease = undefined;
  }

  /** Tells agents to stop firing; one that does not hear it stops when its lease lapses. */
  async stop(agentIds: readonly string[], reason: string): Promise<void> {
    const { runId, incarnation } = this.#options;
    this.stopLeases();
    await this.#tell(agentIds, { kind: "stop", runId, incarnation, reason });
  }

  async release(agentIds: readonly string[]): Promise<void> {
    const { runId, incarnation } = this.#options;
    await this.#tell(agentIds, { kind: "release", runId, incarnation });
  }

  /** Releases every agent that ever took part: one that was lost and is back is free again, though not waited for. */
  async letGo(run: {
    readonly active: readonly string[];
    readonly agentIds: readonly string[];
  }): Promise<void> {
    const { link, runId, incarnation } = this.#options;
    const lost = run.agentIds.filter((agentId) => !run.active.includes(agentId));
    const request = { kind: "release", runId, incarnation } as const;
    await Promise.allSettled([
      this.release(run.active),
      ...lost.map((agentId) => link.request(agentId, request, DISMISS_TIMEOUT_NS)),
    ]);
  }

  /** Every agent of the run gives it up at once; nothing more is reported. */
  abort(reason: string): void {
    const { link, runId } = this.#options;
    this.stopLeases();
    link.publishAbort({ runId, reason });
  }

  /** Does it for all at once; returns those that were away. */
  async #each(
    agentIds: readonly string[],
    task: (agentId: string) => Promise<void>,
  ): Promise<readonly string[]> {
    const awayIds: string[] = [];
    const each = async (agentId: string): Promise<void> => {
      try {
        await task(agentId);
      } catch (error) {
        if (!isAway(error)) throw error;
        awayIds.push(agentId);
      }
    };
    await Promise.all(agentIds.map(each));
    return awayIds;
  }

  #beat(): void {
    const { link, clock, runId, incarnation, leaseNs } = this.#options;
    this.#cancelLease?.();
    link.publishLease({
      runId,
      incarnation,
      segmentNumber: this.#leasedSegment,
      expiresInNs: leaseNs,
    });
    this.#cancelLease = clock.callAt(clock.nowNs() + LEASE_EVERY_NS, () => {
      this.#beat();
    });
  }

  async #clockOffsetOf(agentId: string): Promise<ClockOffset> {
    const { clock } = this.#options;
    const probes: ClockProbe[] = [];
    for (let attempt = 0; attempt < CLOCK_PROBES; attempt += 1) {
      const response = await this.#ask(agentId, { kind: "clock-probe", sentAtNs: clock.nowNs() });
      const answeredAtNs = clock.nowNs();
      if (response.kind !== "clock-probe") throw refused(agentId, response);
      probes.push({
        sentAtNs: response.requestSentAtNs,
        receivedAtNs: response.receivedAtNs,
        repliedAtNs: response.repliedAtNs,
        answeredAtNs,
      });
      // Spread over some ms, so that one busy moment does not meet them all.
      await sleepUntil(clock, clock.nowNs() + NS_PER_MS);
    }
    return estimateClockOffset(probes);
  }

  #ask(agentId: string, request: AgentRequest): Promise<AgentResponse> {
    return askAgent(this.#options, agentId, request);
  }

  /** An agent that does not answer stops by itself. */
  async #tell(agentIds: readonly string[], request: AgentRequest): Promise<void> {
    await Promise.allSettled(agentIds.map((agentId) => this.#ask(agentId, request)));
  }
}

/** A refusal names what is wrong by its code; the process ends as if it had been found here. */
function exitCodeOf(code: string): ExitCode {
  const [, area] = code.split("_");
  if (area === "TARGET") return ExitCode.TargetUnusable;
  return area === "AGENT" ? ExitCode.MeasurementInvalid : ExitCode.PlanInvalid;
}

/** Every agent must hold the same arrivals, and their parts must add up to the whole. */
function checkSchedule(segment: Segment, armed: readonly ArmedSegment[]): void {
  const [first] = armed;
  if (first === undefined || segment.mode.kind !== "open") return;
  const owned = armed.reduce((sum, each) => sum + each.ownedCount, 0);
  const agree = armed.every((each) => each.windowHash === first.windowHash);
  if (agree && owned === first.totalCount) return;
  throw new LoadError(
    `the agents do not hold one schedule for segment ${segment.number}: ${armed.length} agents, ` +
      `${new Set(armed.map((each) => each.windowHash)).size} different hashes, ${owned} of ${first.totalCount} arrivals owned`,
    {
      code: "LL_SCHEDULE_MISMATCH",
      hint: "run the same version of Loadline on every agent",
      exitCode: ExitCode.MeasurementInvalid,
    },
  );
}
