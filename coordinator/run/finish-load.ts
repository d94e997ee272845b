import type { Clock } from "../../shared/time/clock.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { RecordSums } from "../merge/record-sums.ts";
import type { FleetControl } from "./fleet-control.ts";
import { missingRecords } from "./record-facts.ts";
import type { RunOptions } from "./run-contract.ts";
import type { RunLedger } from "./run-ledger.ts";
import type { EndDecision } from "./run-log.ts";

/** Records follow behind the reports, so the last of them may come after an agent was released. */
const LAST_RECORDS_NS = 2 * NS_PER_SECOND;

export interface FinishInput {
  readonly decision: EndDecision;
  readonly options: Pick<RunOptions<unknown>, "lastDrainMaxS" | "keepRecords">;
  readonly ledger: Pick<RunLedger<unknown>, "merge" | "active" | "agentIds">;
  readonly records: RecordSums;
  readonly clock: Clock;
  /** On the run's clock. */
  readonly nowNs: () => number;
  readonly nextMove: () => Promise<void>;
}

/** Stops the load, and waits until what is open has ended or may wait no longer. */
export async function finishLoad(control: FleetControl, input: FinishInput): Promise<void> {
  const { decision, options, clock } = input;
  const { merge, active } = input.ledger;
  if (active.length === 0) {
    await control.letGo(input.ledger);
    return;
  }
  await control.stop(active, decision.kind);
  await control.probeClocksAgain(active);
  const drainMaxS = decision.kind === "interrupted" ? 1 : options.lastDrainMaxS;
  const stoppedAtNs = input.nowNs();
  const untilNs = clock.nowNs() + drainMaxS * NS_PER_SECOND;
  const drained = (): boolean => merge.sealedUntilNs(active) > stoppedAtNs && merge.drained(active);
  while (!drained() && clock.nowNs() < untilNs) await input.nextMove();
  // Released agents give up what is open, report it, and only then answer.
  await control.letGo(input.ledger);
  if (options.keepRecords) await lastRecords(input);
}

async function lastRecords({ ledger, records, clock, nextMove }: FinishInput): Promise<void> {
  const untilNs = clock.nowNs() + LAST_RECORDS_NS;
  const missing = (): number => missingRecords(ledger.merge, records, ledger.active);
  while (missing() > 0 && clock.nowNs() < untilNs) await nextMove();
}
