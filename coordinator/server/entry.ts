import type { EngineName } from "./engines.ts";

/** A histogram's running totals. */
export interface HistogramTotals {
  readonly count: number;
  readonly sumS: number;
}

/** What one endpoint said at one moment. Null where the engine does not say it. */
export interface ServerReading {
  readonly engine: EngineName;
  readonly waiting: number | null;
  readonly running: number | null;
  /** 0 to 1. */
  readonly kvUse: number | null;
  /** Replicas behind the endpoint, where it stands for several. */
  readonly replicas: number | null;
  /** Since the engine started. */
  readonly completed: number | null;
  readonly promptTokens: number | null;
  readonly generationTokens: number | null;
  readonly ttft: HistogramTotals | null;
  readonly e2e: HistogramTotals | null;
}

/** Why a scrape gave nothing; what is counted together. */
export type ScrapeFailureKind =
  | "name"
  | "connection"
  | "timeout"
  | "status"
  | "redirect"
  | "too-long"
  | "no-metrics"
  | "no-engine";

/** One line of `server.jsonl`. Instants are the run's clock, ns; at the middle of the exchange. */
export type ServerEntry =
  /** The endpoints there are from now on, as their names resolved. */
  | {
      readonly kind: "replicas";
      readonly atNs: number;
      readonly addresses: readonly string[];
      /** How often they were scraped, s, where that was another's choice. */
      readonly intervalS?: number;
    }
  | {
      readonly kind: "scrape";
      readonly atNs: number;
      /** Its address, as a URL. */
      readonly replica: string;
      readonly reading: ServerReading;
      /** Of lines that could not be read. */
      readonly problem?: string;
    }
  | {
      readonly kind: "failed";
      readonly atNs: number;
      readonly replica: string;
      readonly why: ScrapeFailureKind;
      readonly text: string;
    };

/** Looks at the target while a run goes on. Nothing that happens to it ends the run. */
export interface ServerObserver {
  /**
   * Begins at once.
   *
   * @param options.nowNs the run's clock.
   * @param options.onEntry is told in the order of what happened.
   */
  start(options: {
    readonly nowNs: () => number;
    readonly onEntry: (entry: ServerEntry) => void;
  }): void;
  /** Looks once more, and ends. Harmless when it was never started. */
  stop(): Promise<void>;
}
