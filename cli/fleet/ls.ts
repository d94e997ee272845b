import type { Command } from "commander";
import type { SurveyedAgent } from "../../coordinator/fleet/survey.ts";
import { printable } from "../../coordinator/show/paint.ts";
import { LEAVING_STATE } from "../../shared/control/control.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import { addFleetAddressFlags, type FleetFlags, lookAtFleet } from "./look.ts";

export function addFleetLsCommand(fleet: Command): void {
  addFleetAddressFlags(fleet.command("ls").description("who is there, and what each agent can do"))
    .option("--json", "a list on standard output, nothing else there")
    .action(async (flags: FleetFlags & { readonly json?: boolean }) => {
      const { agents } = await lookAtFleet(flags);
      process.stdout.write(
        flags.json === true
          ? `${JSON.stringify(agents.map(jsonOf), undefined, 2)}\n`
          : tableOf(agents),
      );
    });
}

function jsonOf({ hello, processes, clockErrorBoundNs }: SurveyedAgent): object {
  const { policy } = hello;
  return {
    id: hello.agentId,
    host: hello.host,
    processes,
    version: hello.version,
    cores: hello.cores,
    state: hello.state,
    runId: hello.runId ?? null,
    cleanRequestsPerSecond: hello.cleanRatePerSecond,
    cleanTokensPerSecond: hello.cleanTokensPerSecond,
    clockErrorBoundMs: clockErrorBoundNs === undefined ? null : clockErrorBoundNs / NS_PER_MS,
    policy: {
      targets: policy.targets,
      requestsPerSecondMax: policy.ratePerSecondMax,
      inFlightMax: policy.inFlightMax,
      durationSMax: policy.durationNsMax / NS_PER_SECOND,
      tokensMax: policy.tokensMax,
    },
  };
}

const TITLES = [
  "agent",
  "host",
  "version",
  "cores",
  "run",
  "clean/s",
  "clock ± ms",
  "max/s",
  "targets",
];

function tableOf(agents: readonly SurveyedAgent[]): string {
  const rows = [TITLES, ...agents.map(rowOf)];
  const widths = TITLES.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

function rowOf({ hello, clockErrorBoundNs }: SurveyedAgent): readonly string[] {
  const { policy } = hello;
  return [
    hello.agentId,
    hello.host,
    hello.version,
    String(hello.cores),
    hello.runId ?? (hello.state === LEAVING_STATE ? LEAVING_STATE : "free"),
    hello.cleanRatePerSecond === 0 ? "–" : hello.cleanRatePerSecond.toFixed(0),
    clockErrorBoundNs === undefined ? "silent" : (clockErrorBoundNs / NS_PER_MS).toFixed(2),
    String(policy.ratePerSecondMax),
    policy.targets.join(" "),
  ].map(printable);
}
