const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const LETTER_A = 0x61;
const LETTER_D = 0x64;
const LETTER_T = 0x74;
const BYTE_ORDER_MARK = Uint8Array.of(0xef, 0xbb, 0xbf);
const LINE_FEED = Uint8Array.of(LF);

const NO_BYTES = new Uint8Array(0);
const HELD_BYTES_FIRST = 1024;
/** In place of where the rest of a read starts. */
const TOO_LARGE = -1;

/** The most that one event's data, or one line of any kind, may hold. A token's event has some hundred bytes. */
export const EVENT_BYTES_MAX = 1 << 20;

/** Takes the data of one event: `buffer` from `start` to before `end`. The bytes are valid during the call only. */
export type OnEventData = (buffer: Uint8Array, start: number, end: number) => void;

/**
 * Finds the events of a `text/event-stream` in its bytes, read by read.
 *
 * Only the data of an event is told; its other fields and comments are skipped. Lines end in LF, CR or CRLF, several
 * data lines are joined by LF, a byte order mark before the first line is skipped, and an event that no blank line
 * ended is not told. Since every byte with a meaning is ASCII, a character cut by two reads needs no care.
 *
 * Hot: one call per read. An event that lies within one read is told as a view of that read, without a copy; line
 * ends are looked for with `indexOf`, which is native. Only what crosses a read's end is copied.
 *
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class SseScanner {
  readonly #onEventData: OnEventData;
  readonly #eventBytesMax: number;

  /** The start of a line whose end has not been read. */
  readonly #line = new HeldBytes();
  /** The data of the event so far, unless it is one line of the current read. */
  readonly #data = new HeldBytes();
  #dataLines = 0;

  /** The event's only data line so far, within the current read; no view when `#viewStart` is -1. */
  #viewOf: Uint8Array = NO_BYTES;
  #viewStart = -1;
  #viewEnd = -1;

  /** Where the current read ends in its buffer. */
  #readEnd = 0;
  #markBytesSeen = 0;
  /** The read before ended in CR: an LF now belongs to it. */
  #lineFeedMayFollow = false;
  #tooLarge = false;

  constructor(onEventData: OnEventData, eventBytesMax: number = EVENT_BYTES_MAX) {
    this.#onEventData = onEventData;
    this.#eventBytesMax = eventBytesMax;
  }

  /**
   * Takes the bytes of `read` from `start` to before `end`. False once a line or an event is larger than the bound;
   * from then on, nothing more is told.
   */
  push(read: Uint8Array, start = 0, end = read.length): boolean {
    if (this.#tooLarge) {
      return false;
    }
    this.#readEnd = end;
    const at = this.#skipToLine(read, start);
    const cr = read.indexOf(CR, at);
    const rest = cr === -1 || cr >= end ? this.#endLfLines(read, at) : this.#endAnyLines(read, at);
    this.#tooLarge = rest === TOO_LARGE || !this.#hold(read, rest);
    return !this.#tooLarge;
  }

  /** Past what the read before left open: a byte order mark, the LF of a CRLF. */
  #skipToLine(read: Uint8Array, start: number): number {
    const at =
      this.#markBytesSeen < BYTE_ORDER_MARK.length ? this.#skipByteOrderMark(read, start) : start;
    if (this.#lineFeedMayFollow && at < this.#readEnd) {
      this.#lineFeedMayFollow = false;
      return read[at] === LF ? at + 1 : at;
    }
    return at;
  }

  /** Every line end of a read without a CR, which is every read of the servers we know. */
  #endLfLines(read: Uint8Array, start: number): number {
    let at = start;
    const end = this.#readEnd;
    for (let lf = read.indexOf(LF, at); lf !== -1 && lf < end; lf = read.indexOf(LF, at)) {
      if (!this.#endLine(read, at, lf)) {
        return TOO_LARGE;
      }
      at = lf + 1;
    }
    return at;
  }

  #endAnyLines(read: Uint8Array, start: number): number {
    let at = start;
    const end = this.#readEnd;
    for (let index = start; index < end; index += 1) {
      const byte = read[index];
      if (byte !== LF && byte !== CR) {
        continue;
      }
      if (!this.#endLine(read, at, index)) {
        return TOO_LARGE;
      }
      if (byte === CR) {
        this.#lineFeedMayFollow = index + 1 === end;
        index += index + 1 < end && read[index + 1] === LF ? 1 : 0;
      }
      at = index + 1;
    }
    return at;
  }

  /** Takes the end of a line; its start may be held from reads before. */
  #endLine(read: Uint8Array, start: number, end: number): boolean {
    const held = this.#line;
    if (held.length + end - start > this.#eventBytesMax) {
      return false;
    }
    if (held.length === 0) {
      return this.#takeLine(read, start, end);
    }
    held.append(read, start, end);
    const taken = this.#takeLine(held.bytes, 0, held.length);
    // The next line's start will overwrite these bytes.
    this.#keepView();
    held.length = 0;
    return taken;
  }

  #takeLine(buffer: Uint8Array, start: number, end: number): boolean {
    if (start === end) {
      this.#tell();
      return true;
    }
    if (!isDataLine(buffer, start, end)) {
      return true;
    }
    const afterColon = Math.min(start + 5, end);
    const hasSpace = afterColon < end && buffer[afterColon] === SPACE;
    return this.#addData(buffer, hasSpace ? afterColon + 1 : afterColon, end);
  }

  #addData(buffer: Uint8Array, start: number, end: number): boolean {
    this.#dataLines += 1;
    if (this.#dataLines === 1) {
      this.#viewOf = buffer;
      this.#viewStart = start;
      this.#viewEnd = end;
      return true;
    }
    this.#keepView();
    if (this.#data.length + 1 + end - start > this.#eventBytesMax) {
      return false;
    }
    this.#data.append(LINE_FEED, 0, 1);
    this.#data.append(buffer, start, end);
    return true;
  }

  /** A blank line: the event is whole. */
  #tell(): void {
    if (this.#dataLines === 0) {
      return;
    }
    this.#dataLines = 0;
    if (this.#viewStart === -1) {
      const { bytes, length } = this.#data;
      this.#data.length = 0;
      this.#onEventData(bytes, 0, length);
      return;
    }
    const view = this.#viewOf;
    const start = this.#viewStart;
    this.#viewOf = NO_BYTES;
    this.#viewStart = -1;
    this.#onEventData(view, start, this.#viewEnd);
  }

  /** Copies the view, because the bytes it lies in are about to go. */
  #keepView(): void {
    if (this.#viewStart !== -1) {
      this.#data.append(this.#viewOf, this.#viewStart, this.#viewEnd);
      this.#viewStart = -1;
      this.#viewOf = NO_BYTES;
    }
  }

  /** Keeps what the read leaves unfinished: an event without its blank line, a line without its end. */
  #hold(read: Uint8Array, at: number): boolean {
    this.#keepView();
    const end = this.#readEnd;
    if (this.#line.length + end - at > this.#eventBytesMax) {
      return false;
    }
    if (at < end) {
      this.#line.append(read, at, end);
    }
    return true;
  }

  /** Where the first line starts in `read`. Bytes that only began like a mark are part of that line. */
  #skipByteOrderMark(read: Uint8Array, start: number): number {
    let at = start;
    while (at < this.#readEnd && this.#markBytesSeen < BYTE_ORDER_MARK.length) {
      if (read[at] !== BYTE_ORDER_MARK[this.#markBytesSeen]) {
        this.#line.append(BYTE_ORDER_MARK, 0, this.#markBytesSeen);
        this.#markBytesSeen = BYTE_ORDER_MARK.length;
        return at;
      }
      at += 1;
      this.#markBytesSeen += 1;
    }
    return at;
  }
}

/** Whether the line is the field `data`: with a colon, or without one and then with an empty value. */
function isDataLine(buffer: Uint8Array, start: number, end: number): boolean {
  return (
    end - start >= 4 &&
    buffer[start] === LETTER_D &&
    buffer[start + 1] === LETTER_A &&
    buffer[start + 2] === LETTER_T &&
    buffer[start + 3] === LETTER_A &&
    (end - start === 4 || buffer[start + 4] === COLON)
  );
}

/** Bytes copied out of a read, because they are needed after it. */
class HeldBytes {
  bytes: Uint8Array = NO_BYTES;
  length = 0;

  append(source: Uint8Array, start: number, end: number): void {
    const lengthAfter = this.length + end - start;
    if (lengthAfter > this.bytes.length) {
      const grown = new Uint8Array(Math.max(lengthAfter, this.bytes.length * 2, HELD_BYTES_FIRST));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(source.subarray(start, end), this.length);
    this.length = lengthAfter;
  }
}
