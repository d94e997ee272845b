import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { IntervalReport } from "../../shared/measurement/report.ts";
import type { RunMerge } from "../merge/run-merge.ts";
import type { Step } from "../search/procedure.ts";
import { type LedgerOptions, RunLedger } from "./run-ledger.ts";
import type { TimedEntry } from "./run-log.ts";

/** What a run's folder holds of it, each in its order. */
export interface RecordedRun<State> {
  readonly log: AsyncIterable<TimedEntry<State>>;
  readonly reports: AsyncIterable<IntervalReport>;
}

/**
 * Lives a run through again, from its log and its reports, without a clock or an agent.
 *
 * Each step is asked again with what it saw then, and must decide the same. Reports behind the last entry of a log
 * without an end are taken as well: they were acknowledged.
 *
 * @throws LoadError LL_REPLAY_DIFFERS where a step decides otherwise, LL_REPLAY_INCOMPLETE where reports are missing.
 */
export async function replayRun<State>(
  options: LedgerOptions<State>,
  recorded: RecordedRun<State>,
): Promise<RunLedger<State>> {
  const ledger = new RunLedger(options);
  const reports = new ReportFeed(ledger.merge, recorded.reports);
  let place = 0;
  for await (const entry of recorded.log) {
    place += 1;
    if (entry.kind === "step") {
      await reports.takeUntil(entry.seen?.reports ?? 0, place);
      step(ledger, entry, place);
    } else if (entry.kind === "resumed" || entry.kind === "end") {
      await reports.takeUntil(entry.reports, place);
    }
    ledger.apply(entry);
  }
  if (ledger.ended === undefined) await reports.takeAll();
  return ledger;
}

function step<State>(
  ledger: RunLedger<State>,
  entry: Extract<TimedEntry<State>, { kind: "step" }>,
  place: number,
): void {
  const again: Step<State> =
    entry.seen === undefined ? ledger.step : ledger.advance(ledger.observe(entry.seen));
  ledger.took(again);
  const { decision, state } = entry;
  const then = JSON.stringify({ decision, state });
  const now = JSON.stringify({ decision: again.decision, state: again.state });
  if (then === now) return;
  throw new LoadError(
    `the replay differs from the run at entry ${place} of log.jsonl: then ${excerpt(then, now)}, now ${excerpt(now, then)}`,
    {
      code: "LL_REPLAY_DIFFERS",
      hint: "replay a run with the version of Loadline that wrote it; if it is the same, please report it",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

const EXCERPT_MAX = 120;

/** From a little before the first character in which the two differ. */
function excerpt(text: string, other: string): string {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at += 1;
  const from = Math.max(0, at - EXCERPT_MAX / 3);
  return `${from > 0 ? "…" : ""}${text.slice(from, from + EXCERPT_MAX)}`;
}

/** Hands reports to the ledger's merge, as far as they had come at each moment. */
class ReportFeed {
  readonly #merge: RunMerge;
  readonly #reports: AsyncIterator<IntervalReport>;

  constructor(merge: RunMerge, reports: AsyncIterable<IntervalReport>) {
    this.#merge = merge;
    this.#reports = reports[Symbol.asyncIterator]();
  }

  async takeUntil(count: number, place: number): Promise<void> {
    while (this.#merge.reportsTaken < count) {
      if (await this.#takeNext()) continue;
      throw new LoadError(
        `entry ${place} of log.jsonl was written when ${count} reports were there, and intervals.bin holds ${this.#merge.reportsTaken}`,
        {
          code: "LL_REPLAY_INCOMPLETE",
          hint: "a part of intervals.bin is missing: restore the folder from a copy, or measure again",
          exitCode: ExitCode.PlanInvalid,
        },
      );
    }
  }

  async takeAll(): Promise<void> {
    while (await this.#takeNext());
  }

  /** One that was written twice, around the death of its coordinator, counts once. */
  async #takeNext(): Promise<boolean> {
    const next = await this.#reports.next();
    if (next.done === true) return false;
    if (this.#merge.check(next.value) === "new") this.#merge.take(next.value);
    return true;
  }
}
