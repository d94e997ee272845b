import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { type AgentMainOptions, startAgent } from "../agent/main.ts";
import { logAgentNews } from "../agent/observe/agent-log.ts";
import { AgentMetrics } from "../agent/observe/agent-metrics.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { readIdentity } from "../shared/platform/identity.ts";
import { operatorPolicy, POLICY_FILE, type PolicyFlags } from "./agent-policy.ts";
import { runWorkers } from "./agent-workers.ts";
import { logFormatOf, openLog } from "./log.ts";
import { metricsAddressOf, serveMetrics } from "./metrics-listen.ts";
import { DEFAULT_FLEET, natsUrlsOf } from "./nats-address.ts";
import { startNullSinkProcess } from "./null-sink-process.ts";
import { readVersion } from "./version.ts";

const WORKERS_MAX = 1_024;

interface AgentFlags extends PolicyFlags {
  readonly nats?: string;
  readonly fleet?: string;
  readonly identity?: string;
  readonly id?: string;
  readonly policy?: string;
  readonly workers: string;
  readonly workerOf: string;
  readonly sourceAddress?: readonly string[];
  readonly metricsListen?: string;
  readonly logFormat: string;
}

/** `loadline agent`: joins a fleet, and fires only at what this machine's operator allows. */
export function addAgentCommand(program: Command): void {
  program
    .command("agent")
    .description("join a fleet and wait for a coordinator")
    .option("--nats <url,...>", "the fleet's NATS servers (default: those of the identity)")
    .option(
      "--identity <dir>",
      "this agent's folder of `fleet init`: its keys, and its policy.yaml",
    )
    .option("--fleet <name>", 'the fleet\'s name (default: that of the identity, or "default")')
    .option("--id <id>", "this agent's name (default: that of the identity, or made up)")
    .option("--policy <file>", "what this agent may do, instead of the identity's policy.yaml")
    .option(
      "--allow <host:port...>",
      "targets this agent may fire at, as host:port, host:* or CIDR:port (default: loopback only)",
    )
    .option("--max-rate <per-second>", "highest rate this agent accepts (default: 100000)")
    .option("--max-in-flight <n>", "most requests in flight this agent accepts (default: 20000)")
    .option("--max-duration <seconds>", "longest segment this agent accepts, s (default: 86400)")
    .option("--max-tokens <n>", "most output tokens a request may ask for (default: 1048576)")
    .option("--workers <n>", "agents to start, one for each core; they share the bounds", "1")
    .option("--source-address <ip...>", "addresses of this machine to connect from, in turn")
    .option("--metrics-listen <host:port>", "serve /metrics there (default: nowhere)")
    .option("--log-format <format>", "text or json, on standard error", "text")
    .addOption(
      new Option("--worker-of <n>", "one of n agents that share the bounds")
        .default("1")
        .hideHelp(),
    )
    .addHelpText("after", "\nWithout an identity, the fleet's token is read from LOADLINE_TOKEN.")
    .action(runAgent);
}

async function runAgent(flags: AgentFlags): Promise<void> {
  const { signers, ...policy } = operatorPolicy(policyFileOf(flags), flags);
  const format = logFormatOf(flags.logFormat);
  const listen =
    flags.metricsListen === undefined ? undefined : metricsAddressOf(flags.metricsListen);
  const workers = whole("--workers", flags.workers);
  const member = membershipOf(flags);
  const version = readVersion();
  // Agents that another command starts speak up only when something is wrong.
  const level = process.send === undefined ? "info" : "warn";
  const log = openLog({ format, level, fields: { agent: member.agentId } });
  const metrics = new AgentMetrics({ agent: member.agentId, fleet: member.fleet, version });
  const logNews = logAgentNews(log);
  const options: AgentMainOptions = {
    ...member,
    version,
    policy,
    signers,
    workerOf: whole("--worker-of", flags.workerOf),
    sourceAddresses: (flags.sourceAddress ?? []).map(address),
    startNullSink: startNullSinkProcess,
    onNews: (news) => {
      logNews(news);
      metrics.take(news);
    },
  };
  if (workers > 1 && options.identity !== undefined) throw oneAgentOnly(workers);
  // Asked before anything is started, as a parent may be gone by then; and not before a flag may be refused, as the
  // channel that is listened to would keep the process alive.
  const end = ended();
  if (workers > 1) {
    const { agentId } = options;
    const { metricsListen } = flags;
    await runWorkers({ agentId, workers, metricsListen, log }, process.argv.slice(3), end);
    process.exit(ExitCode.Done);
  }
  const server = await serveMetrics(listen, () => metrics.families());
  if (server !== undefined) log.info({ url: server.url }, "serves metrics");
  const starting = startAgent(options);
  const agent = await Promise.race([starting, end]).finally(() => {
    // Listening to its channel must not keep a process alive that could not start.
    process.channel?.unref();
  });
  await Promise.race([end, agent?.left]);
  await agent?.close();
  process.exit(ExitCode.Done);
}

/** Who this agent is, of which fleet, and where: as its identity has it, where no flag says otherwise. */
function membershipOf(
  flags: AgentFlags,
): Pick<AgentMainOptions, "natsUrls" | "fleet" | "agentId" | "token" | "identity"> {
  const identity = flags.identity === undefined ? undefined : readIdentity(flags.identity);
  return {
    natsUrls: natsUrlsOf(flags.nats, identity),
    fleet: flags.fleet ?? identity?.fleet ?? DEFAULT_FLEET,
    agentId: flags.id ?? identity?.id ?? `agent-${randomBytes(4).toString("hex")}`,
    token: process.env["LOADLINE_TOKEN"],
    identity,
  };
}

/** The policy lies beside the keys it was made with, unless it is said to lie elsewhere. */
function policyFileOf({ policy, identity }: AgentFlags): string | undefined {
  if (policy !== undefined || identity === undefined) return policy;
  const file = join(identity, POLICY_FILE);
  return existsSync(file) ? file : undefined;
}

function oneAgentOnly(workers: number): LoadError {
  return new LoadError(`--workers asks for ${workers} agents, and --identity is that of one`, {
    code: "LL_FLAG_INVALID",
    hint: "start one agent for each identity: `fleet init --agents N` makes as many as are wanted",
    exitCode: ExitCode.PlanInvalid,
  });
}

/** A signal, or the end of the process that started this one. Ctrl-C in a terminal is the parent's affair. */
function ended(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", () => {
      resolve();
    });
    // Only a process that was started with a channel can send, also when its parent is gone by now.
    if (process.send !== undefined) {
      process.on("SIGINT", () => undefined);
      if (process.connected) process.once("disconnect", resolve);
      else resolve();
    } else {
      process.once("SIGINT", () => {
        resolve();
      });
    }
  });
}

function whole(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= WORKERS_MAX) return value;
  throw new LoadError(`${flag} is ${text}, and must be a whole number from 1 to ${WORKERS_MAX}`, {
    code: "LL_FLAG_INVALID",
    hint: `give ${flag} as many as the machine has cores`,
    exitCode: ExitCode.PlanInvalid,
  });
}

function address(text: string): string {
  if (isIP(text) !== 0) return text;
  throw new LoadError(`--source-address is ${text}, and must be an IP address of this machine`, {
    code: "LL_FLAG_INVALID",
    hint: "write one such as 10.0.0.7; several with a space between them",
    exitCode: ExitCode.PlanInvalid,
  });
}
