import type { AgentRequest, Refusal } from "../shared/control/control.ts";
import type { LoadError } from "../shared/errors.ts";
import type { SealedInterval } from "./reporting/reporter.ts";

/** What an agent tells of itself, for its log and its metrics. Nothing of it comes from the firing path. */
export type AgentNews =
  /** No message engine answers yet; told once. */
  | { readonly kind: "waiting"; readonly error: LoadError }
  | { readonly kind: "connected"; readonly server: string }
  | { readonly kind: "disconnected"; readonly server: string }
  /** It has calibrated itself, and says hello from now on. */
  | { readonly kind: "joined"; readonly cleanRatePerSecond: number }
  | { readonly kind: "prepared"; readonly runId: string; readonly incarnation: number }
  /** What a coordinator asked was not done. */
  | { readonly kind: "refused"; readonly asked: AgentRequest["kind"]; readonly refusal: Refusal }
  /** A segment's instant came: it `started`, or its lease had not come. */
  | {
      readonly kind: "segment";
      readonly runId: string;
      readonly segment: number;
      readonly started: boolean;
    }
  | { readonly kind: "sealed"; readonly runId: string; readonly sealed: SealedInterval }
  | { readonly kind: "stopped"; readonly runId: string }
  | { readonly kind: "released"; readonly runId: string }
  /** The run ended here without being reported whole. */
  | { readonly kind: "abandoned"; readonly runId: string }
  | { readonly kind: "leaving" }
  /** A control message that was none. */
  | { readonly kind: "fault"; readonly error: unknown };

export type OnAgentNews = (news: AgentNews) => void;
