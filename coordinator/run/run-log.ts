import type { Hello } from "../../shared/control/control.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import type { Member } from "../fleet/roster.ts";
import type { Decision, JudgedSegment, SegmentRequest } from "../search/procedure.ts";
import type { Validity } from "../validity/validity.ts";

/** What a step was asked with. Reports come at moments that no second run repeats, so the log says which were in. */
export interface Seen {
  /** How many reports of `intervals.bin` were merged by then, repeats left out. */
  readonly reports: number;
  /** Run clock, ns: up to here every agent had sealed. */
  readonly sealedUntilNs: number;
  /** How the generator was judged over the current window; also from what only the log keeps. */
  readonly validity: Validity;
  /** The same of the window before it, if there is one. */
  readonly validityBefore?: Validity;
}

/** How a run came to its end; `interrupted` by its user, or for want of agents: then it can be resumed. */
export type EndDecision =
  | Exclude<Decision, { kind: "go-on" | "next" }>
  | { readonly kind: "interrupted" }
  | { readonly kind: "agents-lost"; readonly reason: string };

/** Whether another coordinator may go on from there. */
export function isUnfinished(decision: EndDecision | undefined): boolean {
  return decision?.kind === "interrupted" || decision?.kind === "agents-lost";
}

/**
 * One decision of a run, as `log.jsonl` keeps it. Together with the reports in `intervals.bin`, the entries that a
 * ledger takes (run-ledger.ts) give back all that the run knew.
 */
export type RunLogEntry<State = unknown> =
  /** These take part from now on. */
  | { readonly kind: "agents"; readonly agents: readonly Hello[] }
  /** What is known of the agents, their clocks among it. */
  | { readonly kind: "members"; readonly members: readonly Member[] }
  /** Begun (`seen` is not there), or advanced by what was seen. */
  | {
      readonly kind: "step";
      readonly seen?: Seen;
      readonly decision: Decision;
      readonly state: State;
    }
  | {
      readonly kind: "segment";
      readonly request: SegmentRequest;
      readonly segment: Segment;
      readonly windowHash: string;
    }
  | ({ readonly kind: "judged"; readonly validity: Validity } & JudgedSegment)
  | {
      readonly kind: "agent-lost";
      readonly agentId: string;
      readonly firedCount: number;
      readonly open: number;
    }
  /** A segment never started, and is asked for under the next number: agents were lost while it was armed, or its lease came to nobody in time. */
  | { readonly kind: "rearm"; readonly segment: number }
  /** Another coordinator goes on; the segment in flight is void. */
  | { readonly kind: "resumed"; readonly incarnation: number; readonly reports: number }
  /** These took part before the run was resumed, and have reported all they had. */
  | { readonly kind: "taken-back"; readonly agentIds: readonly string[] }
  | {
      readonly kind: "end";
      readonly decision: EndDecision;
      /** Run clock, ns: when agents were told to stop. */
      readonly loadEndedAtNs: number;
      readonly reports: number;
      /** The last word on the generator, by segment. */
      readonly validities: readonly { readonly segment: number; readonly validity: Validity }[];
      readonly members: readonly Member[];
    };

/** An entry with the instant at which it was written, on the run's clock, ns. */
export type TimedEntry<State = unknown> = RunLogEntry<State> & { readonly atNs: number };

/** What a decision ends the run with; undefined while it goes on. */
export function endOf(decision: Decision): EndDecision | undefined {
  return decision.kind === "next" || decision.kind === "go-on" ? undefined : decision;
}
