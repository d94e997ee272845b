import type { RunStore } from "../ports.ts";
import type { RunEnd } from "./run-contract.ts";
import type { RunLedger } from "./run-ledger.ts";
import type { EndDecision, TimedEntry } from "./run-log.ts";

/** Ends a replayed run whose answer was there when its coordinator was killed: nothing is left to be measured. */
export async function concludeRun(
  ledger: RunLedger<unknown>,
  options: { readonly decision: EndDecision; readonly store: Pick<RunStore, "appendLog"> },
): Promise<RunEnd> {
  if (ledger.ended === undefined) {
    const entry: TimedEntry = {
      kind: "end",
      atNs: ledger.latestNs,
      decision: options.decision,
      loadEndedAtNs: ledger.decidedAtNs,
      reports: ledger.merge.reportsTaken,
      validities: [],
      members: ledger.roster.members(),
    };
    ledger.apply(entry);
    await options.store.appendLog(entry);
  }
  return ledger.end();
}
