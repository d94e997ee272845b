import { cpus, loadavg } from "node:os";
import { agentCost } from "./agent-cost.ts";
import { arrivalsFit } from "./arrivals.ts";
import { moveToCore, PINNING, SERVER_CORE } from "./cores.ts";
import { timingErrors } from "./errors.ts";
import { costOfAgents } from "./fleet.ts";
import { fleetAtScale } from "./fleet-scale.ts";
import { heldRate, sendDelays } from "./held-rate.ts";
import { memory } from "./memory.ts";
import { mergeCost } from "./merge.ts";
import { type Sink, startSink } from "./sink.ts";
import { serverStall } from "./stall.ts";
import { openStreams } from "./streams.ts";
import { type Row, tableOf } from "./table.ts";

const LADDERS = [
  { outputTokens: 1, ratesPerSecond: [200, 400, 800, 1_600, 3_200], goal: "" },
  { outputTokens: 16, ratesPerSecond: [100, 200, 400, 800, 1_600], goal: "" },
  { outputTokens: 64, ratesPerSecond: [50, 100, 200, 400, 600, 800, 1_000], goal: "≥ 800/s" },
];
const MEMORY_SECONDS = 60;
const MEMORY_LONG_SECONDS = 600;
/** Errors and delays are taken at half of what is held; where nothing was, at this rate. */
const FALLBACK_PER_SECOND = 100;

type Section = (sink: Sink) => Promise<readonly Row[]>;

/** Those that take minutes, or a nats-server: only when they are named. */
const ON_DEMAND = ["memory-long", "fleet"];

/** `npm run bench [-- SECTION…]`: all but those on demand when none is named. */
const SECTIONS: Readonly<Record<string, Section>> = {
  merge: () => Promise.resolve([mergeCost()]),
  cost: agentCost,
  rate: rates,
  arrivals: arrivalsFit,
  stall: serverStall,
  memory: async (sink) => [await memory(sink, MEMORY_SECONDS)],
  agents: costOfAgents,
  streams: openStreams,
  fleet: fleetAtScale,
  "memory-long": async (sink) => [await memory(sink, MEMORY_LONG_SECONDS)],
};

/** What one core holds, and how exact it is at parts of that. */
async function rates(sink: Sink): Promise<readonly Row[]> {
  const rows: Row[] = [];
  let ratePerSecond = 0;
  let outputTokens = 0;
  for (const ladder of LADDERS) {
    const held = await heldRate(sink, ladder);
    rows.push(held.row);
    ({ ratePerSecond } = held);
    ({ outputTokens } = ladder);
  }
  if (ratePerSecond === 0) ratePerSecond = FALLBACK_PER_SECOND;
  rows.push(...(await sendDelays(sink, { ratePerSecond, outputTokens })));
  const half = Math.round(ratePerSecond / 2);
  rows.push(...(await timingErrors({ sink, ratePerSecond: half, outputTokens })));
  return rows;
}

/** A section that fails is a row that says so: what the others measured is not lost with it. */
async function rowsOf(name: string, sink: Sink): Promise<readonly Row[]> {
  try {
    return (await SECTIONS[name]?.(sink)) ?? [];
  } catch (error) {
    const [what = ""] = (error instanceof Error ? error.message : String(error)).split("\n");
    return [{ figure: name, measured: `failed: ${what}`, beside: "", ratio: undefined, goal: "" }];
  }
}

/** Prints one table. Load goes to a sink on loopback only; every child is ended or waited for. */
async function main(asked: readonly string[]): Promise<void> {
  const known = Object.keys(SECTIONS);
  const unknown = asked.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`no section ${unknown.join(", ")}: there are ${known.join(", ")}`);
  const names = asked.length > 0 ? asked : known.filter((name) => !ON_DEMAND.includes(name));
  // With the server: the core of those that are measured is theirs.
  moveToCore(SERVER_CORE, String(process.pid));
  const loadBefore = loadavg()[0] ?? 0;
  const startedAtMs = performance.now();
  const elapsedS = (): number => Math.round((performance.now() - startedAtMs) / 1000);
  const rows: Row[] = [];
  const sink = await startSink();
  try {
    for (const name of names) {
      rows.push(...(await rowsOf(name, sink)));
      process.stderr.write(`${name} done after ${elapsedS()} s\n`);
    }
  } finally {
    await sink.close();
  }
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  const facts = [
    new Date().toISOString(),
    `Node ${process.version}`,
    `${cpus().length} CPUs (${model})`,
    PINNING,
    `load ${loadBefore.toFixed(1)} before it began`,
    `took ${elapsedS()} s`,
  ];
  process.stdout.write(`${facts.join(", ")}\n\n${tableOf(rows)}\n`);
}

await main(process.argv.slice(2));
