import { X509Certificate } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { diagnose, type Finding } from "../../coordinator/fleet/diagnosis.ts";
import type { SurveyedAgent } from "../../coordinator/fleet/survey.ts";
import { printable } from "../../coordinator/show/paint.ts";
import { ExitCode } from "../../shared/errors.ts";
import { IDENTITY_FILES } from "../../shared/platform/identity.ts";
import { readVersion } from "../version.ts";
import { addFleetAddressFlags, type FleetFlags, lookAtFleet } from "./look.ts";

const MS_PER_DAY = 24 * 3_600_000;
/** Bits of a file's mode that let others than its owner in. */
const OTHERS = 0o077;

export function addFleetDoctorCommand(fleet: Command): void {
  addFleetAddressFlags(
    fleet.command("doctor").description("what is wrong with the fleet, and what to do"),
  ).action(async (flags: FleetFlags) => {
    const { fleet: name, identity, agents } = await lookAtFleet(flags);
    const findings = diagnose({
      fleet: name,
      agents,
      expectedIds: flags.identity === undefined ? [] : madeBeside(flags.identity),
      version: readVersion(),
      host: hostname(),
      certificateDaysLeft:
        identity === undefined ? undefined : daysLeft(identity.certificatePem, new Date()),
      openSecrets: flags.identity === undefined ? [] : openSecretsOf(flags.identity),
    });
    process.stdout.write(textOf(name, agents, findings));
    process.exitCode = findings.some(({ severity }) => severity === "wrong")
      ? ExitCode.MeasurementInvalid
      : ExitCode.Done;
  });
}

/** The agents of the fleet, where its whole folder is still together. */
function madeBeside(identityDir: string): readonly string[] {
  try {
    return readdirSync(join(identityDir, "..", "agents"));
  } catch {
    return [];
  }
}

function openSecretsOf(identityDir: string): readonly string[] {
  return [IDENTITY_FILES.nkeySeed, IDENTITY_FILES.key]
    .map((name) => join(identityDir, name))
    .filter((file) => (statSync(file).mode & OTHERS) !== 0);
}

function daysLeft(certificatePem: string, now: Date): number {
  const end = Date.parse(new X509Certificate(certificatePem).validTo);
  return (end - now.getTime()) / MS_PER_DAY;
}

function textOf(
  fleet: string,
  agents: readonly SurveyedAgent[],
  findings: readonly Finding[],
): string {
  const busy = agents.filter(({ hello }) => hello.runId !== undefined).length;
  const lines = findings.flatMap(({ severity, what, toDo }) => [
    `${severity}: ${what}`,
    `  to do: ${toDo}`,
  ]);
  return [
    `The fleet "${fleet}": ${agents.length} agents, ${agents.length - busy} free, ${busy} busy.`,
    ...(lines.length === 0 ? ["Nothing is wrong."] : lines),
  ]
    .map((line) => `${printable(line)}\n`)
    .join("");
}
