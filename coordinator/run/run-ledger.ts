import type { Hello } from "../../shared/control/control.ts";
import type { Slo } from "../../shared/slo/slo.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { Roster } from "../fleet/roster.ts";
import { observe } from "../merge/observation.ts";
import { RunMerge } from "../merge/run-merge.ts";
import type {
  JudgedSegment,
  Observation,
  Procedure,
  Step,
  WindowObserved,
} from "../search/procedure.ts";
import { ServerLog } from "../server/server-log.ts";
import { VALID } from "../validity/validity.ts";
import { countLengths, countedClauses } from "./counted-clauses.ts";
import { lostOpenOf } from "./lost-requests.ts";
import type { DrivenSegment, Resumption, RunEnd } from "./run-contract.ts";
import {
  type EndDecision,
  endOf,
  isUnfinished,
  type RunLogEntry,
  type Seen,
  type TimedEntry,
} from "./run-log.ts";

export interface LedgerOptions<State> {
  readonly runId: string;
  readonly slo: Slo;
  /** Decides what is driven, by what the run's first agents carry. */
  readonly procedureOf: (agents: readonly Hello[]) => Procedure<State>;
  /** The target's own metrics are scraped. */
  readonly isServerObserved?: boolean;
}

/**
 * All that a run knows: what was reported, and what was decided.
 *
 * It changes only by reports and by log entries, in the order of the log, so that a run and the replay of its folder
 * hold the same.
 */
export class RunLedger<State> {
  readonly roster = new Roster();
  readonly merge: RunMerge;
  readonly driven: DrivenSegment[] = [];
  readonly resumptions: Resumption[] = [];
  /** Filled by whoever reads `server.jsonl`, or writes it. */
  readonly server: ServerLog | undefined;
  /** Everyone who ever took part, in the order of coming. */
  agentIds: readonly string[] = [];
  /** The process of each of them that took part last. */
  readonly epochs = new Map<string, number>();
  /** Those of them that still do. */
  active: readonly string[] = [];
  incarnation = 1;
  ended: EndDecision | undefined;
  readonly #options: LedgerOptions<State>;
  #latestNs = 0;
  /** How long the windows went on that killed coordinators left. */
  #voidNs = 0;
  #decidedAtNs: number | undefined;
  /** Run clock, ns: when the coordinator that goes on came; agents' late reports move the clock on. */
  #resumedAtNs: number | undefined;
  /** Run clock, ns; undefined while the run goes on. */
  #loadEndedAtNs: number | undefined;
  #procedure: Procedure<State> | undefined;
  #step: Step<State> | undefined;
  /** The last step that asked for a segment. */
  #asking: Step<State> | undefined;
  #segmentsAsked = 0;

  constructor(options: LedgerOptions<State>) {
    this.#options = options;
    this.merge = new RunMerge(options.runId);
    this.server = options.isServerObserved === true ? new ServerLog() : undefined;
  }

  /** Where the procedure stands: its first step, the last one, or the one that a resumed run does again. */
  get step(): Step<State> {
    this.#step ??= this.#agreed().begin();
    return this.#step;
  }

