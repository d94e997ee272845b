import type { Refusal } from "../../shared/control/control.ts";
import {
  addCounters,
  conservationProblems,
  zeroCounters,
} from "../../shared/measurement/counters.ts";
import type { Counters } from "../../shared/measurement/counters.ts";
import type { IntervalReport, RecordBatch } from "../../shared/measurement/report.ts";
import { AgentHealth } from "./agent-health.ts";
import { Coverage } from "./coverage.ts";
import { fingerprintOf } from "./fingerprint.ts";
import { openOf, SegmentMerge } from "./segment-merge.ts";

/** So many recent reports of an agent are remembered, to tell a repeat from a conflict: minutes of them. */
const REMEMBERED_REPORTS = 512;

/** What is known of one epoch of one agent. */
interface EpochMerge {
  /** Every sequence up to and with it is taken. */
  sequence: number;
  sealedUntilNs: number;
  totals: Counters;
  open: number;
  drained: boolean;
  firingSegment: number;
  readonly fingerprints: Map<number, number>;
}

/** A sentence, and the stretch of the run's clock that it is about. */
interface MergeProblem {
  readonly text: string;
  readonly fromNs: number;
  readonly untilNs: number;
  /** Reports that were taken say so; what was refused is in none. */
  readonly isReported: boolean;
}

/** All reports of a run, taken once each, as sums per segment. */
export class RunMerge {
  readonly #runId: string;
  readonly #epochs = new Map<string, EpochMerge>();
  /** By agent: the epoch that began last, and what is known of it. */
  readonly #latest = new Map<string, EpochMerge>();
  readonly #segments = new Map<number, SegmentMerge>();
  readonly #health = new Map<string, AgentHealth>();
  readonly #coverage = new Map<string, Coverage>();
  /** By agent: fired requests of the intervals reported, less those of them that ended. */
  readonly #undecided = new Map<string, number>();
  #reportsTaken = 0;
  #latestNs = 0;
  readonly #problems: MergeProblem[] = [];

  constructor(runId: string) {
    this.#runId = runId;
  }

  /** Sentences about reports that do not add up; any of them makes the run invalid. */
  get problems(): readonly string[] {
    return this.#problems.filter(({ isReported }) => isReported).map(({ text }) => text);
  }

  /** Those that are about any part of a stretch of the run's clock. */
  problemsIn(fromNs: number, untilNs: number): readonly string[] {
    return this.#problems
      .filter((problem) => problem.fromNs < untilNs && problem.untilNs > fromNs)
      .map(({ text }) => text);
  }

