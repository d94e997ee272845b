import { randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { type Command, Option } from "commander";
import { pino } from "pino";
import { type AgentMainOptions, startAgent } from "../agent/main.ts";
import type { PolicySummary } from "../shared/control/control.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { NS_PER_SECOND } from "../shared/units.ts";
import { runWorkers } from "./agent-workers.ts";
import { startNullSinkProcess } from "./null-sink-process.ts";
import { readVersion } from "./version.ts";

const WORKERS_MAX = 1_024;

interface AgentFlags {
  readonly nats: string;
  readonly fleet: string;
  readonly id?: string;
  readonly allow?: readonly string[];
  readonly maxRate: string;
  readonly maxInFlight: string;
  readonly maxDuration: string;
  readonly maxTokens: string;
  readonly workers: string;
  readonly workerOf: string;
  readonly sourceAddress?: readonly string[];
}

/** `loadline agent`: joins a fleet, and fires only at what this machine's operator allows. */
export function addAgentCommand(program: Command): void {
  program
    .command("agent")
    .description("join a fleet and wait for a coordinator")
    .requiredOption("--nats <url>", "the fleet's NATS server")
    .option("--fleet <name>", "the fleet's name", "default")
    .option("--id <id>", "this agent's name; letters, digits, - and _ (default: made up)")
    .option(
      "--allow <host:port...>",
      "targets this agent may fire at, as host:port, host:* or CIDR:port (default: loopback only)",
    )
    .option("--max-rate <per-second>", "highest rate this agent accepts", "100000")
    .option("--max-in-flight <n>", "most requests in flight this agent accepts", "20000")
    .option("--max-duration <seconds>", "longest segment this agent accepts, s", "86400")
    .option("--max-tokens <n>", "most output tokens a request may ask for", "1048576")
    .option("--workers <n>", "agents to start, one for each core; they share the bounds", "1")
    .option("--source-address <ip...>", "addresses of this machine to connect from, in turn")
    .addOption(
      new Option("--worker-of <n>", "one of n agents that share the bounds")
        .default("1")
        .hideHelp(),
    )
    .addHelpText("after", "\nThe fleet's token is read from LOADLINE_TOKEN.")
    .action(runAgent);
}

async function runAgent(flags: AgentFlags): Promise<void> {
  const agentId = flags.id ?? `agent-${randomBytes(4).toString("hex")}`;
  const log = pino(
    { name: "loadline-agent", level: process.env["LOADLINE_LOG"] ?? "warn" },
    pino.destination(2),
  );
  const workers = whole("--workers", flags.workers);
  const options: AgentMainOptions = {
    natsUrl: flags.nats,
    fleet: flags.fleet,
    agentId,
    version: readVersion(),
    token: process.env["LOADLINE_TOKEN"],
    policy: policyOf(flags),
    workerOf: whole("--worker-of", flags.workerOf),
    sourceAddresses: (flags.sourceAddress ?? []).map(address),
    startNullSink: startNullSinkProcess,
    log,
  };
  // Asked before anything is started, as a parent may be gone by then; and not before a flag may be refused, as the
  // channel that is listened to would keep the process alive.
  const end = ended();
  if (workers > 1) {
    await runWorkers({ agentId, workers, log }, process.argv.slice(3), end);
    process.exit(ExitCode.Done);
  }
  const starting = startAgent(options);
  const agent = await Promise.race([starting, end]).finally(() => {
    // Listening to its channel must not keep a process alive that could not start.
    process.channel?.unref();
  });
  await end;
  await agent?.close();
  process.exit(ExitCode.Done);
}

function policyOf(flags: AgentFlags): PolicySummary {
  return {
    targets: flags.allow ?? ["127.0.0.0/8:*", "[::1]:*", "localhost:*"],
    ratePerSecondMax: positive("--max-rate", flags.maxRate),
    inFlightMax: positive("--max-in-flight", flags.maxInFlight),
    durationNsMax: positive("--max-duration", flags.maxDuration) * NS_PER_SECOND,
    tokensMax: positive("--max-tokens", flags.maxTokens),
  };
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
  const value = positive(flag, text);
  if (Number.isInteger(value) && value <= WORKERS_MAX) return value;
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

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new LoadError(`${flag} is ${text}, and must be a number above 0`, {
    code: "LL_FLAG_INVALID",
    hint: `give ${flag} a positive number`,
    exitCode: ExitCode.PlanInvalid,
  });
}
