import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { assertPolicy, LOOPBACK_TARGETS } from "../../agent/policy/policy.ts";
import {
  bracketed,
  COORDINATOR_ID,
  NATS_PORT,
  natsServerConf,
} from "../../coordinator/fleet/nats-server-conf.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import {
  IDENTITY_FILES,
  type IdentityAbout,
  identityJson,
} from "../../shared/platform/identity.ts";
import { createNkey, type Nkey } from "../../shared/platform/nkey.ts";
import { POLICY_FILE, policyYaml } from "../agent-policy.ts";
import { Authority, type Certified } from "./certificates.ts";

interface InitFlags {
  readonly name: string;
  readonly server: readonly string[];
  readonly agents: string;
  readonly agent?: readonly string[];
  readonly allow: readonly string[];
  readonly days: string;
}

const AGENTS_MAX = 10_000;
const DAYS_MAX = 3_650;
/** A certificate's common name ends at 64 characters (RFC 5280, ub-common-name). */
const NAME = /^[A-Za-z0-9][\w-]{0,63}$/;
const HOST = /^[A-Za-z0-9:][\w.:-]{0,252}$/;

export function addFleetInitCommand(fleet: Command): void {
  fleet
    .command("init")
    .description("make a fleet's keys, certificates, policies and nats-server.conf")
    .argument("<dir>", "a new folder")
    .option("--name <name>", "the fleet's name", "default")
    .option(
      "--server <host...>",
      "hosts of the nats-servers, as agents reach them; several make a cluster",
      ["127.0.0.1"],
    )
    .option("--agents <n>", "how many agents: agent-1, agent-2, …", "1")
    .option("--agent <id...>", "the agents by name, instead of --agents")
    .option("--allow <host:port...>", "targets in each agent's policy.yaml", [...LOOPBACK_TARGETS])
    .option("--days <n>", "how long the certificates are good", "365")
    .action((directory: string, flags: InitFlags) => {
      process.stdout.write(initFleet(directory, flags));
    });
}

interface FleetPlan {
  readonly name: string;
  readonly servers: readonly string[];
  readonly agentIds: readonly string[];
  readonly targets: readonly string[];
  readonly days: number;
}

/**
 * Makes the whole folder or nothing of it.
 *
 * @returns what was made and what to do with it.
 * @throws LoadError LL_FLEET_EXISTS, LL_FLAG_INVALID, LL_OPENSSL_MISSING.
 */
