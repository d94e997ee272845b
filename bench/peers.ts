import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { CAN_PIN, CLIENT_CORE, SERVER_CORE } from "./cores.ts";
import type { Absent, Client, PeerLoad } from "./peers/client.ts";
import { install } from "./peers/install.ts";
import type { Judgement } from "./peers/judgement.ts";
import { measure } from "./peers/measure.ts";
import { bareReader, buildLoadline, loadline } from "./peers/own-clients.ts";
import { peerTableOf } from "./peers/peer-table.ts";
import { PYTHON_PEERS } from "./peers/python-peers.ts";
import { writeTokenizer } from "./peers/tokenizer.ts";

const SECONDS = 20;
const PROMPT_TOKENS = 32;
const OUTPUT_TOKENS = 64;
const RATES_PER_SECOND = ["50", "100"];
const K6: Absent = {
  name: "k6",
  reason:
    "not measured: it is under the AGPL, so that it is not installed; it knows nothing of tokens",
};

/** Builds Loadline, and installs what can be had. */
async function clientsOf(): Promise<readonly (Client | Absent)[]> {
  buildLoadline();
  const clients: (Client | Absent)[] = [loadline, bareReader];
  for (const { recipe, client } of PYTHON_PEERS) {
    const installed = await install(recipe);
    clients.push(
      "venv" in installed
        ? client(installed.venv)
        : { name: recipe.name, reason: installed.reason },
    );
  }
  return [...clients, K6];
}

async function tableAt(
  ratePerSecond: number,
  clients: readonly (Client | Absent)[],
): Promise<void> {
  const loadBefore = loadavg()[0] ?? 0;
  const directory = await mkdtemp(join(tmpdir(), "loadline-peers-"));
  const tokenizer = join(directory, "tokenizer");
  await writeTokenizer(tokenizer);
  const rows: (Judgement | Absent)[] = [];
  try {
    for (const client of clients) {
      const folder = join(directory, String(rows.length));
      const load: Omit<PeerLoad, "url"> = {
        ...{ ratePerSecond, seconds: SECONDS, tokenizer, folder },
        ...{ promptTokens: PROMPT_TOKENS, outputTokens: OUTPUT_TOKENS },
      };
      rows.push("reason" in client ? client : await measure(client, load));
      process.stderr.write(`${client.name} at ${ratePerSecond}/s done\n`);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  const model = cpus()[0]?.model.trim() ?? "unknown CPU";
  const facts = [
    `${ratePerSecond}/s × ${OUTPUT_TOKENS} tokens, Poisson, ${SECONDS} s`,
    new Date().toISOString(),
    `Node ${process.version}`,
    `${availableParallelism()} CPUs (${model})`,
    CAN_PIN ? `client on core ${CLIENT_CORE}, server on core ${SERVER_CORE}` : "cores are shared",
    `load ${loadBefore.toFixed(1)} before it began`,
  ];
  process.stdout.write(`${facts.join(", ")}:\n\n${peerTableOf(rows)}\n\n`);
}

/**
 * `npm run bench:peers [-- RATE…]`: installs other load generators where they are not there yet, and measures each, with
 * Loadline, by the log of a server. `--install` only installs.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { install: { type: "boolean" } },
    allowPositionals: true,
  });
  const rates = (positionals.length > 0 ? positionals : RATES_PER_SECOND).map(Number);
  if (!rates.every((rate) => rate > 0))
    throw new Error(`${positionals.join(" ")}: give rates in requests/s, such as 50 100`);
  const clients = await clientsOf();
  if (values.install === true) return;
  for (const rate of rates) await tableAt(rate, clients);
}

await main();
