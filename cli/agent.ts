import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { pino } from "pino";
import { startAgent } from "../agent/main.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { NS_PER_SECOND } from "../shared/units.ts";
import { startNullSinkProcess } from "./null-sink-process.ts";
import { readVersion } from "./version.ts";

interface AgentFlags {
  readonly nats: string;
  readonly fleet: string;
  readonly id?: string;
  readonly allow?: readonly string[];
  readonly maxRate: string;
  readonly maxInFlight: string;
  readonly maxDuration: string;
  readonly maxTokens: string;
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
    .addHelpText("after", "\nThe fleet's token is read from LOADLINE_TOKEN.")
    .action(runAgent);
}

async function runAgent(flags: AgentFlags): Promise<void> {
  const agentId = flags.id ?? `agent-${randomBytes(4).toString("hex")}`;
  const log = pino(
    { name: "loadline-agent", level: process.env["LOADLINE_LOG"] ?? "warn" },
    pino.destination(2),
  );
  // Asked from the first moment on: a parent may be gone before its agent has started.
  const end = ended();
  const starting = startAgent({
    natsUrl: flags.nats,
    fleet: flags.fleet,
    agentId,
    version: readVersion(),
    token: process.env["LOADLINE_TOKEN"],
    policy: {
      targets: flags.allow ?? ["127.0.0.0/8:*", "[::1]:*", "localhost:*"],
      ratePerSecondMax: positive("--max-rate", flags.maxRate),
      inFlightMax: positive("--max-in-flight", flags.maxInFlight),
      durationNsMax: positive("--max-duration", flags.maxDuration) * NS_PER_SECOND,
      tokensMax: positive("--max-tokens", flags.maxTokens),
    },
    startNullSink: startNullSinkProcess,
    log,
  });
  const agent = await Promise.race([starting, end]).finally(() => {
    // Listening to its channel must not keep a process alive that could not start.
    process.channel?.unref();
  });
  await end;
  await agent?.close();
  process.exit(ExitCode.Done);
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

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new LoadError(`${flag} is ${text}, and must be a number above 0`, {
    code: "LL_FLAG_INVALID",
    hint: `give ${flag} a positive number`,
    exitCode: ExitCode.PlanInvalid,
  });
}
