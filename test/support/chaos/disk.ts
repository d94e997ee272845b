import type { LogEntry, RunStore } from "../../../coordinator/ports.ts";
import type { IntervalReport } from "../../../shared/measurement/report.ts";
import type { Clock } from "../../../shared/time/clock.ts";
import { NS_PER_MS } from "../../../shared/units.ts";
import { decodeIntervalReport, encodeIntervalReport } from "../../../shared/wire/report-codec.ts";
import type { JournalEntry } from "../sim-cluster.ts";
import type { Life } from "./mortal.ts";

const WRITE_NS = 0.1 * NS_PER_MS;
/** What a store that answers before it has written still holds when its process is killed. */
const BEHIND_NS = 400 * NS_PER_MS;

/** What survives every process. */
export type Disk = JournalEntry[];

/** As bytes, as a file has it: the histograms of an hour of reports would not fit into memory. */
function reportEntry(bytes: Uint8Array): JournalEntry {
  return {
    kind: "report",
    get report() {
      return decodeIntervalReport(bytes);
    },
  };
}

/**
 * A run folder on a disk: an entry is there once its write is over, and never if its process is killed before.
 *
 * @param acknowledgesFirst the planted bug: an append resolves at once, and is written some time later.
 */
export function diskStore(
  disk: Disk,
  process: { readonly life: Life; readonly clock: Clock },
  acknowledgesFirst: boolean,
): RunStore {
  const { life, clock } = process;
  const write = (entry: JournalEntry, forNs: number): Promise<void> =>
    life.promise(
      new Promise((resolve) => {
        clock.callAt(clock.nowNs() + forNs, () => {
          disk.push(entry);
          resolve();
        });
      }),
    );
  return {
    directory: "disk",
    writePlan: () => Promise.resolve(),
    appendInterval: (report: IntervalReport, bytes = encodeIntervalReport(report)) => {
      const written = write(reportEntry(bytes), acknowledgesFirst ? BEHIND_NS : WRITE_NS);
      return acknowledgesFirst ? Promise.resolve() : written;
    },
    appendLog: (entry: LogEntry) => write({ kind: "line", text: JSON.stringify(entry) }, WRITE_NS),
    appendServer: () => Promise.resolve(),
    appendRecords: () => Promise.resolve(),
    writeFile: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
