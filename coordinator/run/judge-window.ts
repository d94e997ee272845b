import type { Slo } from "../../shared/slo/slo.ts";
import type { RecordSums } from "../merge/record-sums.ts";
import { judgeGenerator, type Validity } from "../validity/validity.ts";
import { recordFactsOf } from "./record-facts.ts";
import type { DrivenSegment } from "./run-contract.ts";
import type { RunLedger } from "./run-ledger.ts";
import { windowFactsOf } from "./window-facts.ts";

/** What a run knows of its generator. */
export interface GeneratorKnown {
  readonly ledger: Pick<
    RunLedger<unknown>,
    "driven" | "merge" | "roster" | "active" | "agentIds" | "server"
  >;
  readonly slo: Slo;
  readonly seed: number;
  /** Replicas that come and go are what is measured, and no fault. */
  readonly isAutoscaled?: boolean | undefined;
  /** The run clock's zero on the coordinator's clock, ns. */
  readonly runZeroNs: number;
  /** What its records say, once the run is over; undefined while it goes on, and where none are kept. */
  readonly sums: RecordSums | undefined;
}

/** The generator's own part of a window, from what is merged so far. */
export function judgeWindow(
  driven: DrivenSegment,
  { ledger, slo, seed, isAutoscaled, runZeroNs, sums }: GeneratorKnown,
): Validity {
  const { merge, roster, active, agentIds, server } = ledger;
  const { segment } = driven;
  const next = ledger.driven[ledger.driven.indexOf(driven) + 1];
  const untilNs = Math.min(segment.recordUntilNs, next?.segment.startAtNs ?? Infinity);
  const records =
    sums === undefined
      ? undefined
      : recordFactsOf({ segment, untilNs, seed, merge, sums, agentIds });
  const known = { merge, roster, active, slo, seed, isAutoscaled, runZeroNs, server };
  return judgeGenerator(windowFactsOf({ ...known, driven, untilNs, records }));
}
