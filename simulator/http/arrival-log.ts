import { closeSync, createWriteStream, openSync } from "node:fs";
import type { WriteStream } from "node:fs";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { CompletionEndpoint } from "./completion-request.ts";

/**
 * How a request ended, as the server saw it: `ok`; `refused` (its own fault: 4xx, 5xx for a bad request);
 * `error` (a status on purpose); `rejected` (429, queue over its bound); `cut` (connection closed in mid-stream
 * on purpose); `stream-error` (an error inside a 200); `html`; `disconnected` (the client left); `slow-reader`
 * (the client did not read); `open` (not over yet; also never answered on purpose, until the client leaves).
 */
export type ArrivalOutcome =
  | "ok"
  | "refused"
  | "error"
  | "rejected"
  | "cut"
  | "stream-error"
  | "html"
  | "disconnected"
  | "slow-reader"
  | "open";

/**
 * One request in the server's own log. Instants are ns on the host's monotonic clock (CLOCK_MONOTONIC, what
 * `process.hrtime` reads), the same for every process of the host. Absent: it did not happen.
 */
export interface ArrivalRecord {
  /** From 1, in the order of arrival. */
  readonly id: number;
  /** The request's `x-request-id`, else its prompt's first six words: to join it with a client's record. */
  readonly marker: string;
  readonly endpoint: CompletionEndpoint;
  readonly stream: boolean;
  readonly promptTokens: number;
  /** What it is to produce, all choices. */
  readonly outputTokens: number;
  /** When its body had been read. */
  readonly arrivedAtNs: number;
  /** Wall clock, ms. */
  readonly arrivedAtWallMs: number;
  /** Who waited before it. */
  readonly waitingAtArrival: number;
  /** In virtual time: when its service began, when its first and last tokens were due. */
  startedAtNs?: number;
  firstTokenAtNs?: number;
  lastTokenAtNs?: number;
  /** When they were handed to the socket: at or after the instant they were due. */
  firstTokenWrittenAtNs?: number;
  lastTokenWrittenAtNs?: number;
  /** Tokens produced for the client, all choices. */
  tokens: number;
  endedAtNs?: number;
  /** HTTP status; 0 before one is sent. */
  status: number;
  outcome: ArrivalOutcome;
}

/** Lines waiting for a slow disk, bytes; what does not fit is counted, not kept. */
const FILE_PENDING_BYTES_MAX = 64 * 1024 * 1024;

/** Keeps the newest requests in memory and writes each one that is over to a file of JSON lines. */
export class ArrivalLog {
  readonly #entriesMax: number;
  readonly #file: WriteStream | undefined;
  #entries: ArrivalRecord[] = [];
  #linesLost = 0;

  /** @throws LoadError LL_SIMULATOR_LOG when the file cannot be written. */
  constructor(options: { readonly entriesMax: number; readonly file: string | undefined }) {
    this.#entriesMax = options.entriesMax;
    this.#file = options.file === undefined ? undefined : openLog(options.file);
  }

  /** The newest requests, in the order of arrival; those that are not over as they stand. */
  entries(): readonly ArrivalRecord[] {
    return this.#entries.slice(-this.#entriesMax);
  }

  begin(record: ArrivalRecord): void {
    this.#entries.push(record);
    // In halves, so that dropping the old ones costs a constant per request.
    if (this.#entries.length >= 2 * this.#entriesMax) {
      this.#entries = this.#entries.slice(-this.#entriesMax);
    }
  }

  end(record: ArrivalRecord): void {
    this.#write(record);
  }

  /** The first line: which instant of the wall clock an instant of the log is. */
  writeStart(start: {
    readonly url: string;
    readonly monotonicNs: number;
    readonly wallMs: number;
  }): void {
    this.#write({ kind: "start", ...start });
  }

  /** Writes what is not over yet, as `open`, and closes the file. */
  async close(): Promise<void> {
    const file = this.#file;
    if (file === undefined) return;
    for (const record of this.entries()) {
      if (record.outcome === "open") this.#write(record);
    }
    if (this.#linesLost > 0) this.#write({ kind: "lost", lines: this.#linesLost });
    await new Promise<void>((resolve) => {
      file.once("error", () => {
        resolve();
      });
      file.end(resolve);
    });
  }

  #write(line: object): void {
    const file = this.#file;
    if (file === undefined) return;
    if (file.writableLength > FILE_PENDING_BYTES_MAX || file.destroyed) this.#linesLost += 1;
    else file.write(`${JSON.stringify(line)}\n`);
  }
}

function openLog(file: string): WriteStream {
  try {
    // Opened here and now, so that a bad path is told before the server starts.
    closeSync(openSync(file, "w"));
  } catch (cause) {
    throw new LoadError(`the arrival log ${file} cannot be written: ${String(cause)}`, {
      code: "LL_SIMULATOR_LOG",
      hint: "name a file in a folder that exists and that you may write to",
      exitCode: ExitCode.PlanInvalid,
      cause,
    });
  }
  const stream = createWriteStream(file, { flags: "a" });
  // A disk that fills up must not end the server; the lines are then lost, and the stream is destroyed.
  stream.on("error", () => undefined);
  return stream;
}
