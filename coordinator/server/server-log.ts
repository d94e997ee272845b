import type { EngineName } from "./engines.ts";
import { engineTitle } from "./engines.ts";
import type { ServerEntry } from "./entry.ts";
import { greatest, indexFrom, type Point, type Stretch } from "./points.ts";
import { ReplicaTrack } from "./replica-track.ts";

/** Names are looked up again every so many scrapes: replicas come and go. */
export const RESOLVE_EVERY_SCRAPES = 5;

/** What the target said of itself in a run: `server.jsonl`, by endpoint. It changes only by its entries, in their order. */
export class ServerLog {
  readonly #tracks = new Map<string, ReplicaTrack>();
  readonly #addressCounts: { readonly atNs: number; readonly value: number }[] = [];
  #engine: EngineName | undefined;
  #intervalS: number | undefined;

  add(entry: ServerEntry): void {
    switch (entry.kind) {
      case "replicas":
        this.#addressCounts.push({ atNs: entry.atNs, value: entry.addresses.length });
        this.#intervalS ??= entry.intervalS;
        return;
      case "failed":
        this.#track(entry.replica).failed(entry);
        return;
      case "scrape": {
        this.#engine ??= entry.reading.engine;
        const track = this.#track(entry.replica);
        if (entry.reading.engine === this.#engine) track.read(entry);
        // A gateway and the engines behind it would count each request twice.
        else track.refuse(entry.atNs, otherEngine(entry.reading.engine, this.#engine));
      }
    }
  }

  /** The first one that was seen; undefined before. */
  get engine(): EngineName | undefined {
    return this.#engine;
  }

  /** How often it was scraped, s; undefined where that was this run's own choice. */
  get intervalS(): number | undefined {
    return this.#intervalS;
  }

  get tracks(): readonly ReplicaTrack[] {
    return [...this.#tracks.values()];
  }

  /** How many replicas there were within a stretch, least and most; undefined where that is not known. */
  replicasIn({
    fromNs,
    untilNs,
  }: Stretch): { readonly min: number; readonly max: number } | undefined {
    const told = this.tracks.flatMap((track) => track.gauge("replicas"));
    // A gateway knows how many it sends to; else those count whose metrics are read.
    const counts = told.length > 0 ? told : this.#addressCounts;
    const before = counts.filter(({ atNs }) => atNs < fromNs).at(-1);
    const within = counts.filter(({ atNs }) => atNs >= fromNs && atNs <= untilNs);
    const values = [...(before === undefined ? [] : [before]), ...within].map(({ value }) => value);
    const max = greatest(values);
    return max === null ? undefined : { min: values.reduce((a, b) => Math.min(a, b)), max };
  }

  /** A gateway tells how many replicas it sends to. */
  get tellsReplicas(): boolean {
    return this.tracks.some((track) => track.gauge("replicas").length > 0);
  }

  /**
   * How many replicas served, each time that one of them was read, in order: as a gateway tells, else those that were
   * read within `heldNs` before. An address that does not answer is no replica.
   */
  replicaCounts(heldNs: number): readonly Point[] {
    const { tracks } = this;
    if (this.tellsReplicas)
      return tracks.flatMap((track) => track.gauge("replicas")).toSorted((a, b) => a.atNs - b.atNs);
    const instants = tracks.flatMap(({ readAt }) => readAt.map(({ atNs }) => atNs));
    return [...new Set(instants)]
      .sort((a, b) => a - b)
      .map((atNs) => ({
        atNs,
        value: tracks.filter(({ readAt }) => {
          const last = readAt[indexFrom(readAt, atNs + 1) - 1];
          return last !== undefined && last.atNs > atNs - heldNs;
        }).length,
      }));
  }

  #track(address: string): ReplicaTrack {
    const known = this.#tracks.get(address);
    if (known !== undefined) return known;
    const track = new ReplicaTrack(address);
    this.#tracks.set(address, track);
    return track;
  }
}

function otherEngine(engine: EngineName, first: EngineName): string {
  return `it is ${engineTitle(engine)} and left out, since the first endpoint is ${engineTitle(first)}`;
}
