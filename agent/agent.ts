import {
  type AgentFloor,
  type AgentRequest,
  type AgentResponse,
  type ArmSegment,
  type CleanRate,
  type Hello,
  type PolicySummary,
  type PrepareRun,
  type Refusal,
  type ReportAddress,
  LEAVING_STATE,
} from "../shared/control/control.ts";
import type { CancelCall, Clock } from "../shared/time/clock.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../shared/units.ts";
import type { AgentRun } from "./agent-run.ts";
import type { AgentNews } from "./news.ts";
import type { ControlLink } from "./ports.ts";
import { abandoned, LEAVING, refusalOf } from "./refusals.ts";
import { type AgentEvent, type AgentState, isRefusal, superseded, transition } from "./state.ts";

const HELLO_EVERY_NS = NS_PER_SECOND;

/** What stays the same from one run to the next. */
export interface AgentIdentity extends CleanRate {
  readonly agentId: string;
  readonly epoch: number;
  readonly version: string;
  readonly host: string;
  readonly processId: number;
  readonly cores: number;
  readonly floor: AgentFloor | undefined;
  readonly policy: PolicySummary;
}

/** What an agent does with the run it holds. */
export type HeldRun = Pick<
  AgentRun,
  "arm" | "disarm" | "lease" | "leaseLeftNs" | "stop" | "release" | "close"
>;

export interface OpenedRun {
  readonly run: HeldRun;
  /** Reports go there from now on; says how many wait to be sent. */
  attach(address: ReportAddress): number;
}

export interface AgentOptions {
  readonly identity: AgentIdentity;
  readonly clock: Clock;
  readonly link: ControlLink;
  /** Checks a run against the operator's policy and makes everything ready for it; sends no request. */
  readonly openRun: (
    prepareRun: PrepareRun,
    onStart: (segmentNumber: number, started: boolean) => void,
  ) => Promise<OpenedRun | Refusal>;
  readonly checkSegment: (armSegment: ArmSegment) => Refusal | undefined;
  /** It was asked to leave, and no run holds it any more: its process may end. */
  readonly onLeft?: () => void;
  readonly onNews?: (news: AgentNews) => void;
}

/** One process that sends: says who it is, and does what one coordinator at a time asks of it. */
export class Agent {
  readonly #options: AgentOptions;
  #state: AgentState = { kind: "registered" };
  #opened: OpenedRun | undefined;
  #cancelHello: CancelCall | undefined;
  /** The newest prepare or arm, and its answer, until something else changes the run. */
  #asked: { readonly key: string; readonly answer: Promise<AgentResponse> } | undefined;
  /** The release that is under way. */
  #releasing: Promise<void> | undefined;
  /** Takes no further run. */
  #isLeaving = false;

  constructor(options: AgentOptions) {
    this.#options = options;
  }

  /** Joins the fleet: answers requests, and says hello each second. */
  start(): void {
    const { link } = this.#options;
    link.onRequest((request) => this.handle(request));
    link.onLease((lease) => this.#opened?.run.lease(lease));
    link.onAbort((abort) => {
      if (this.#state.kind === "registered") return;
      if (abort.runId === "" || abort.runId === this.#state.runId) void this.#abandon();
    });
    this.#sayHello();
  }

  async close(): Promise<void> {
    this.#cancelHello?.();
    await this.#abandon();
    await this.#options.link.close();
  }

  /** Answers one request of a coordinator; never rejects. */
  async handle(request: AgentRequest): Promise<AgentResponse> {
    const receivedAtNs = this.#options.clock.nowNs();
    const response = await this.#answer(request, receivedAtNs).catch(
      (error: unknown): AgentResponse => ({ kind: "refusal", refusal: refusalOf(error) }),
    );
    if (response.kind === "refusal")
      this.#tell({ kind: "refused", asked: request.kind, refusal: response.refusal });
    return response;
  }

  #tell(news: AgentNews): void {
    this.#options.onNews?.(news);
  }

  async #answer(request: AgentRequest, receivedAtNs: number): Promise<AgentResponse> {
    switch (request.kind) {
      case "clock-probe":
        return {
          kind: "clock-probe",
          requestSentAtNs: request.sentAtNs,
          receivedAtNs,
          repliedAtNs: this.#options.clock.nowNs(),
        };
      case "prepare-run":
        return this.#onceOnly(request, () => this.#prepare(request.prepareRun));
      case "arm-segment":
        return this.#onceOnly(request, () => this.#arm(request.armSegment));
      case "attach":
        return this.#attach(request);
      case "stop":
        return this.#stop(request);
      case "release":
        return this.#release(request);
      case "drain":
        return this.#leave();
    }
  }

