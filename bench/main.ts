import { availableParallelism, cpus, loadavg } from "node:os";
import { agentCost } from "./agent-cost.ts";
import { offeredRate } from "./ladder.ts";
import { mergeCost } from "./merge.ts";
import { startServer } from "./server.ts";
import { type Row, tableOf } from "./table.ts";

/** The ladders begin no step after these, so that the whole stays under three minutes. */
const FIRST_LADDER_UNTIL_MS = 110_000;
const SECOND_LADDER_UNTIL_MS = 145_000;

/** Prints one table. Load goes to a simulator on loopback only; every child is ended or waited for. */
async function main(): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0;
  const startedAtMs = performance.now();
  const rows: Row[] = [mergeCost()];
  const server = await startServer();
  try {
    rows.unshift(...(await agentCost(server)));
    const ladders = [
      { outputTokens: 1, ratesPerSecond: [200, 400, 800, 1600], untilMs: FIRST_LADDER_UNTIL_MS },
      { outputTokens: 64, ratesPerSecond: [100, 200, 400, 800], untilMs: SECOND_LADDER_UNTIL_MS },
    ];
    for (const ladder of ladders)
      rows.push(
        ...(await offeredRate({ server, ...ladder, untilMs: startedAtMs + ladder.untilMs })),
      );
  } finally {
    await server.close();
  }
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  const machine = `${availableParallelism()} CPUs (${model})`;
  const facts = [
    new Date().toISOString(),
    `Node ${process.version}`,
    machine,
    `load ${loadBefore.toFixed(1)} before it began`,
    `took ${Math.round((performance.now() - startedAtMs) / 1000)} s`,
  ];
  process.stdout.write(`${facts.join(", ")}\n\n${tableOf(rows)}\n`);
}

await main();
