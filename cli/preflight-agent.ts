import type { OneAgent } from "../agent/main.ts";
import { agentsNeeded, cleanRateAt } from "../coordinator/fleet/capacity.ts";
import { NS_PER_MS } from "../shared/units.ts";
import { positiveFlag } from "./positive-flag.ts";

/** What is to be sent: the rate may be left open, the length of an answer has a default. */
export interface ExpectedLoad {
  readonly ratePerSecond: number | undefined;
  readonly tokens: number;
}

/** @throws LoadError LL_FLAG_INVALID. */
export function expectedLoad(flags: {
  readonly rate?: string;
  readonly outputTokens: string;
}): ExpectedLoad {
  return {
    ratePerSecond: flags.rate === undefined ? undefined : positiveFlag("--rate", flags.rate),
    tokens: positiveFlag("--output-tokens", flags.outputTokens),
  };
}

/** As `--json` has them: times in ns, like the target's. */
export function agentFacts(agent: OneAgent, load: ExpectedLoad): Record<string, unknown> {
  const { tokens } = load;
  return {
    ...agent,
    outputTokens: tokens,
    requestsPerSecond: cleanRateAt(agent, tokens) ?? 0,
    agentsNeeded: neededFor(agent, load) ?? null,
  };
}

/** Lines about an agent of this machine: what it is about, and the words. */
export function agentRows(
  agent: OneAgent,
  load: ExpectedLoad,
): readonly (readonly [string, string])[] {
  const { floor, inFlightMax } = agent;
  const rate = cleanRateAt(agent, load.tokens) ?? 0;
  const needed = neededFor(agent, load);
  return [
    [
      "agent",
      `carries about ${shown(rate)} requests/s of ${shown(load.tokens)} tokens, and ${shown(inFlightMax)} in flight`,
    ],
    [
      "agent adds",
      `TTFT p50 ${ms(floor.ttftP50Ns)}, p99 ${ms(floor.ttftP99Ns)}; gap error p99 ${ms(floor.gapErrorP99Ns)}; ` +
        `send delay p50 ${ms(floor.sendDelayP50Ns)}, p99 ${ms(floor.sendDelayP99Ns)}`,
    ],
    ...(needed === undefined ? [] : [neededRow(needed, load, agent)]),
  ];
}

function neededRow(
  needed: number,
  load: ExpectedLoad,
  { cores }: OneAgent,
): readonly [string, string] {
  const machine = `this machine has ${cores} ${cores === 1 ? "core" : "cores"}`;
  const place =
    needed <= cores ? `--agents ${needed}; ${machine}` : `${machine}: use a fleet, --nats`;
  return ["agents", `${needed} for ${shown(load.ratePerSecond ?? 0)} requests/s (${place})`];
}

function neededFor(agent: OneAgent, { ratePerSecond, tokens }: ExpectedLoad): number | undefined {
  return ratePerSecond === undefined ? undefined : agentsNeeded([agent], { ratePerSecond, tokens });
}

function ms(ns: number): string {
  return `${(ns / NS_PER_MS).toFixed(2)} ms`;
}

/** Three significant digits. */
function shown(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US");
}
