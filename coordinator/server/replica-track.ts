import { Counter } from "./counter.ts";
import type { ScrapeFailureKind, ServerEntry, ServerReading } from "./entry.ts";
import { type Point, pointsIn, type Stretch } from "./points.ts";

export const GAUGES = ["waiting", "running", "kvUse", "replicas"] as const;
export type Gauge = (typeof GAUGES)[number];

const COUNTERS = ["completed", "promptTokens", "generationTokens"] as const;
export type CounterName = (typeof COUNTERS)[number] | "e2eCount" | "e2eSumS";

interface Failure {
  readonly atNs: number;
  readonly why: ScrapeFailureKind;
  readonly text: string;
}

/** Everything that one endpoint said, in the order of its saying. */
export class ReplicaTrack {
  readonly address: string;
  readonly #gauges: Readonly<Record<Gauge, Point[]>> = {
    waiting: [],
    running: [],
    kvUse: [],
    replicas: [],
  };
  readonly #counters: Readonly<Record<CounterName, Counter>> = {
    completed: new Counter(),
    promptTokens: new Counter(),
    generationTokens: new Counter(),
    e2eCount: new Counter(),
    e2eSumS: new Counter(),
  };
  readonly #readAt: { readonly atNs: number }[] = [];
  readonly #failures: Failure[] = [];
  readonly #problems: { readonly atNs: number; readonly text: string }[] = [];

  constructor(address: string) {
    this.address = address;
  }

  read({ atNs, reading, problem }: Extract<ServerEntry, { kind: "scrape" }>): void {
    this.#readAt.push({ atNs });
    for (const gauge of GAUGES) {
      const value = reading[gauge];
      if (value !== null) this.#gauges[gauge].push({ atNs, value });
    }
    for (const name of COUNTERS) {
      const value = reading[name];
      if (value !== null) this.#counters[name].see(atNs, value);
    }
    this.#readTotals(atNs, reading);
    if (problem !== undefined) this.#problems.push({ atNs, text: problem });
  }

  #readTotals(atNs: number, { e2e }: ServerReading): void {
    if (e2e === null) return;
    this.#counters.e2eCount.see(atNs, e2e.count);
    this.#counters.e2eSumS.see(atNs, e2e.sumS);
  }

  failed({ atNs, why, text }: Extract<ServerEntry, { kind: "failed" }>): void {
    this.#failures.push({ atNs, why, text });
  }

  /** What it said of itself is another's. */
  refuse(atNs: number, text: string): void {
    this.#problems.push({ atNs, text });
  }

  /** When it was read, in order. */
  get readAt(): readonly { readonly atNs: number }[] {
    return this.#readAt;
  }

  gauge(name: Gauge): readonly Point[] {
    return this.#gauges[name];
  }

  counter(name: CounterName): Counter {
    return this.#counters[name];
  }

  scrapeCount(stretch: Stretch): number {
    return pointsIn(this.#readAt, stretch).length;
  }

  /** Whether it counts from a new start within a stretch. */
  restartedIn({ fromNs, untilNs }: Stretch): boolean {
    return [...Object.values(this.#counters)].some(
      (counter) => counter.resetsIn(fromNs, untilNs).length > 0,
    );
  }

  /** Sentences: what went wrong with looking at it, each kind once, with how often. */
  problemsIn(stretch: Stretch): readonly string[] {
    const failures = pointsIn(this.#failures, stretch);
    const tried = failures.length + this.scrapeCount(stretch);
    const kinds = new Map<string, { count: number; text: string }>();
    for (const { why, text } of failures) {
      const same = kinds.get(why);
      kinds.set(why, { count: (same?.count ?? 0) + 1, text: same?.text ?? text });
    }
    const notes = new Map<string, number>();
    for (const { text } of pointsIn(this.#problems, stretch))
      notes.set(text, (notes.get(text) ?? 0) + 1);
    return [
      ...[...kinds.values()].map(
        ({ count, text }) => `${count} of ${tried} scrapes of ${this.address} failed: ${text}`,
      ),
      ...[...notes].slice(0, NOTES_MAX).map(([text]) => `${this.address}: ${text}`),
      ...this.#silencesIn(stretch),
      ...(this.restartedIn(stretch)
        ? [`${this.address} started again: its counters went back`]
        : []),
    ];
  }

  /** A figure that was there and then was not: renamed, or gone. */
  #silencesIn(stretch: Stretch): readonly string[] {
    const reads = pointsIn(this.#readAt, stretch).length;
    return GAUGES.flatMap((gauge) => {
      const points = this.#gauges[gauge];
      const told = pointsIn(points, stretch).length;
      if (points.length === 0 || told === reads) return [];
      return [`${this.address} told ${gauge} in ${told} of ${reads} scrapes only`];
    });
  }
}

const NOTES_MAX = 4;
