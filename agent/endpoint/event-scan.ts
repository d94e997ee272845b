import { Meaning } from "./meaning.ts";

/** The scan cannot answer with certainty: parse the event. */
export const UNSURE = -1;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const LETTER_N = 0x6e;

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

const NULL = bytesOf("null");
const EVENT_KEYS = ["choices", "usage", "error"].map(bytesOf);
const CHOICE_KEYS = ["delta", "text", "finish_reason"].map(bytesOf);
const DELTA_KEYS = [
  "content",
  "reasoning_content",
  "reasoning",
  "refusal",
  "tool_calls",
  "function_call",
].map(bytesOf);

/** How a byte outside of strings moves the depth. */
const DEPTH_STEP = new Int8Array(256);
DEPTH_STEP[OPEN_BRACE] = DEPTH_STEP[OPEN_BRACKET] = 1;
DEPTH_STEP[CLOSE_BRACE] = DEPTH_STEP[CLOSE_BRACKET] = -1;

/** Where in the JSON the scan is: which keys matter there, and what their values say. */
type Place = "event" | "choice" | "delta";

/**
 * Reads what an event means out of its bytes, without making a string or an object of it.
 *
 * It walks the JSON once, byte by byte, and looks only at the keys that carry a meaning. Whatever it is not made for
 * (usage, an error, a tool call, an escape in a key, a key twice, anything that does not look like JSON) it answers with
 * UNSURE, and the event is parsed. Values it passes over are not checked to be valid JSON.
 *
 * Hot: one call per event. One instance serves any number of streams, since nothing is kept between calls.
 */
export class EventScan {
  #buffer: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #meaning = 0;
  #texts = 0;
  #textStart = 0;
  #textEnd = 0;

  /** Bits of `Meaning`, or UNSURE. */
  scan(buffer: Uint8Array, start: number, end: number): number {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
    this.#meaning = 0;
    this.#texts = 0;
    const sure = this.#object("event") && this.#peek() === undefined;
    return sure ? this.#meaning : UNSURE;
  }

  /** How many strings with a meaning the event of the last scan held; the last one lies within its quotes. */
  get texts(): number {
    return this.#texts;
  }

  get textStart(): number {
    return this.#textStart;
  }

  get textEnd(): number {
    return this.#textEnd;
  }