  /** Something of an agent could not be taken at all; it is about everything from its last report on. */
  refused(agentId: string, { code, message, hint }: Refusal): void {
    const fromNs = this.sealedUntilNs([agentId]);
    const text = `agent ${agentId}'s reports were refused (${code}): ${message}; ${hint}`;
    if (this.#problems.some((problem) => problem.text === text)) return;
    this.#problems.push({ text, fromNs, untilNs: Number.POSITIVE_INFINITY, isReported: false });
  }

  segment(number: number): SegmentMerge {
    const segment = this.#segments.get(number) ?? new SegmentMerge();
    this.#segments.set(number, segment);
    return segment;
  }

  healthOf(agentId: string): AgentHealth | undefined {
    return this.#health.get(agentId);
  }

  /** How many reports were taken; with their order it says what was known. */
  get reportsTaken(): number {
    return this.#reportsTaken;
  }

  /** Run clock, ns: no report tells of anything later. */
  get latestNs(): number {
    return this.#latestNs;
  }

  /** Over every epoch of the agent. */
  totalsOf(agentId: string): { readonly totals: Counters; readonly open: number } {
    const epochs = [...this.#epochs].filter(([key]) => key.startsWith(`${agentId}/`));
    return epochs.reduce(
      (sum, [, { totals, open }]) => ({
        totals: addCounters(sum.totals, totals),
        open: sum.open + open,
      }),
      { totals: zeroCounters(), open: 0 },
    );
  }

  /** Over every agent. */
  totals(): { readonly totals: Counters; readonly open: number } {
    let totals = zeroCounters();
    let open = 0;
    for (const epoch of this.#epochs.values()) {
      totals = addCounters(totals, epoch.totals);
      open += epoch.open;
    }
    return { totals, open };
  }

  /** What the agent's reports tell of; undefined without any. */
  coverageOf(agentId: string): Coverage | undefined {
    return this.#coverage.get(agentId);
  }

  /** Requests that the agent reported fired and of whose end no report tells. */
  undecidedOf(agentId: string): number {
    return Math.max(0, this.#undecided.get(agentId) ?? 0);
  }

  /** Which segment the agent last said it was firing; 0 when none. */
  firingSegmentOf(agentId: string): number {
    return this.#latest.get(agentId)?.firingSegment ?? 0;
  }

  drained(agentIds: readonly string[]): boolean {
    return agentIds.every((agentId) => this.#latest.get(agentId)?.drained ?? true);
  }

  /** Run clock, ns: up to here everything of every one of the agents is merged. */
  sealedUntilNs(agentIds: readonly string[]): number {
    let untilNs = Number.POSITIVE_INFINITY;
    for (const agentId of agentIds) untilNs = Math.min(untilNs, this.#sealedUntilNs(agentId));
    return untilNs;
  }

  /** The agent of whom least is merged; undefined without any. Nothing is sealed further until it reports. */
  slowestOf(agentIds: readonly string[]): string | undefined {
    const untilNs = this.sealedUntilNs(agentIds);
    return agentIds.find((agentId) => this.#sealedUntilNs(agentId) === untilNs);
  }

  #sealedUntilNs(agentId: string): number {
    return this.#latest.get(agentId)?.sealedUntilNs ?? Number.NEGATIVE_INFINITY;
  }

  /**
   * Looks at a report before it is written to disk and merged.
   *
   * @returns "new", "duplicate" (a no-op), or why it cannot be taken.
   */
  check(report: IntervalReport): "new" | "duplicate" | Refusal {
    if (report.runId !== this.#runId) return foreignRun("a report", report, this.#runId);
    const epoch = this.#epochs.get(keyOf(report));
    if (epoch === undefined || report.sequence > epoch.sequence) return "new";
    const known = epoch.fingerprints.get(report.sequence);
    if (known === undefined || known === fingerprintOf(report)) return "duplicate";
    return refusal(
      "LL_REPORT_CONFLICT",
      `report ${report.sequence} of agent ${report.agentId} came twice with different contents`,
    );
  }

  /** Why a batch of records is not of this run; undefined when it is. */
  checkRecords(batch: RecordBatch): Refusal | undefined {
    return batch.runId === this.#runId ? undefined : foreignRun("records", batch, this.#runId);
  }

  /** Adds a report that `check` called new. */
  take(report: IntervalReport): void {
    this.#reportsTaken += 1;
    this.#latestNs = Math.max(this.#latestNs, report.sealedUntilNs);
    const key = keyOf(report);
    const known = this.#epochs.get(key);
    const epoch = known ?? newEpoch();
    this.#epochs.set(key, epoch);
    // One that begins is the newest, also where its number is smaller: the agent's wall clock was set back before it
    // was started anew. What is left of an epoch before is late word of it.
    if (known === undefined) this.#latest.set(report.agentId, epoch);
    const about = {
      fromNs: epoch.sealedUntilNs,
      untilNs: report.sealedUntilNs,
      isReported: true,
    };
    if (report.sequence !== epoch.sequence + 1)
      this.#problems.push({
        text: `agent ${report.agentId}: reports ${epoch.sequence + 1} to ${report.sequence - 1} are missing`,
        ...about,
      });
    epoch.sequence = report.sequence;
    epoch.sealedUntilNs = report.sealedUntilNs;
    epoch.totals = report.totals;
    epoch.open = report.open;
    epoch.drained = report.drained;
    epoch.firingSegment = report.firingSegment;
    epoch.fingerprints.set(report.sequence, fingerprintOf(report));
    epoch.fingerprints.delete(report.sequence - REMEMBERED_REPORTS);
    for (const delta of report.deltas) this.segment(delta.segment).add(report.agentId, delta);
    this.#cover(report);
    for (const problem of conservationProblems(report.totals, report.open))
      this.#problems.push({
        text: `agent ${report.agentId}, report ${report.sequence}: ${problem}`,
        ...about,
      });
    const health = this.#health.get(report.agentId) ?? new AgentHealth();
    this.#health.set(report.agentId, health);
    health.add(report);
  }

  #cover(report: IntervalReport): void {
    const { agentId, deltas } = report;
    const coverage = this.#coverage.get(agentId) ?? new Coverage();
    this.#coverage.set(agentId, coverage);
    coverage.add(report);
    const news = deltas.reduce((sum, { counters }) => sum + openOf(counters), 0);
    this.#undecided.set(agentId, (this.#undecided.get(agentId) ?? 0) + news);
  }
}

function foreignRun(what: string, { runId }: { readonly runId: string }, own: string): Refusal {
  return refusal("LL_REPORT_FOREIGN_RUN", `${what} of run ${runId} came to run ${own}`);
}

function keyOf(report: { readonly agentId: string; readonly epoch: number }): string {
  return `${report.agentId}/${report.epoch}`;
}

function newEpoch(): EpochMerge {
  return {
    sequence: 0,
    sealedUntilNs: Number.NEGATIVE_INFINITY,
    totals: zeroCounters(),
    open: 0,
    drained: false,
    firingSegment: 0,
    fingerprints: new Map(),
  };
}
function refusal(code: string, message: string): Refusal {
  return { code, message, hint: "end the other coordinator or agent that uses the same name" };
}
