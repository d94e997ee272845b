/** How long a slot serves a request, ns. */
export type ServiceTime =
  | { readonly kind: "fixed"; readonly meanNs: number }
  | { readonly kind: "exponential"; readonly meanNs: number }
  | {
      readonly kind: "lognormal";
      readonly meanNs: number;
      /** Standard deviation / mean, above 0. */
      readonly coefficientOfVariation: number;
    };

/**
 * When the n tokens of a request come, with S its drawn service time, counted from the start of its service.
 * The *sojourn* is the wait for a slot plus the time in it.
 *
 * - `after-service`: S is the prefill. The first token comes at S and the slot is free then; token k comes at
 *   S + (k − 1) · gap. So TTFT = wait + S = the sojourn of M/M/c, M/D/c, M/G/c, whatever n is:
 *   **this is the form whose TTFT has a closed form.**
 * - `in-service`: the slot is kept to the last token, S + (n − 1) · gap; the first token comes at S.
 *   The capacity is slots / (mean S + (n − 1) · gap).
 * - `within-service`: the slot is kept for exactly S. The first token comes at the fraction of S, the last one
 *   at S, the others evenly between; a single token comes at S. So E2E = the sojourn.
 */
export type TokenSpread =
  | { readonly kind: "after-service"; readonly gapNs: number }
  | { readonly kind: "in-service"; readonly gapNs: number }
  | {
      readonly kind: "within-service";
      /** Between 0 and 1. */
      readonly firstTokenFraction: number;
    };

/** c slots, first come first served, no preemption. */
export interface FifoConfig {
  readonly kind: "fifo";
  readonly slots: number;
  readonly service: ServiceTime;
  readonly spread: TokenSpread;
}

/**
 * Continuous batching as vLLM does it: a step takes stepBaseNs + perSequenceNs · (sequences decoding) +
 * perPromptTokenNs · (prompt tokens prefilled in it). Sequences are admitted at the start of a step, in order.
 */
export interface BatchingConfig {
  readonly kind: "batching";
  readonly stepBaseNs: number;
  readonly perSequenceNs: number;
  readonly perPromptTokenNs: number;
  readonly sequencesMax: number;
  /** Tokens of a step, decoded and prefilled: prompts longer than what is left are prefilled in chunks. */
  readonly stepTokensMax: number;
}

export type SchedulerConfig = FifoConfig | BatchingConfig;

/** What the scheduler must know of a request. Both at least 1. */
export interface Work {
  readonly promptTokens: number;
  readonly outputTokens: number;
}
