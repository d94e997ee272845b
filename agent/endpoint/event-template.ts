import { UNSURE } from "./event-scan.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NO_BYTES = Buffer.alloc(0);
/** A stream whose events differ in more than their text (an id of their own) is scanned, and costs no copies. */
const LEARNT_IN_VAIN_MAX = 8;

/**
 * The usual event of one stream. A token's event differs from the one before in its text only, so two comparisons
 * and a look at the text say what a scan of its two or three hundred bytes would.
 *
 * An event fits when it begins and ends as the learnt one and holds, between the two, a string that is not empty and
 * ends where the learnt end begins: then the JSON around the string is the same, and so is the meaning.
 */
export class EventTemplate {
  #before = NO_BYTES;
  #after = NO_BYTES;
  #meaning: number = UNSURE;
  #learntInVain = 0;

  /** Bits of `Meaning`, or UNSURE when the event does not fit. */
  match(buffer: Uint8Array, start: number, end: number): number {
    const textStart = start + this.#before.length;
    const textEnd = end - this.#after.length;
    if (
      this.#meaning === UNSURE ||
      !endsAt(buffer, textStart, textEnd) ||
      !holds(buffer, textEnd, this.#after) ||
      this.#before.compare(buffer, start, textStart) !== 0
    ) {
      return UNSURE;
    }
    this.#learntInVain = 0;
    return this.#meaning;
  }

  /** Takes the event for the usual one; its text, the only one that is not empty, lies within its quotes. */
  learn(event: {
    readonly buffer: Uint8Array;
    readonly start: number;
    readonly end: number;
    readonly textStart: number;
    readonly textEnd: number;
    readonly meaning: number;
  }): void {
    if (this.#learntInVain > LEARNT_IN_VAIN_MAX) {
      return;
    }
    const { buffer, start, end, textStart, textEnd, meaning } = event;
    this.#learntInVain += 1;
    this.#before = Buffer.from(buffer.subarray(start, textStart));
    this.#after = Buffer.from(buffer.subarray(textEnd, end));
    this.#meaning = meaning;
  }
}

/** Whether a string that begins at `start` is not empty and ends at `end`. */
function endsAt(buffer: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end) {
    const byte = buffer[at];
    if (byte === QUOTE) {
      return false;
    }
    at += byte === BACKSLASH ? 2 : 1;
  }
  return at === end && end > start;
}

/** Whether `bytes` lie in `buffer` at `at`. For a few: a native comparison costs as much as a hundred of them. */
function holds(buffer: Uint8Array, at: number, bytes: Uint8Array): boolean {
  const length = bytes.length;
  for (let i = 0; i < length; i += 1) if (buffer[at + i] !== bytes[i]) return false;
  return true;
}
