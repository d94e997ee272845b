import type { Command } from "../cores.ts";

/** What a client is asked to send, the same of each. */
export interface PeerLoad {
  /** Of the server, without a path. */
  readonly url: string;
  readonly ratePerSecond: number;
  readonly seconds: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** A folder with a tokenizer whose vocabulary is the server's words. */
  readonly tokenizer: string;
  /** An empty folder of this run. */
  readonly folder: string;
}

/** What a client says of its own run. */
export interface Reported {
  /** Its name and version. */
  readonly client: string;
  /** ms; null where it tells none, or too few samples are behind it. */
  readonly ttftP50Ms: number | null;
  readonly ttftP99Ms: number | null;
  /** Requests that it was to send. */
  readonly asked: number;
}

/** A load generator as the bench drives it. */
export interface Client {
  readonly name: string;
  readonly commandFor: (load: PeerLoad) => Command;
  /** Beside those of this process. */
  readonly environment?: Readonly<Record<string, string>>;
  /** @throws Error when the run left no result. */
  readonly readReported: (load: PeerLoad, printed: string) => Promise<Reported>;
}

/** A client that cannot be measured on this machine, and why. */
export interface Absent {
  readonly name: string;
  readonly reason: string;
}
