import type { Refusal } from "../../shared/control/control.ts";
import type { IntervalReport, RecordBatch } from "../../shared/measurement/report.ts";
import type { Clock } from "../../shared/time/clock.ts";
import type { RecordSums } from "../merge/record-sums.ts";
import type { RunMerge } from "../merge/run-merge.ts";
import type { ReportReceiver, RunStore } from "../ports.ts";
import type { RunLedger } from "./run-ledger.ts";

export interface ReportIntakeOptions {
  readonly merge: RunMerge;
  readonly store: Pick<RunStore, "appendInterval" | "appendRecords">;
  /** Whether this agent takes part in the run. */
  readonly isMember: (agentId: string) => boolean;
  /** A report was merged. */
  readonly onMerged: (report: IntervalReport) => void;
  /** Nothing more is taken from this agent; what was refused is a problem of the merge by now. */
  readonly onRefused: (agentId: string) => void;
  /** A report could not be written down. */
  readonly onNotKept: (error: unknown) => void;
  /** Records that passed by, before they are written. */
  readonly onRecords: (batch: RecordBatch) => void;
}

/** Takes reports in for a run, and tells whenever something is new. */
export function intakeOf(
  ledger: Pick<RunLedger<unknown>, "merge" | "roster" | "agentIds">,
  options: {
    readonly store: ReportIntakeOptions["store"];
    readonly clock: Clock;
    readonly records: RecordSums;
    /** Something is new: of one agent's reports alone, or of anything. */
    readonly onMoved: (agentId?: string) => void;
    readonly onNotKept: (error: unknown) => void;
  },
): ReportIntake {
  const { store, clock, records, onMoved, onNotKept } = options;
  const { merge, roster } = ledger;
  return new ReportIntake({
    ...{ merge, store },
    isMember: (agentId) => ledger.agentIds.includes(agentId),
    onMerged: ({ agentId }) => {
      roster.alive(agentId, clock.nowNs());
      onMoved(agentId);
    },
    onRefused: (agentId) => {
      roster.markLost(agentId);
      onMoved();
    },
    onNotKept: (error) => {
      onNotKept(error);
      onMoved();
    },
    onRecords: (batch) => {
      records.take(batch);
      onMoved();
    },
  });
}

/** Takes reports in: each is written to disk, then merged, then (by the resolved promise) acknowledged. */
export class ReportIntake implements ReportReceiver {
  readonly #options: ReportIntakeOptions;
  /** One agent's reports are taken one after the other, though a repeat may come by another stream meanwhile. */
  readonly #turns = new Map<string, Promise<unknown>>();
  refused = 0;
  #isClosed = false;

  constructor(options: ReportIntakeOptions) {
    this.#options = options;
  }

  onInterval(report: IntervalReport, bytes?: Uint8Array): Promise<Refusal | undefined> {
    if (this.#isClosed) return Promise.resolve(runIsOver(report.agentId));
    const before = this.#turns.get(report.agentId) ?? Promise.resolve();
    const turn = before.then(() => this.#take(report, bytes));
    // A failed write must fail this report, and not those after it.
    this.#turns.set(
      report.agentId,
      turn.catch(() => undefined),
    );
    return turn;
  }

  /** Resolves when all that came is merged; what comes later is refused. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#turns.values());
  }

  async onRecords(batch: RecordBatch): Promise<Refusal | undefined> {
    const { isMember, merge, store, onRecords } = this.#options;
    const refusal = isMember(batch.agentId)
      ? merge.checkRecords(batch)
      : foreignAgent(batch.agentId);
    if (refusal !== undefined) {
      this.refused += 1;
      return refusal;
    }
    onRecords(batch);
    await store.appendRecords(batch);
    return undefined;
  }

  onMalformed(agentId: string, refusal: Refusal): void {
    if (!this.#options.isMember(agentId)) return;
    this.#options.merge.refused(agentId, refusal);
    this.#options.onRefused(agentId);
  }

  async #take(report: IntervalReport, bytes: Uint8Array | undefined): Promise<Refusal | undefined> {
    const { merge, store, isMember, onMerged } = this.#options;
    const checked = isMember(report.agentId) ? merge.check(report) : foreignAgent(report.agentId);
    if (checked === "duplicate") return undefined;
    if (checked !== "new") {
      this.refused += 1;
      return checked;
    }
    try {
      await store.appendInterval(report, bytes);
    } catch (error) {
      // Not acknowledged, so the agent keeps it; but a run whose reports cannot be kept must not go on.
      this.#options.onNotKept(error);
      throw error;
    }
    merge.take(report);
    onMerged(report);
    return undefined;
  }
}

function foreignAgent(agentId: string): Refusal {
  return {
    code: "LL_REPORT_FOREIGN_AGENT",
    message: `agent ${agentId} does not take part in this run`,
    hint: "only agents that were prepared for a run may report to it",
  };
}

function runIsOver(agentId: string): Refusal {
  return {
    code: "LL_REPORT_RUN_OVER",
    message: `a report of agent ${agentId} came after the run had ended`,
    hint: "nothing is to be done: the run had all that it needed",
  };
}
