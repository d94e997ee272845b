import { OWN_EVENT } from "./chat-events.ts";

/**
 * The token counts of one request, out of all the usage its stream told. -1 while the server is silent.
 *
 * With one choice asked for, the last usage counts, wherever it came: in an event of its own (vLLM, OpenAI), in the
 * finish event (transformers), or on every event, growing (vLLM's `continuous_usage_stats`).
 *
 * With n > 1, events of their own add up: vLLM sends one for all choices, llama-server one for each choice, the
 * first of them in mid-stream. Usage on the events of choices counts that choice only; the last of each adds up, and
 * stands only until an event of its own comes. The prompt is the same for every choice and is never added up.
 */
export class UsageTally {
  inputTokens = -1;
  outputTokens = -1;

  readonly #choices: number;
  /** Sum over events of their own; -1 before the first. */
  #ownOutputTokens = -1;
  /** The last count of each choice; made only when n > 1. */
  #outputTokensByChoice: Map<number, number> | undefined;

  /** @param choices how many were asked for (`n`), at least 1. */
  constructor(choices: number) {
    this.#choices = choices;
  }

  add(choice: number, inputTokens: number, outputTokens: number): void {
    if (inputTokens >= 0) {
      this.inputTokens = inputTokens;
    }
    if (outputTokens >= 0) {
      this.outputTokens =
        this.#choices === 1 ? outputTokens : this.#addOutput(choice, outputTokens);
    }
  }

  #addOutput(choice: number, outputTokens: number): number {
    if (choice === OWN_EVENT) {
      this.#ownOutputTokens = Math.max(0, this.#ownOutputTokens) + outputTokens;
      return this.#ownOutputTokens;
    }
    if (this.#ownOutputTokens >= 0) {
      return this.#ownOutputTokens;
    }
    this.#outputTokensByChoice ??= new Map();
    this.#outputTokensByChoice.set(choice, outputTokens);
    return [...this.#outputTokensByChoice.values()].reduce((sum, count) => sum + count, 0);
  }
}
