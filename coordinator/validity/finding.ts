import { NS_PER_MS } from "../../shared/units.ts";

/** One thing that speaks against a number. */
export interface Finding {
  readonly severity: "invalid" | "suspect";
  /** Whose fault it is; undefined where it is of no single agent. */
  readonly agentId: string | undefined;
  /** It is about the target, not about the generator. */
  readonly isOfTarget?: true;
  /** A sentence: who, what was seen, what the bound is, what to do. */
  readonly text: string;
}

export function invalid(agentId: string | undefined, text: string): Finding {
  return { severity: "invalid", agentId, text };
}

/** A window that tells nothing for a reason that lies with the target, or with who else uses it. */
export function targetFault(text: string): Finding {
  return { severity: "invalid", agentId: undefined, isOfTarget: true, text };
}

export function suspect(agentId: string | undefined, text: string): Finding {
  return { severity: "suspect", agentId, text };
}

/** A time as a sentence has it, in ms. */
export function ms(ns: number): string {
  return (ns / NS_PER_MS).toFixed(1);
}

export function percent(fraction: number): string {
  return `${Number((100 * fraction).toFixed(1))} %`;
}
