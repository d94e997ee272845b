import { UNICODE_WORDS } from "./event-text.ts";
import type { EventKind, EventText, StreamIdentity } from "./event-text.ts";
import type { CompletionEndpoint } from "./completion-request.ts";
import type { StreamForm } from "./shape.ts";

/** Takes the text of one HTTP chunk. */
export type TakeChunk = (text: string) => void;

/** What of a request decides how its stream looks. */
export interface StreamPlan {
  readonly endpoint: CompletionEndpoint;
  readonly identity: StreamIdentity;
  readonly form: StreamForm;
  readonly text: EventText;
  readonly choices: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly finishReason: "stop" | "length";
  readonly includeUsage: boolean;
  readonly continuousUsage: boolean;
}

/** Stands for a token's text in an event that is made once and split there. */
const HOLE = "\u0001";

/**
 * The events of one stream, token by token, each as the text of an HTTP chunk.
 *
 * All events of a stream but for the text are alike, so they are made once per choice; a token then costs one
 * concatenation.
 */
export class EventStream {
  readonly #plan: StreamPlan;
  readonly #words: readonly string[];
  readonly #templates: readonly (readonly [string, string])[] | undefined;
  readonly #usageEverywhere: boolean;
  /** An event that goes out in one chunk with the next. */
  #held = "";
  #roleSaid: boolean;

  constructor(plan: StreamPlan) {
    this.#plan = plan;
    const { form, text, choices } = plan;
    this.#words = form.unicode ? UNICODE_WORDS : text.words;
    this.#usageEverywhere = form.usage === "every" || plan.continuousUsage;
    this.#roleSaid = form.role === "none";
    if (!this.#usageEverywhere && !form.indexPerEvent) {
      this.#templates = Array.from({ length: choices }, (_, index) => {
        const [before = "", after = ""] = this.#textEvent(HOLE, { index, k: 1 }).split(HOLE);
        return [before, after] as const;
      });
    }
  }

  /** What comes before the prompt is worked on. */
  start(take: TakeChunk): void {
    if (this.#plan.form.role === "start") this.#sayRole(take);
  }

  /** The k-th token of every choice, from 1; with the last one also everything that ends the stream. */
  token(k: number, take: TakeChunk): void {
    if (!this.#roleSaid) this.#sayRole(take);
    const { choices, outputTokens } = this.#plan;
    const isLast = k === outputTokens;
    for (let place = 0; place < choices; place++) {
      // Either choice may come first.
      const index = k % 2 === 1 || isLast ? place : choices - 1 - place;
      take(this.#takeHeld() + this.#tokenText(k, index, isLast));
      if (isLast) this.#finishChoice(index, take);
    }
    if (isLast) this.#finish(take);
  }

  /** An error inside the stream, and what the server still says after it. */
  fail(errorJson: string, take: TakeChunk): void {
    const { form } = this.#plan;
    take(this.#takeHeld() + this.#line(errorJson));
    if (form.done) take(this.#line("[DONE]"));
  }

  #takeHeld(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  #sayRole(take: TakeChunk): void {
    const { choices, form, text } = this.#plan;
    this.#roleSaid = true;
    for (let index = 0; index < choices; index++) {
      const choice = { kind: "role", index, body: text.roleDelta, finish: "null" } as const;
      const event = this.#event("role", text.chatChoice(choice), this.#usageBefore(0));
      if (form.joinsRole) this.#held += event;
      else take(event);
    }
  }

  #tokenText(k: number, index: number, isLast: boolean): string {
    const { form } = this.#plan;
    const word = wordOf(this.#words, k, form.emptyEvery);
    const template = this.#templates?.[index];
    if (template === undefined || (isLast && form.finish === "last-text")) {
      return this.#textEvent(word, { index, k, isLast });
    }
    return template[0] + word + template[1];
  }

  #textEvent(word: string, at: { index: number; k: number; isLast?: boolean }): string {
    const { form, finishReason } = this.#plan;
    const finish = at.isLast === true && form.finish === "last-text" ? `"${finishReason}"` : "null";
    const index = form.indexPerEvent ? at.k - 1 : at.index;
    const choice = this.#choice("text", { index, word, finish });
    const usage =
      finish !== "null" && form.usage === "finish"
        ? this.#usage(at.k * this.#plan.choices)
        : this.#usageBefore(at.k);
    return this.#event("text", choice, usage);
  }

  #choice(kind: EventKind, part: { index: number; word: string; finish: string }): string {
    const { endpoint, text } = this.#plan;
    const { index, word, finish } = part;
    if (endpoint === "completions") {
      return text.textChoice({ kind, index, body: `"${word}"`, finish });
    }
    const body = kind === "finish" ? "{}" : `{"content":"${word}"}`;
    return text.chatChoice({ kind, index, body, finish });
  }

  #finishChoice(index: number, take: TakeChunk): void {
    const { form, finishReason, outputTokens, choices } = this.#plan;
    if (form.finish === "own") {
      const choice = this.#choice("finish", { index, word: "", finish: `"${finishReason}"` });
      const usage =
        form.usage === "finish" ? this.#usage(outputTokens) : this.#usageBefore(outputTokens);
      take(this.#event("finish", choice, usage));
    }
    const isLastChoice = index === choices - 1;
    if (form.usagePerChoice && !isLastChoice && this.#hasUsageEvent()) {
      take(this.#event("usage", "", this.#usage(outputTokens)));
    }
  }

  #finish(take: TakeChunk): void {
    const { form, outputTokens, choices } = this.#plan;
    if (this.#hasUsageEvent()) {
      const counted = form.usagePerChoice ? outputTokens : outputTokens * choices;
      const event = this.#event("usage", "", this.#usage(counted));
      if (form.joinsDone && form.done) this.#held = event;
      else take(event);
    }
    if (form.done) take(this.#takeHeld() + this.#line("[DONE]"));
  }

  #hasUsageEvent(): boolean {
    const { form, includeUsage } = this.#plan;
    return form.usage === "own" && (includeUsage || form.usageUnasked);
  }

  /** What the usage key says in an event that is not the one with the counts; undefined: no such key. */
  #usageBefore(k: number): string | undefined {
    const { form, includeUsage, choices } = this.#plan;
    if (this.#usageEverywhere) return this.#usage(k * choices);
    if (form.nullUsage === "always") return "null";
    return form.nullUsage === "when-asked" && includeUsage ? "null" : undefined;
  }

  #usage(completionTokens: number): string {
    const { text, promptTokens } = this.#plan;
    return text.usage({ promptTokens, completionTokens });
  }

  #event(kind: EventKind, choices: string, usage: string | undefined): string {
    return this.#line(this.#plan.text.event(this.#plan.identity, { kind, choices, usage }));
  }

  #line(data: string): string {
    const { lineEnd } = this.#plan.form;
    return `data: ${data}${lineEnd}${lineEnd}`;
  }
}

/** The text of the k-th token, from 1; the first one is never empty. */
export function wordOf(words: readonly string[], k: number, emptyEvery: number): string {
  if (emptyEvery > 0 && k > 1 && k % emptyEvery === 0) return "";
  return words[(k - 1) % words.length] ?? "";
}