  /** An answer may be lost on its way: the same request again is not carried out again, and answered the same. */
  #onceOnly(request: AgentRequest, answer: () => Promise<AgentResponse>): Promise<AgentResponse> {
    const key = JSON.stringify(request);
    if (this.#asked?.key === key) return this.#asked.answer;
    const asked = { key, answer: answer() };
    const forget = (): void => {
      if (this.#asked === asked) this.#asked = undefined;
    };
    this.#asked = asked;
    asked.answer.then((response) => {
      if (response.kind === "refusal") forget();
    }, forget);
    return asked.answer;
  }

  #stop(request: Extract<AgentRequest, { kind: "stop" }>): AgentResponse {
    const refusal = this.#move(request);
    if (refusal !== undefined) return { kind: "refusal", refusal };
    this.#asked = undefined;
    this.#opened?.run.stop();
    this.#tell({ kind: "stopped", runId: request.runId });
    return { kind: "stopped" };
  }

  async #release(request: Extract<AgentRequest, { kind: "release" }>): Promise<AgentResponse> {
    if (this.#state.kind === "registered") return { kind: "released" };
    const next = transition(this.#state, request);
    if (isRefusal(next)) return { kind: "refusal", refusal: next };
    // It may be asked again, the answer lost or long in coming.
    const opened = this.#opened;
    this.#releasing ??= this.#letGo(opened, request.runId).finally(() => {
      this.#releasing = undefined;
    });
    await this.#releasing;
    return { kind: "released" };
  }

  /** Free only once everything is reported: until then another run is refused. */
  async #letGo(opened: OpenedRun | undefined, runId: string): Promise<void> {
    await opened?.run.release();
    if (this.#opened !== opened) return;
    this.#opened = undefined;
    this.#asked = undefined;
    this.#state = { kind: "registered" };
    this.#tell({ kind: "released", runId });
    this.#sayHello();
  }

  #leave(): AgentResponse {
    this.#isLeaving = true;
    this.#tell({ kind: "leaving" });
    this.#sayHello();
    return {
      kind: "leaving",
      runId: this.#state.kind === "registered" ? undefined : this.#state.runId,
    };
  }

  async #prepare(prepareRun: PrepareRun): Promise<AgentResponse> {
    const { runId, incarnation } = prepareRun;
    // A new coordinator of the run that holds it is welcome: that run is waited for.
    if (this.#isLeaving && this.#state.kind === "registered")
      return { kind: "refusal", refusal: LEAVING };
    const before = this.#state;
    const refusal =
      this.#whyNotTakeOver(before, prepareRun) ??
      this.#move({ kind: "prepare", runId, incarnation });
    if (refusal !== undefined) return { kind: "refusal", refusal };
    const claimed = this.#state;
    // The run that is taken over goes on until the new one is ready, so that a refusal changes nothing.
    const opened = await this.#open(prepareRun).catch((error: unknown) => refusalOf(error));
    if (this.#state !== claimed) {
      if (!isRefusedRun(opened)) await opened.run.close();
      return { kind: "refusal", refusal: abandoned(runId) };
    }
    if (isRefusedRun(opened)) {
      this.#state = before;
      return { kind: "refusal", refusal: opened };
    }
    const taken = this.#opened;
    this.#opened = opened;
    await taken?.run.close();
    this.#tell({ kind: "prepared", runId, incarnation });
    this.#sayHello();
    return { kind: "prepared", epoch: this.#options.identity.epoch };
  }

  #open(prepareRun: PrepareRun): Promise<OpenedRun | Refusal> {
    return this.#options.openRun(prepareRun, (segment, started) => {
      this.#move({ kind: started ? "switch" : "miss", segment });
      this.#tell({ kind: "segment", runId: prepareRun.runId, segment, started });
    });
  }

  async #arm(armSegment: ArmSegment): Promise<AgentResponse> {
    const { runId, incarnation, segment } = armSegment;
    const refusal =
      this.#options.checkSegment(armSegment) ??
      this.#move({ kind: "arm", runId, incarnation, segment: segment.number });
    if (refusal !== undefined) return { kind: "refusal", refusal };
    if (this.#opened === undefined) throw new Error("a prepared agent has an opened run");
    const { run } = this.#opened;
    try {
      return { kind: "armed", armed: await run.arm(armSegment) };
    } catch (error) {
      // Given up, as when its lease never came: the coordinator may arm it again.
      run.disarm();
      this.#move({ kind: "miss", segment: segment.number });
      throw error;
    }
  }

  #attach(request: Extract<AgentRequest, { kind: "attach" }>): AgentResponse {
    if (this.#state.kind === "registered" || this.#state.runId !== request.runId) {
      return {
        kind: "refusal",
        refusal: {
          code: "LL_AGENT_NOT_PREPARED",
          message: `this agent holds nothing of run ${request.runId}`,
          hint: "only agents that took part in the run can be attached to its new coordinator",
        },
      };
    }
    const refusal = this.#whyNotAttach(this.#state, request);
    if (refusal !== undefined) return { kind: "refusal", refusal };
    this.#state = { ...this.#state, incarnation: request.incarnation };
    // Whoever led it before is dead, or is to be taken for it.
    this.#opened?.run.stop();
    const spooledReports = this.#opened?.attach(request.report) ?? 0;
    return { kind: "attached", epoch: this.#options.identity.epoch, spooledReports };
  }

  #whyNotTakeOver(state: AgentState, { runId, incarnation }: PrepareRun): Refusal | undefined {
    const isSameRun = state.kind !== "registered" && state.runId === runId;
    return isSameRun && incarnation > state.incarnation
      ? this.#whyNotAttach(state, { incarnation })
      : undefined;
  }

  /** A run has one coordinator: while the one before is heard of, there is no other. */
  #whyNotAttach(
    { runId, incarnation }: Exclude<AgentState, { kind: "registered" }>,
    request: { readonly incarnation: number },
  ): Refusal | undefined {
    if (request.incarnation < incarnation) return superseded({ runId, incarnation }, request);
    const leftNs = this.#opened?.run.leaseLeftNs() ?? 0;
    if (leftNs <= 0) return undefined;
    return {
      code: "LL_COORDINATOR_ALIVE",
      message: `coordinator ${incarnation} of run ${runId} is there: its lease holds for another ${Math.ceil(leftNs / NS_PER_MS)} ms`,
      hint: "a run has one coordinator at a time: let that one end, or end it",
    };
  }

  /** Takes an event; the state stays when it is refused. */
  #move(event: AgentEvent): Refusal | undefined {
    const next = transition(this.#state, event);
    if (isRefusal(next)) return next;
    this.#state = next;
    return undefined;
  }

  async #abandon(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    this.#asked = undefined;
    const state = this.#state;
    this.#state = { kind: "registered" };
    await opened?.run.close();
    if (state.kind !== "registered") this.#tell({ kind: "abandoned", runId: state.runId });
  }

  #sayHello(): void {
    const { clock, link } = this.#options;
    this.#cancelHello?.();
    link.hello(this.#hello());
    this.#cancelHello = clock.callAt(clock.nowNs() + HELLO_EVERY_NS, () => {
      // Not before: what it answered last is on its way.
      if (this.#isLeaving && this.#state.kind === "registered") this.#options.onLeft?.();
      this.#sayHello();
    });
  }

  #hello(): Hello {
    const { identity } = this.#options;
    return {
      ...identity,
      inFlightMax: identity.policy.inFlightMax,
      runId: this.#state.kind === "registered" ? undefined : this.#state.runId,
      state: this.#isLeaving ? LEAVING_STATE : this.#state.kind,
    };
  }
}

function isRefusedRun(opened: OpenedRun | Refusal): opened is Refusal {
  return "code" in opened;
}