  /** The answer was there, also when the coordinator did not live to write its end. */
  get decided(): EndDecision | undefined {
    if (this.#step === undefined || isUnfinished(this.ended)) return undefined;
    return endOf(this.#step.decision);
  }

  /** Run clock, ns: when the answer was there; while there is none, the latest that is known. */
  get decidedAtNs(): number {
    return this.#decidedAtNs ?? this.latestNs;
  }

  /** The current segment. */
  get current(): DrivenSegment {
    const driven = this.driven.at(-1);
    if (driven === undefined) throw new Error("a procedure begins with a segment");
    return driven;
  }

  get firstStartAtNs(): number {
    return this.driven[0]?.segment.startAtNs ?? 0;
  }

  /** Run clock, ns: nothing that is known happened later. */
  get latestNs(): number {
    return Math.max(this.#latestNs, this.merge.latestNs);
  }

  /** The number of the segment that was asked for last. */
  get segmentNumber(): number {
    return this.#segmentsAsked;
  }

  apply(entry: TimedEntry<State>): void {
    const before = this.latestNs;
    this.#latestNs = Math.max(this.#latestNs, entry.atNs);
    if (entry.kind === "agents")
      this.#voidNs += Math.max(0, entry.atNs - (this.#resumedAtNs ?? entry.atNs));
    if (entry.kind === "step" && endOf(entry.decision) !== undefined)
      this.#decidedAtNs = entry.atNs;
    if (entry.kind === "resumed") this.#resumedAtNs = Math.max(before, entry.atNs);
    this.#apply(entry);
  }

  /** The segment before the current one, which goes on being decided; undefined where a coordinator's end cut it off. */
  get before(): DrivenSegment | undefined {
    const before = this.driven.at(-2);
    return before?.isCutOff === true ? undefined : before;
  }

  /** The current window, and the one before it, as every agent has reported them by now. */
  observe({ sealedUntilNs, validity, validityBefore }: Seen): Observation {
    const { current, before } = this;
    current.validity = validity;
    if (before !== undefined && validityBefore !== undefined) before.validity = validityBefore;
    const previous =
      before === undefined
        ? undefined
        : this.#windowOf(before, { sealedUntilNs, supersededAtNs: current.segment.startAtNs });
    return { ...this.#windowOf(current, { sealedUntilNs, supersededAtNs: Infinity }), previous };
  }

  #windowOf(
    { request, segment, validity }: DrivenSegment,
    { sealedUntilNs, supersededAtNs }: { sealedUntilNs: number; supersededAtNs: number },
  ): WindowObserved {
    return observe({
      request,
      segment,
      merge: this.merge.segment(segment.number),
      thresholdCounts: countLengths(countedClauses(this.#options.slo)),
      sealedUntilNs,
      // What a killed coordinator's last window took is not taken from the time that a search has.
      firstStartAtNs: this.firstStartAtNs + this.#voidNs,
      supersededAtNs,
      validity: validity.verdict,
      lostOpen: lostOpenOf(this.merge.segment(segment.number), this.active),
    });
  }

  /** Asks the procedure. What it says holds once it is in the log, and applied. */
  advance(observation: Observation): Step<State> {
    return this.#agreed().advance(this.step.state, observation);
  }

  /** Takes a step, and its verdict if there is one; returns the segment that it is about. */
  took(step: Step<State>): DrivenSegment | undefined {
    this.#step = step;
    if (step.decision.kind === "next") {
      this.#asking = step;
      this.#segmentsAsked += 1;
    }
    return step.judged === undefined ? undefined : this.#judge(step.judged);
  }

  end(): RunEnd {
    const sealedUntilNs = this.merge.sealedUntilNs(
      this.active.length > 0 ? this.active : this.agentIds,
    );
    return {
      decision: this.ended ?? { kind: "interrupted" },
      driven: this.driven,
      merge: this.merge,
      roster: this.roster,
      agentIds: this.agentIds,
      sealedUntilNs,
      durationS: Number.isFinite(sealedUntilNs)
        ? Math.max(0, sealedUntilNs - this.firstStartAtNs) / NS_PER_SECOND
        : 0,
      loadEndedAtNs: this.#loadEndedAtNs ?? this.decidedAtNs,
      resumptions: this.resumptions,
      server: this.server,
    };
  }

  #agreed(): Procedure<State> {
    if (this.#procedure === undefined) throw new Error("a run begins with its agents");
    return this.#procedure;
  }

  #judge(judged: JudgedSegment): DrivenSegment | undefined {
    const driven = this.driven.find((each) => each.segment.number === judged.segment);
    if (driven !== undefined) {
      driven.judged = judged;
      driven.judgedValidity = driven.validity.verdict;
    }
    return driven;
  }

  #apply(entry: RunLogEntry<State>): void {
    switch (entry.kind) {
      case "agents":
        this.active = entry.agents.map((hello) => hello.agentId);
        this.agentIds = [...new Set([...this.agentIds, ...this.active])];
        for (const { agentId, epoch } of entry.agents) this.epochs.set(agentId, epoch);
        this.#procedure ??= this.#options.procedureOf(entry.agents);
        return;
      case "members": {
        this.roster.restore(entry.members);
        return;
      }
      case "segment": {
        const { request, segment, windowHash } = entry;
        this.#latestNs = Math.max(this.#latestNs, segment.startAtNs);
        this.driven.push({
          request,
          segment,
          windowHash,
          judged: undefined,
          validity: VALID,
          judgedValidity: undefined,
          incarnation: this.incarnation,
          isCutOff: false,
        });
        return;
      }
      case "agent-lost":
        this.active = this.active.filter((agentId) => agentId !== entry.agentId);
        {
          this.roster.markLost(entry.agentId);
          return;
        }
      case "taken-back": {
        const resumption = this.resumptions.at(-1);
        if (resumption !== undefined) resumption.takenBackIds = entry.agentIds;
        return;
      }
      case "rearm":
        this.#segmentsAsked += 1;
        // One that was already to start, and began nowhere.
        if (this.driven.at(-1)?.segment.number === entry.segment) this.driven.pop();
        return;
      case "resumed": {
        this.#resume(entry.incarnation);
        return;
      }
      case "end":
        for (const { segment, validity } of entry.validities) {
          const driven = this.driven.find((each) => each.segment.number === segment);
          if (driven !== undefined) driven.validity = validity;
        }
        this.roster.restore(entry.members);
        this.ended = entry.decision;
        this.#loadEndedAtNs = entry.loadEndedAtNs;
        return;
      // A step brings its own state (`took`), and its verdict.
      case "step":
      case "judged":
        return;
    }
  }

  /** What was in flight is void, and is asked for again from the state in which it was asked for first. */
  #resume(incarnation: number): void {
    this.incarnation = incarnation;
    this.ended = undefined;
    this.#loadEndedAtNs = undefined;
    this.roster.forget();
    const inFlight = this.driven.at(-1);
    const isInFlight = inFlight !== undefined && inFlight.segment.number === this.#segmentsAsked;
    if (isInFlight) {
      inFlight.isCutOff = true;
      this.#voidNs += this.latestNs - inFlight.segment.startAtNs;
    }
    this.resumptions.push({
      incarnation,
      segment: isInFlight ? inFlight.segment.number : undefined,
      atNs: this.latestNs,
      openCount:
        this.#openCount() - this.resumptions.reduce((sum, { openCount }) => sum + openCount, 0),
      takenBackIds: [],
    });
    this.#step = this.#asking;
    this.active = [];
  }

  /** Of every epoch of every agent, so of those too that ended with an earlier coordinator. */
  #openCount(): number {
    return this.agentIds.reduce((sum, agentId) => sum + this.merge.totalsOf(agentId).open, 0);
  }
}
