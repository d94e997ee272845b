import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RunMerge } from "../coordinator/merge/run-merge.ts";
import { ReportIntake } from "../coordinator/run/report-intake.ts";
import { openRunFolder } from "../coordinator/store/run-folder.ts";
import { decodeIntervalReport, encodeIntervalReport } from "../shared/wire/report-codec.ts";
import { reportsOf } from "./merge.ts";
import { type Row, significant } from "./table.ts";

const AGENTS = 1_000;
const SECONDS = 5;

/** What a second of a thousand agents takes of a coordinator's core: decoded, written to the run folder, merged. */
export async function intakeCost(): Promise<Row> {
  const directory = await mkdtemp(join(tmpdir(), "loadline-bench-"));
  const store = await openRunFolder(join(directory, "run"), {
    records: false,
    classNames: ["default"],
  });
  const merge = new RunMerge("bench");
  const intake = new ReportIntake({
    merge,
    store,
    isMember: () => true,
    onMerged: () => undefined,
    onRefused: () => undefined,
    onRecords: () => undefined,
    onNotKept: (error) => {
      throw error;
    },
  });
  const first = reportsOf(AGENTS);
  const seconds = Array.from({ length: SECONDS }, (_, second) =>
    first.map((report) => encodeIntervalReport({ ...report, sequence: second + 1 })),
  );
  try {
    const before = process.cpuUsage();
    for (const encoded of seconds)
      await Promise.all(
        encoded.map((bytes) => intake.onInterval(decodeIntervalReport(bytes), bytes)),
      );
    const { user, system } = process.cpuUsage(before);
    if (merge.reportsTaken !== AGENTS * SECONDS || merge.problems.length > 0)
      throw new Error(`took ${merge.reportsTaken} reports; ${merge.problems[0] ?? ""}`);
    const core = (user + system) / 1e6 / SECONDS;
    return {
      figure: `a coordinator takes in ${AGENTS} agents' reports a second: decode, write, merge`,
      measured: `${significant(core * 100)} % of a core, without gRPC's own part`,
      beside: "",
      ratio: undefined,
      goal: "< 50 %",
    };
  } finally {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  }
}