function initFleet(directory: string, flags: InitFlags): string {
  const plan = readFlags(flags);
  assertNew(directory);
  const partial = `${directory}.partial-${process.pid}`;
  mkdirSync(dirname(directory), { recursive: true });
  mkdirSync(partial, { mode: 0o700 });
  try {
    writeFleet(partial, plan);
    if (existsSync(directory)) rmdirSync(directory);
    renameSync(partial, directory);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return whatToDo(directory, plan);
}

function readFlags(flags: InitFlags): FleetPlan {
  const agentIds =
    flags.agent ??
    Array.from(
      { length: whole("--agents", flags.agents, AGENTS_MAX) },
      (_, place) => `agent-${place + 1}`,
    );
  named("--name", [flags.name], NAME);
  named("--agent", agentIds, NAME);
  named("--server", flags.server, HOST);
  if (new Set(agentIds).size < agentIds.length || agentIds.includes(COORDINATOR_ID))
    throw flagInvalid(
      "--agent",
      agentIds.join(" "),
      `name each agent once, and none "${COORDINATOR_ID}"`,
    );
  assertPolicy({
    targets: flags.allow,
    ratePerSecondMax: 1,
    inFlightMax: 1,
    durationNsMax: 1,
    tokensMax: 1,
  });
  return {
    name: flags.name,
    servers: flags.server,
    agentIds,
    targets: flags.allow,
    days: whole("--days", flags.days, DAYS_MAX),
  };
}

/** Keys that are in use must not be lost to a second `init`. */
function assertNew(directory: string): void {
  if (!existsSync(directory)) return;
  if (readdirSync(directory).length === 0) return;
  throw new LoadError(`${directory} exists and is not empty`, {
    code: "LL_FLEET_EXISTS",
    hint: "name a new folder; to make the fleet anew, move the old one away first",
    exitCode: ExitCode.PlanInvalid,
  });
}

function writeFleet(directory: string, plan: FleetPlan): void {
  const authority = new Authority(plan.name, plan.days);
  try {
    const coordinator = createNkey();
    const agents = plan.agentIds.map((id) => ({ id, nkey: createNkey() }));
    const ca = authority.certified;
    const folder = (path: string): string => {
      const made = join(directory, path);
      mkdirSync(made, { recursive: true, mode: 0o700 });
      return made;
    };
    writeAll(folder("authority"), { "ca.pem": ca.certificatePem }, { "ca.key": ca.keyPem });
    writeNats(folder("nats"), plan, { authority, coordinator, agents });
    const hosts = [...new Set([...plan.servers, "localhost", "127.0.0.1"])];
    const made = { plan, ca };
    writeIdentity(folder("coordinator"), made, {
      about: { role: "coordinator", id: COORDINATOR_ID },
      nkey: coordinator,
      certified: authority.certify({ commonName: COORDINATOR_ID, hosts }),
    });
    for (const { id, nkey } of agents) {
      const agentFolder = folder(join("agents", id));
      writeIdentity(agentFolder, made, {
        about: { role: "agent", id },
        nkey,
        certified: authority.certify({ commonName: id, hosts: [] }),
      });
      const policy = policyYaml({ targets: plan.targets, signers: [coordinator.publicKey] });
      writeAll(agentFolder, { [POLICY_FILE]: policy });
    }
  } finally {
    authority.close();
  }
}

function writeNats(
  folder: string,
  plan: FleetPlan,
  keys: {
    readonly authority: Authority;
    readonly coordinator: Nkey;
    readonly agents: readonly { readonly id: string; readonly nkey: Nkey }[];
  },
): void {
  const hosts = [...new Set([...plan.servers, "localhost", "127.0.0.1"])];
  const server = keys.authority.certify({
    commonName: `loadline nats ${plan.name}`.slice(0, 64),
    hosts,
  });
  const conf = natsServerConf({
    fleet: plan.name,
    coordinator: keys.coordinator.publicKey,
    agents: keys.agents.map(({ id, nkey }) => ({ id, nkey: nkey.publicKey })),
    servers: plan.servers,
    routePassword: randomBytes(24).toString("hex"),
  });
  const open = {
    "server.pem": server.certificatePem,
    "ca.pem": keys.authority.certified.certificatePem,
  };
  writeAll(folder, open, { "server.key": server.keyPem, "nats-server.conf": conf });
}

function writeIdentity(
  folder: string,
  made: { readonly plan: FleetPlan; readonly ca: Certified },
  own: {
    readonly about: Pick<IdentityAbout, "role" | "id">;
    readonly nkey: Nkey;
    readonly certified: Certified;
  },
): void {
  const { plan, ca } = made;
  const nats = plan.servers.map((host) => `tls://${bracketed(host)}:${NATS_PORT}`);
  const open = {
    [IDENTITY_FILES.about]: identityJson({ fleet: plan.name, nats, ...own.about }),
    [IDENTITY_FILES.ca]: ca.certificatePem,
    [IDENTITY_FILES.certificate]: own.certified.certificatePem,
  };
  const secret = {
    [IDENTITY_FILES.nkeySeed]: `${own.nkey.seed}\n`,
    [IDENTITY_FILES.key]: own.certified.keyPem,
  };
  writeAll(folder, open, secret);
}

type Files = Readonly<Record<string, string>>;

/** Secret files are for their owner alone from the first byte on. */
function writeAll(folder: string, open: Files, secret: Files = {}): void {
  for (const [name, text] of Object.entries(open))
    writeFileSync(join(folder, name), text, { flag: "wx", mode: 0o644 });
  for (const [name, text] of Object.entries(secret))
    writeFileSync(join(folder, name), text, { flag: "wx", mode: 0o600 });
}

function whatToDo(directory: string, { name, servers, agentIds, days }: FleetPlan): string {
  const [first = ""] = agentIds;
  return `The fleet "${name}": ${agentIds.length} agents, ${servers.length} nats-server${servers.length === 1 ? "" : "s"}, certificates for ${days} days.

  ${directory}/nats         copy to ${servers.join(", ")}, and there: cd nats && nats-server -c nats-server.conf
  ${directory}/agents/ID    copy each to one machine, and there: loadline agent --identity ${first}
  ${directory}/coordinator  keep where runs are started: loadline run --identity ${directory}/coordinator …
  ${directory}/authority    signs certificates: keep it off these machines

Next: see what each agent may fire at in its ${POLICY_FILE}, then \`loadline fleet doctor --identity ${directory}/coordinator\`.
`;
}

function named(flag: string, values: readonly string[], pattern: RegExp): void {
  for (const value of values)
    if (!pattern.test(value))
      throw flagInvalid(flag, value, "letters, digits, - and _ make a name, at most 64 of them");
}

function whole(flag: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw flagInvalid(flag, text, `give ${flag} a whole number from 1 to ${max}`);
}

function flagInvalid(flag: string, value: string, hint: string): LoadError {
  return new LoadError(`${flag} is ${value}, which cannot be used`, {
    code: "LL_FLAG_INVALID",
    hint,
    exitCode: ExitCode.PlanInvalid,
  });
}
