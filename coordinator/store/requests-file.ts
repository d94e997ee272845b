import { createReadStream, createWriteStream, existsSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ZstdCompress } from "node:zlib";
import { createZstdCompress, createZstdDecompress } from "node:zlib";
import { LoadError } from "../../shared/errors.ts";
import type { Outcome } from "../../shared/measurement/outcome.ts";
import type { RecordBatch, RequestRecord } from "../../shared/measurement/report.ts";
import { linesOf } from "./lines.ts";
import { readFailed, writeFailed } from "./store-errors.ts";
import type { ReadOptions, TornTail } from "./torn.ts";

export const REQUESTS_FILE = "requests.jsonl.zst";
/** What a killed coordinator left of it, while it is written anew. */
const BEFORE_FILE = ".requests-before.jsonl.zst";

const US_PER_MS = 1_000;

/** One line of `requests.jsonl.zst`: one request. Times in ms; null where there is none. */
export interface RequestLine {
  readonly index: number;
  readonly segment: number;
  readonly agent: string;
  /** The intended instant, on the run's clock. */
  readonly intendedMs: number;
  readonly sendDelayMs: number | null;
  readonly ttftMs: number | null;
  /** The mean gap between its content events. */
  readonly gapMeanMs: number | null;
  readonly maxGapMs: number | null;
  readonly e2eMs: number | null;
  /** From the sent instant to the end, whatever came of it. */
  readonly durationMs: number | null;
  readonly outputTokens: number;
  readonly inputTokens: number;
  readonly contentEvents: number;
  readonly outcome: Outcome;
  /** HTTP status; 0 where there was none. */
  readonly status: number;
  /** The class's name, or its place in the plan where the names are not known. */
  readonly class: string | number;
}

/** A record as its line in the file tells it. */
export function requestLine(
  record: RequestRecord,
  of: { batch: RecordBatch; classNames: readonly string[] },
): RequestLine {
  return {
    index: record.index,
    segment: of.batch.segment,
    agent: of.batch.agentId,
    intendedMs: record.intendedAtUs / US_PER_MS,
    sendDelayMs: msOf(record.sendDelayUs),
    ttftMs: msOf(record.ttftUs),
    gapMeanMs: msOf(record.gapMeanUs),
    maxGapMs: msOf(record.gapMaxUs),
    e2eMs: msOf(record.e2eUs),
    durationMs: msOf(record.durationUs),
    outputTokens: record.outputTokens,
    inputTokens: record.inputTokens,
    contentEvents: record.contentEvents,
    outcome: record.outcome,
    status: record.status,
    class: of.classNames[record.classIndex] ?? record.classIndex,
  };
}

function msOf(timeUs: number): number | null {
  return timeUs === -1 ? null : timeUs / US_PER_MS;
}

/**
 * Streams the records of single requests through zstd into their file. Compression holds back up to some hundred kB;
 * they are on disk after `close`. Losing them loses no result.
 */
export class RequestsFile {
  readonly #path: string;
  readonly #classNames: readonly string[];
  readonly #compress: ZstdCompress;
  readonly #written: Promise<LoadError | undefined>;
  /** By agent and epoch: the last batch that was kept. They come in order, and some twice after a reconnect. */
  readonly #lastBatch = new Map<string, number>();

  constructor(directory: string, classNames: readonly string[]) {
    this.#path = join(directory, REQUESTS_FILE);
    this.#classNames = classNames;
    this.#compress = createZstdCompress();
    this.#written = pipeline(this.#compress, createWriteStream(this.#path)).then(
      () => undefined,
      (error: unknown) => writeFailed(this.#path, error),
    );
  }

  /**
   * Goes on with a file that a killed coordinator left. A compressed stream that was cut off takes nothing behind it,
   * so its lines are written anew.
   *
   * @throws LoadError LL_RUN_FOLDER_WRITE
   */
  static async reopen(directory: string, classNames: readonly string[]): Promise<RequestsFile> {
    const path = join(directory, REQUESTS_FILE);
    const before = join(directory, BEFORE_FILE);
    if (!existsSync(before)) {
      if (!existsSync(path)) return new RequestsFile(directory, classNames);
      await rename(path, before);
    }
    const file = new RequestsFile(directory, classNames);
    for await (const line of wholeLines(before, {})) await file.#write(`${line}\n`);
    await rm(before);
    return file;
  }

  /** Resolves when the compressor took it. @throws LoadError LL_RUN_FOLDER_WRITE */
  async append(batch: RecordBatch): Promise<void> {
    const sender = `${batch.epoch} ${batch.agentId}`;
    if (batch.batch <= (this.#lastBatch.get(sender) ?? -1)) return;
    this.#lastBatch.set(sender, batch.batch);
    const of = { batch, classNames: this.#classNames };
    const lines = batch.records.map((record) => `${JSON.stringify(requestLine(record, of))}\n`);
    await this.#write(lines.join(""));
  }

  async #write(text: string): Promise<void> {
    const failed = await new Promise((resolve) => {
      this.#compress.write(text, resolve);
    });
    if (failed instanceof Error) throw (await this.#written) ?? writeFailed(this.#path, failed);
  }

  /** @throws LoadError LL_RUN_FOLDER_WRITE */
  async close(): Promise<void> {
    this.#compress.end();
    const failure = await this.#written;
    if (failure !== undefined) throw failure;
  }
}

/**
 * The requests of a run, in the order in which their records came.
 *
 * @throws LoadError LL_RUN_FOLDER_READ, also where the file is not there because records were not kept.
 */
export async function* readRequests(
  directory: string,
  options: ReadOptions = {},
): AsyncGenerator<RequestLine> {
  const path = join(directory, REQUESTS_FILE);
  for await (const line of wholeLines(path, options)) yield requestOf(line, path);
}

function requestOf(line: string, path: string): RequestLine {
  try {
    return JSON.parse(line) as RequestLine;
  } catch (error) {
    throw readFailed(path, error);
  }
}

/** The file's lines, as far as its compressed stream goes. */
async function* wholeLines(path: string, options: ReadOptions): AsyncGenerator<string> {
  const tails: TornTail[] = [];
  let wholeBytes = 0;
  try {
    const chunks = decompressed(path);
    for await (const line of linesOf(chunks, { path, onTorn: (torn) => tails.push(torn) })) {
      wholeBytes += Buffer.byteLength(line) + 1;
      yield line;
    }
  } catch (error) {
    if (!isCutOff(error)) throw readFailed(path, error);
    tails.push({ path, wholeBytes });
  }
  const [torn] = tails;
  if (torn !== undefined) options.onTorn?.(torn);
}

function decompressed(path: string): AsyncIterable<Buffer> {
  const decompress = createZstdDecompress();
  // The reader sees the error too: it destroys what it reads.
  pipeline(createReadStream(path), decompress).catch(() => undefined);
  return decompress as AsyncIterable<Buffer>;
}

/** zlib's word for a compressed stream without its end. */
function isCutOff(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "Z_BUF_ERROR";
}
