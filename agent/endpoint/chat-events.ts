import { excerpt } from "./excerpt.ts";
import { EventScan, UNSURE } from "./event-scan.ts";
import type { EventTemplate } from "./event-template.ts";
import { Meaning } from "./meaning.ts";

/** Everything one event says, as JSON.parse sees it. */
export interface EventReading {
  /** Bits of `Meaning`. */
  readonly meaning: number;
  /** -1 where the server is silent. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** The choice whose event carried the counts; OWN_EVENT when they came in an event without choices. */
  readonly usageChoice: number;
  readonly errorText: string;
}

/** In place of a choice: the counts came in an event of their own. */
export const OWN_EVENT = -1;

const NOTHING: EventReading = {
  meaning: 0,
  inputTokens: -1,
  outputTokens: -1,
  usageChoice: OWN_EVENT,
  errorText: "",
};
const DONE_TEXT = "[DONE]";

/**
 * Reads the events of a chat or completions stream.
 *
 * A byte scan answers for the usual event; the rest is parsed. Both say the same wherever the scan answers.
 * One reader serves any number of streams: nothing is kept but the last parsed reading.
 */
export class ChatEvents {
  readonly #scan = new EventScan();
  readonly #decoder = new TextDecoder();
  #parsed: EventReading = NOTHING;

  /**
   * What the event's data means, as bits of `Meaning`; with `usage` or `error`, `parsed` holds the details.
   *
   * @param template of the event's stream, where it has one.
   */
  read(buffer: Uint8Array, start: number, end: number, template?: EventTemplate): number {
    const known = template?.match(buffer, start, end) ?? UNSURE;
    if (known !== UNSURE) {
      return known;
    }
    const scanned = this.#scan.scan(buffer, start, end);
    if (scanned !== UNSURE) {
      if (template !== undefined && isUsual(scanned) && this.#scan.texts === 1) {
        const { textStart, textEnd } = this.#scan;
        template.learn({ buffer, start, end, textStart, textEnd, meaning: scanned });
      }
      return scanned;
    }
    this.#parsed = readEventText(this.#decoder.decode(buffer.subarray(start, end)));
    return this.#parsed.meaning;
  }

  /** Valid after a `read` that told of usage or an error, until the next one. */
  get parsed(): EventReading {
    return this.#parsed;
  }
}

/** Content and nothing else. */
function isUsual(meaning: number): boolean {
  return meaning === Meaning.text || meaning === Meaning.reasoning;
}

/** What the data of one event means, by parsing it. */
export function readEventText(text: string): EventReading {
  const trimmed = text.trim();
  if (trimmed === DONE_TEXT) {
    return { ...NOTHING, meaning: Meaning.done };
  }
  if (trimmed === "") {
    return NOTHING;
  }
  const event = parseRecord(trimmed);
  return event === undefined ? malformed(text) : readEvent(event);
}

function malformed(text: string): EventReading {
  return {
    ...NOTHING,
    meaning: Meaning.malformed,
    errorText: `an event is no JSON object: ${excerpt(text)}`,
  };
}

function parseRecord(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function readEvent(event: Record<string, unknown>): EventReading {
  const choices = Array.isArray(event["choices"]) ? event["choices"].filter(isRecord) : [];
  const usage = readUsage(event["usage"], choices[0]);
  const errorText = errorTextOf(event["error"]);
  return {
    ...usage,
    meaning:
      choices.reduce((meaning, choice) => meaning | choiceMeaning(choice), 0) |
      (usage.inputTokens >= 0 || usage.outputTokens >= 0 ? Meaning.usage : 0) |
      (errorText === undefined ? 0 : Meaning.error),
    errorText: errorText ?? "",
  };
}

function readUsage(
  usage: unknown,
  choice: Record<string, unknown> | undefined,
): Omit<EventReading, "meaning" | "errorText"> {
  const counts = isRecord(usage) ? usage : {};
  return {
    inputTokens: tokenCount(counts["prompt_tokens"]),
    outputTokens: tokenCount(counts["completion_tokens"]),
    usageChoice: choice === undefined ? OWN_EVENT : Math.max(0, tokenCount(choice["index"])),
  };
}

function tokenCount(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : -1;
}

/** The server's words; undefined when there is no error. Some send the key with null on every event. */
function errorTextOf(error: unknown): string | undefined {
  if (error === undefined || error === null || error === false || error === "") {
    return undefined;
  }
  if (isRecord(error) && typeof error["message"] === "string") {
    return excerpt(error["message"]);
  }
  return excerpt(typeof error === "string" ? error : JSON.stringify(error));
}

/** A chat choice speaks in `delta`, a completions choice in `text`; no server uses both. */
function choiceMeaning(choice: Record<string, unknown>): number {
  const delta = choice["delta"];
  return (
    (isNonEmpty(choice["text"]) ? Meaning.text : 0) |
    (isNonEmpty(choice["finish_reason"]) ? Meaning.finish : 0) |
    (isRecord(delta) ? deltaMeaning(delta) : 0)
  );
}

function deltaMeaning(delta: Record<string, unknown>): number {
  const { content } = delta;
  const hasReasoning = isNonEmpty(delta["reasoning_content"]) || isNonEmpty(delta["reasoning"]);
  return (
    (isNonEmpty(content) || isNonEmpty(delta["refusal"]) ? Meaning.text : 0) |
    (Array.isArray(content) ? partsMeaning(content) : 0) |
    (hasReasoning ? Meaning.reasoning : 0) |
    (hasToolCall(delta) ? Meaning.toolCall : 0)
  );
}

/** Content as a list of typed parts, as Mistral's reasoning models send it. */
function partsMeaning(parts: readonly unknown[]): number {
  return parts
    .filter(isRecord)
    .map((part) => (isNonEmpty(part["text"]) ? Meaning.text : Meaning.reasoning))
    .reduce((meaning: number, part) => meaning | part, 0);
}

/** Name and arguments are what the model generated; an id is not. */
function hasToolCall(delta: Record<string, unknown>): boolean {
  const calls = Array.isArray(delta["tool_calls"]) ? delta["tool_calls"] : [];
  return [delta["function_call"], ...calls.filter(isRecord).map((call) => call["function"])]
    .filter(isRecord)
    .some((call) => isNonEmpty(call["name"]) || isNonEmpty(call["arguments"]));
}

function isNonEmpty(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
