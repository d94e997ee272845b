import type { Refusal } from "../shared/control/control.ts";

/** Which run holds the agent, and which coordinator of it. */
interface Holder {
  readonly runId: string;
  readonly incarnation: number;
}

/** Where an agent stands. A value: every change is one pure function of it and an event. */
export type AgentState =
  | { readonly kind: "registered" }
  | ({ readonly kind: "prepared"; readonly next: number | undefined } & Holder)
  | ({
      readonly kind: "firing";
      readonly current: number;
      readonly next: number | undefined;
    } & Holder)
  /** Nothing is fired any more; streams may still be open. */
  | ({ readonly kind: "draining"; readonly last: number } & Holder);

export type AgentEvent =
  | ({ readonly kind: "prepare" } & Holder)
  | ({ readonly kind: "arm"; readonly segment: number } & Holder)
  /** The armed segment's instant came, and the lease that names it had come before. */
  | { readonly kind: "switch"; readonly segment: number }
  /** The armed segment's instant came without its lease: it is given up. */
  | { readonly kind: "miss"; readonly segment: number }
  | ({ readonly kind: "stop" } & Holder)
  | ({ readonly kind: "release" } & Holder);

/** The next state, or why the event is refused (the state then stays). */
export function transition(state: AgentState, event: AgentEvent): AgentState | Refusal {
  switch (event.kind) {
    case "prepare":
      return prepared(state, event);
    case "switch":
    case "miss":
      return moved(state, event);
    case "arm":
    case "stop":
    case "release":
      return held(state, event);
  }
}

function prepared(state: AgentState, event: Holder): AgentState | Refusal {
  const { runId, incarnation } = event;
  const takesOver =
    state.kind === "registered" || (state.runId === runId && state.incarnation < incarnation);
  if (!takesOver) return busy(state);
  return { kind: "prepared", runId, incarnation, next: undefined };
}

function moved(
  state: AgentState,
  event: { readonly kind: "switch" | "miss"; readonly segment: number },
): AgentState {
  if (state.kind === "registered" || state.kind === "draining") return state;
  if (state.next !== event.segment) return state;
  if (event.kind === "miss") return { ...state, next: undefined };
  const { runId, incarnation } = state;
  return { kind: "firing", runId, incarnation, current: event.segment, next: undefined };
}

function held(
  state: AgentState,
  event: Extract<AgentEvent, { readonly kind: "arm" | "stop" | "release" }>,
): AgentState | Refusal {
  if (state.kind === "registered" || state.runId !== event.runId) return notThisRun(state, event);
  if (event.incarnation < state.incarnation) return superseded(state, event);
  switch (event.kind) {
    case "release":
      return { kind: "registered" };
    case "stop": {
      const { runId, incarnation } = state;
      return { kind: "draining", runId, incarnation, last: lastOf(state) };
    }
    case "arm":
      if (state.kind === "draining") return stopped(state);
      if (event.segment <= Math.max(lastOf(state), state.next ?? 0)) return outOfOrder(event);
      return { ...state, next: event.segment };
  }
}

/** The newest segment that was fired; 0 when none. */
function lastOf(state: Exclude<AgentState, { kind: "registered" }>): number {
  switch (state.kind) {
    case "prepared":
      return 0;
    case "firing":
      return state.current;
    case "draining":
      return state.last;
  }
}

function busy(state: Holder): Refusal {
  return {
    code: "LL_AGENT_BUSY",
    message: `the agent is held by run ${state.runId} (coordinator ${state.incarnation})`,
    hint: "wait until that run is over, or use other agents",
  };
}

function notThisRun(state: AgentState, event: Holder): Refusal {
  const holder = state.kind === "registered" ? "no run" : `run ${state.runId}`;
  return {
    code: "LL_AGENT_NOT_PREPARED",
    message: `the agent was asked for run ${event.runId}, but ${holder} holds it`,
    hint: "prepare the run on this agent first",
  };
}

export function superseded(state: Holder, event: Pick<Holder, "incarnation">): Refusal {
  return {
    code: "LL_COORDINATOR_SUPERSEDED",
    message: `coordinator ${event.incarnation} of run ${state.runId} speaks, but coordinator ${state.incarnation} has taken over`,
    hint: "stop the older coordinator",
  };
}

function outOfOrder(event: { readonly segment: number }): Refusal {
  return {
    code: "LL_SEGMENT_OUT_OF_ORDER",
    message: `segment ${event.segment} was armed after a later one`,
    hint: "segment numbers must grow within a run",
  };
}

function stopped(state: Holder): Refusal {
  return {
    code: "LL_RUN_STOPPED",
    message: `run ${state.runId} was stopped on this agent`,
    hint: "release the agent and prepare a new run",
  };
}

export function isRefusal(value: AgentState | Refusal): value is Refusal {
  return "code" in value;
}
