import type { CancelCall, Clock } from "../../shared/time/clock.ts";
import type { ServerEntry, ServerObserver } from "../server/entry.ts";
import { RESOLVE_EVERY_SCRAPES } from "../server/server-log.ts";
import { type Lookup, lookUp, type Replica, replicasOf } from "./replicas.ts";
import type { ScrapeTls } from "./http-get.ts";
import { scrape } from "./scrape.ts";

export interface ObserverOptions {
  /** Endpoints; a name with several addresses stands for as many replicas. */
  readonly urls: readonly string[];
  readonly clock: Clock;
  /** Between two scrapes of one replica. */
  readonly intervalNs: number;
  readonly tls: ScrapeTls;
  /** For tests; the machine's own by default. */
  readonly resolve?: Lookup;
}

/** Scrapes every replica once an interval, each on its own; one that is still being scraped is left out of a round. */
export function serverObserver(options: ObserverOptions): ServerObserver {
  return new Observer(options);
}

class Observer implements ServerObserver {
  readonly #options: ObserverOptions;
  #replicas: readonly Replica[] = [];
  readonly #scraping = new Map<string, Promise<void>>();
  /** Addresses whose last scrape gave something. */
  readonly #answering = new Set<string>();
  #nowNs: () => number = () => 0;
  #onEntry: ((entry: ServerEntry) => void) | undefined;
  #round = 0;
  #isResolving = false;
  #cancel: CancelCall | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: ObserverOptions) {
    this.#options = options;
  }

  start({ nowNs, onEntry }: Parameters<ServerObserver["start"]>[0]): void {
    this.#nowNs = nowNs;
    this.#onEntry = onEntry;
    this.#goRound(this.#options.clock.nowNs());
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#lastRound();
    return this.#stopped;
  }

  #goRound(atNs: number): void {
    if (this.#round % RESOLVE_EVERY_SCRAPES === 0 && !this.#isResolving) void this.#resolve();
    this.#round += 1;
    this.#scrapeEach(this.#replicas);
    const { clock, intervalNs } = this.#options;
    // Rounds that were missed are not made up for.
    const nextNs = Math.max(atNs + intervalNs, clock.nowNs());
    this.#cancel = clock.callAt(nextNs, () => {
      this.#goRound(nextNs);
    });
  }

  /** What ended since the last round is still counted; endpoints that do not answer are not waited for once more. */
  async #lastRound(): Promise<void> {
    this.#cancel?.();
    if (this.#onEntry === undefined) return;
    await Promise.all(this.#scraping.values());
    this.#scrapeEach(this.#replicas.filter(({ address }) => this.#answering.has(address)));
    await Promise.all(this.#scraping.values());
    this.#onEntry = undefined;
  }

  async #resolve(): Promise<void> {
    this.#isResolving = true;
    const found = await Promise.all(this.#options.urls.map((url) => this.#replicasOf(url)));
    this.#isResolving = false;
    if (this.#stopped !== undefined) return;
    const byAddress = new Map(found.flat().map((replica) => [replica.address, replica]));
    const before = this.#replicas.map(({ address }) => address);
    this.#replicas = [...byAddress.values()];
    const addresses = [...byAddress.keys()];
    if (addresses.join(" ") === before.join(" ")) return;
    this.#tell({ kind: "replicas", atNs: this.#nowNs(), addresses });
    this.#scrapeEach(this.#replicas.filter(({ address }) => !before.includes(address)));
  }

  /** Those of before where the name does not resolve just now. */
  async #replicasOf(url: string): Promise<readonly Replica[]> {
    try {
      return await replicasOf(url, this.#options.resolve ?? lookUp);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : "no answer";
      const text = `its name has no address (${code})`;
      this.#tell({ kind: "failed", atNs: this.#nowNs(), replica: url, why: "name", text });
      return this.#replicas.filter((replica) => replica.url.href === url);
    }
  }

  #scrapeEach(replicas: readonly Replica[]): void {
    for (const replica of replicas) {
      const { address } = replica;
      if (this.#scraping.has(address)) continue;
      const scraping = this.#scrape(replica).finally(() => this.#scraping.delete(address));
      this.#scraping.set(address, scraping);
    }
  }

  async #scrape(replica: Replica): Promise<void> {
    const { address } = replica;
    const sentAtNs = this.#nowNs();
    const scraped = await scrape(replica, this.#options);
    const atNs = Math.round((sentAtNs + this.#nowNs()) / 2);
    if ("why" in scraped) {
      this.#answering.delete(address);
      this.#tell({ kind: "failed", atNs, replica: address, ...scraped });
      return;
    }
    this.#answering.add(address);
    const { reading, problem } = scraped;
    this.#tell({
      kind: "scrape",
      atNs,
      replica: address,
      reading,
      ...(problem === undefined ? {} : { problem }),
    });
  }

  #tell(entry: ServerEntry): void {
    this.#onEntry?.(entry);
  }
}