  /** The next byte that is no white space; undefined at the end. */
  #peek(): number | undefined {
    let at = this.#at;
    let byte = this.#buffer[at];
    // Space, tab, LF and CR are the only bytes of JSON up to 0x20.
    while (at < this.#end && byte !== undefined && byte <= 0x20) {
      at += 1;
      byte = this.#buffer[at];
    }
    this.#at = at;
    return at < this.#end ? byte : undefined;
  }

  #skip(byte: number): boolean {
    if (this.#peek() !== byte) {
      return false;
    }
    this.#at += 1;
    return true;
  }

  #object(place: Place): boolean {
    if (!this.#skip(OPEN_BRACE)) {
      return false;
    }
    if (this.#skip(CLOSE_BRACE)) {
      return true;
    }
    let seen = 0;
    do {
      const key = this.#key(keysOf(place));
      if (key === UNSURE || !this.#skip(COLON)) {
        return false;
      }
      const bit = key === keysOf(place).length ? 0 : 1 << key;
      // JSON.parse lets the last of two equal keys win.
      if ((seen & bit) !== 0 || !this.#value(place, key)) {
        return false;
      }
      seen |= bit;
    } while (this.#skip(COMMA));
    return this.#skip(CLOSE_BRACE);
  }

  /** Which of `keys` comes now; their number for any other key, UNSURE for what is no plain key. */
  #key(keys: readonly Uint8Array[]): number {
    if (!this.#skip(QUOTE)) {
      return UNSURE;
    }
    const start = this.#at;
    let at = start;
    while (at < this.#end && this.#buffer[at] !== QUOTE) {
      if (this.#buffer[at] === BACKSLASH) {
        return UNSURE;
      }
      at += 1;
    }
    if (at >= this.#end) {
      return UNSURE;
    }
    this.#at = at + 1;
    for (let index = 0; index < keys.length; index += 1) {
      if (this.#holds(keys[index] ?? NULL, start, at)) {
        return index;
      }
    }
    return keys.length;
  }

  #holds(wanted: Uint8Array, start: number, end: number): boolean {
    if (end - start !== wanted.length) {
      return false;
    }
    for (let index = 0; index < wanted.length; index += 1) {
      if (this.#buffer[start + index] !== wanted[index]) {
        return false;
      }
    }
    return true;
  }

  #value(place: Place, key: number): boolean {
    if (key === keysOf(place).length) {
      return this.#skipValue();
    }
    if (this.#peek() === LETTER_N) {
      return this.#null();
    }
    switch (place) {
      case "event":
        return key === 0 && this.#choices();
      case "choice":
        return this.#choiceValue(key);
      case "delta":
        return this.#deltaValue(key);
    }
  }

  #choiceValue(key: number): boolean {
    if (key === 0) {
      return this.#object("delta");
    }
    return this.#string(key === 1 ? Meaning.text : Meaning.finish);
  }

  #deltaValue(key: number): boolean {
    switch (key) {
      case 0:
      case 3:
        return this.#string(Meaning.text);
      case 1:
      case 2:
        return this.#string(Meaning.reasoning);
      default:
        // A tool call is content only where its name or arguments are not empty: left to the parser.
        return this.#skip(OPEN_BRACKET) && this.#skip(CLOSE_BRACKET);
    }
  }

  #choices(): boolean {
    if (!this.#skip(OPEN_BRACKET)) {
      return false;
    }
    if (this.#skip(CLOSE_BRACKET)) {
      return true;
    }
    do {
      if (!this.#object("choice")) {
        return false;
      }
    } while (this.#skip(COMMA));
    return this.#skip(CLOSE_BRACKET);
  }

  /** A string; not being empty is what means something, and an escape is never empty. */
  #string(meaning: number): boolean {
    if (!this.#skip(QUOTE)) {
      return false;
    }
    const start = this.#at;
    const isEmpty = this.#buffer[start] === QUOTE;
    const after = afterString(this.#buffer, start, this.#end);
    this.#at = after;
    if (!isEmpty) {
      this.#meaning |= meaning;
      this.#texts += 1;
      this.#textStart = start;
      this.#textEnd = after - 1;
    }
    return after !== UNSURE;
  }

  #null(): boolean {
    const start = this.#at;
    this.#at += NULL.length;
    return this.#at <= this.#end && this.#holds(NULL, start, this.#at);
  }

  /** Past one value of any kind, by the depth of its brackets. */
  #skipValue(): boolean {
    const buffer = this.#buffer;
    const end = this.#end;
    let depth = 0;
    let at = this.#at;
    while (at < end) {
      const byte = buffer[at] ?? 0;
      const step = DEPTH_STEP[byte] ?? 0;
      // What comes at the value's own depth and is no part of it belongs to what is around it.
      if (depth === 0 && (step < 0 || byte === COMMA)) {
        this.#at = at;
        return true;
      }
      depth += step;
      at = byte === QUOTE ? afterString(buffer, at + 1, end) : at + 1;
      if (at === UNSURE) {
        return false;
      }
    }
    return false;
  }
}

/** From within a string to past its closing quote; UNSURE without one. */
function afterString(buffer: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at += 1) {
    const byte = buffer[at];
    if (byte === QUOTE) {
      return at + 1;
    }
    if (byte === BACKSLASH) {
      at += 1;
    }
  }
  return UNSURE;
}

function keysOf(place: Place): readonly Uint8Array[] {
  switch (place) {
    case "event":
      return EVENT_KEYS;
    case "choice":
      return CHOICE_KEYS;
    case "delta":
      return DELTA_KEYS;
  }
}
