import { platform } from "node:os";
import { socketLimits } from "../shared/platform/socket-limits.ts";
import { type AgentProcesses, startAgentProcesses } from "./agent-processes.ts";

export interface LocalAgentsOptions {
  readonly count: number;
  readonly natsUrl: string;
  readonly fleet: string;
  /** By environment, so that no process list shows it. */
  readonly token: string;
  /** What the operator (here: the user of this command) allows; the flags of `loadline agent`. */
  readonly allow: readonly string[];
  /** At least one. */
  readonly targetUrls: readonly string[];
  /** Of all of them. */
  readonly inFlightMax: number;
}

/** The agents of one command, on its own machine. */
export function startLocalAgents(options: LocalAgentsOptions): AgentProcesses {
  const sources = sourceAddresses(options, {
    localPorts: socketLimits().localPorts,
    isLinux: platform() === "linux",
  });
  const argLists = Array.from({ length: options.count }, (_, place) => {
    const source = sources[place];
    return [
      ...["--nats", options.natsUrl, "--fleet", options.fleet, "--id", `local-${place + 1}`],
      ...options.allow.flatMap((each) => ["--allow", each]),
      // Whoever says how much may be in flight has said it for all of them.
      ...[
        "--max-in-flight",
        String(Math.max(IN_FLIGHT_FLOOR, options.inFlightMax) * options.count),
      ],
      ...["--worker-of", String(options.count)],
      ...(source === undefined ? [] : ["--source-address", source]),
    ];
  });
  return startAgentProcesses(argLists, {
    environment: { ...process.env, LOADLINE_TOKEN: options.token },
    mayLeave: false,
  });
}

/** What an agent allows when nobody says. */
const IN_FLIGHT_FLOOR = 20_000;
/** Ports that are left to others. */
const PORTS_USED_FRACTION = 0.9;

/**
 * An address of its own for each agent, where the local ports of one do not hold what may be in flight and there are
 * others: every address of 127.0.0.0/8 is this machine's on Linux. Otherwise none.
 */
export function sourceAddresses(
  {
    targetUrls,
    inFlightMax,
    count,
  }: Pick<LocalAgentsOptions, "targetUrls" | "inFlightMax" | "count">,
  host: { readonly localPorts: number | undefined; readonly isLinux: boolean },
): readonly string[] {
  const isLoopback = targetUrls.every((url) => /^127\.\d+\.\d+\.\d+$/.test(new URL(url).hostname));
  const isEnough = inFlightMax <= PORTS_USED_FRACTION * (host.localPorts ?? Infinity);
  if (!host.isLinux || !isLoopback || isEnough) return [];
  return Array.from({ length: count }, (_, place) => loopbackAddress(place + 2));
}

function loopbackAddress(number: number): string {
  return `127.0.${Math.floor(number / 250)}.${(number % 250) + 1}`;
}
