import type { Command } from "commander";
import { type ProbeOptions, probeTarget, type TargetFacts } from "../agent/endpoint/probe.ts";
import { calibrateThisMachine } from "../agent/main.ts";
import { readDurationS } from "../coordinator/plan/quantities.ts";
import { readHeader } from "../coordinator/plan/request-text.ts";
import { normaliseTargetUrl } from "../shared/control/target-url.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../shared/units.ts";
import { SystemClock } from "../shared/platform/system-clock.ts";
import { readFlagFile } from "./flag-file.ts";
import { valueOf } from "./flag-invalid.ts";
import { startNullSinkProcess } from "./null-sink-process.ts";
import { agentFacts, agentRows, expectedLoad } from "./preflight-agent.ts";

/** As a plan's `timeout`. */
const TIMEOUT_BOUNDS_S = { min: 0.001, max: 3_600 };

interface PreflightFlags {
  readonly target: string;
  readonly endpoint: "chat" | "completions";
  readonly model?: string;
  readonly apiKeyEnv?: string;
  readonly header: readonly string[];
  readonly timeout: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly rate?: string;
  readonly outputTokens: string;
  readonly json?: boolean;
}

/**
 * `loadline preflight`: is the target reachable, does it stream, does it count tokens? Sends it one short request. What
 * does an agent of this machine carry and add? Found against a server of its own.
 */
export function addPreflightCommand(program: Command): void {
  program
    .command("preflight")
    .description("check a target with one short request, and what an agent of this machine carries")
    .requiredOption("--target <url>", "base URL of the endpoint")
    .option("--endpoint <kind>", "chat or completions", "chat")
    .option("--model <name>", "asked from /v1/models when there is one model")
    .option("--api-key-env <name>", "variable that holds the key")
    .option(
      "--header <header>",
      'a request header, as "Name: value"; may be repeated',
      repeated,
      [],
    )
    .option("--timeout <duration>", "how long one whole answer may take", "30s")
    .option("--ca <file>", "certificate authorities to trust, a PEM file")
    .option("--insecure", "do not verify the target's certificate")
    .option("--rate <per-second>", "say how many agents such a rate takes")
    .option("--output-tokens <n>", "tokens of an answer, on average, at that rate", "64")
    .option("--json", "the facts as JSON")
    .action(async (flags: PreflightFlags) => {
      const load = expectedLoad(flags);
      const facts = await probeTarget(await probeOptionsOf(flags));
      const agent = await calibrateThisMachine(startNullSinkProcess);
      process.stdout.write(
        flags.json === true
          ? `${JSON.stringify({ ...facts, agent: agentFacts(agent, load) }, null, 2)}\n`
          : linesOf([...factRows(facts), ...agentRows(agent, load)]),
      );
    });
}

function repeated(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}

async function probeOptionsOf(flags: PreflightFlags): Promise<ProbeOptions> {
  const headers = flags.header.map((text) => valueOf("--header", readHeader(text)));
  const timeout = readDurationS(flags.timeout, TIMEOUT_BOUNDS_S);
  return {
    url: normaliseTargetUrl(flags.target),
    clock: new SystemClock(),
    endpoint: flags.endpoint,
    model: flags.model,
    headers: Object.fromEntries(headers),
    apiKey: flags.apiKeyEnv === undefined ? undefined : process.env[flags.apiKeyEnv],
    timeoutNs: valueOf("--timeout", timeout) * NS_PER_SECOND,
    caPem: flags.ca === undefined ? undefined : await readFlagFile("--ca", flags.ca, "a PEM file"),
    tlsInsecure: flags.insecure ?? false,
  };
}

/** What it is about, and the words. */
type Row = readonly [string, string];

function factRows(facts: TargetFacts): readonly Row[] {
  return [
    ["target", facts.url],
    ["model", `${facts.model}${facts.models === undefined ? " (the target lists none)" : ""}`],
    ["streams", `yes, ${facts.contentEvents} content events`],
    ["first token", `${(facts.firstContentNs / NS_PER_MS).toFixed(1)} ms`],
    [
      "first event",
      facts.roleFirst ? "a role without content: not taken for the first token" : "content at once",
    ],
    [
      "usage",
      facts.usage === "never"
        ? "never sent: output tokens are counted as content events"
        : `sent (${facts.usage}): ${facts.inputTokens} in, ${facts.outputTokens} out`,
    ],
    ["end", facts.doneMarker ? "[DONE]" : "no [DONE]; finish_reason tells"],
    ["connection", facts.keepsConnection ? "kept alive" : "closed after the stream"],
  ];
}

function linesOf(rows: readonly Row[]): string {
  return rows.map(([name, value]) => `${name.padEnd(12)} ${value}\n`).join("");
}
