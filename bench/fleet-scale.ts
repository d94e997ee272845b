import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { NS_PER_MS } from "../shared/units.ts";
import { intakeCost } from "./intake.ts";
import { cpuSecondsOf, pssMb } from "./process-stat.ts";
import { loadlineProcess, startFleet, type BenchFleet } from "./nats-fleet.ts";
import type { Sink } from "./sink.ts";
import { type Row, significant } from "./table.ts";

const SERVERS = 3;
const AGENTS = 40;
const IDLE_S = 10;
const STARTS = 3;
const RATE_PER_SECOND = 200;
const LOAD_S = 12;
/** Of the load: the coordinator has started, and does not end yet. */
const STEADY_S = 6;

/** A fleet as large as one machine holds: what it costs to wait, to be commanded, and to be listened to. */
export async function fleetAtScale(sink: Sink): Promise<readonly Row[]> {
  const directory = await mkdtemp(join(tmpdir(), "loadline-bench-"));
  const fleet = await startFleet({ directory, servers: SERVERS, agents: AGENTS });
  try {
    const rows = [await idleCost(fleet)];
    rows.push(await startSkew(fleet, sink));
    rows.push(...(await loadCost(fleet, sink)), await intakeCost());
    return rows;
  } finally {
    await fleet.close();
    await rm(directory, { recursive: true, force: true });
  }
}

function row(figure: string, measured: string, goal = ""): Row {
  return {
    figure: `${AGENTS} agents, ${SERVERS} nats-servers: ${figure}`,
    measured,
    beside: "",
    ratio: undefined,
    goal,
  };
}

async function idleCost(fleet: BenchFleet): Promise<Row> {
  const pids = fleet.agents;
  const before = cpuSecondsOf(pids);
  const messagesBefore = await fleet.messagesIn();
  await delay(IDLE_S * 1_000);
  const cpu = (cpuSecondsOf(pids) - before) / IDLE_S / AGENTS;
  const messages = ((await fleet.messagesIn()) - messagesBefore) / IDLE_S;
  const memoryMb = pids.reduce((sum, pid) => sum + pssMb(pid), 0) / AGENTS;
  return row(
    "an idle agent",
    `${significant(cpu * 100)} % of a core, ${significant(memoryMb)} MB; the fleet publishes ${significant(messages)} messages/s`,
  );
}

/** One stream for each agent: all of them are due at the segment's start. */
async function startSkew(fleet: BenchFleet, sink: Sink): Promise<Row> {
  const skewsMs: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    await sink.takeLog();
    await runToEnd(fleet, `start-${start}`, [
      "--target",
      sink.url,
      "--concurrency",
      String(AGENTS),
      "--duration",
      "2s",
      "--output-tokens",
      "16",
    ]);
    const log = await sink.takeLog();
    const firstNs = log
      .map(({ receivedAtNs }) => receivedAtNs)
      .sort((a, b) => a - b)
      .slice(0, AGENTS);
    skewsMs.push(((firstNs.at(-1) ?? NaN) - (firstNs[0] ?? NaN)) / NS_PER_MS);
  }
  skewsMs.sort((a, b) => a - b);
  return row(
    "first to last arrival of those due at one instant, by the target's log",
    `${skewsMs.map(significant).join(", ")} ms in ${STARTS} starts, all on this machine's cores`,
  );
}

async function loadCost(fleet: BenchFleet, sink: Sink): Promise<readonly Row[]> {
  const child = loadlineProcess([
    ...[
      "run",
      "--identity",
      fleet.coordinator,
      "--nats",
      fleet.nats,
      "--min-agents",
      String(AGENTS),
    ],
    ...["--target", sink.url, "--model", "null", "--rate", String(RATE_PER_SECOND)],
    ...["--duration", `${LOAD_S}s`, "--output-tokens", "4", "--beyond-clean-rate"],
    ...["--out", join(fleet.directory, "run-load")],
  ]);
  const ended = once(child, "exit");
  await fleet.firing();
  const pid = child.pid ?? 0;
  const before = cpuSecondsOf([pid]);
  const messagesBefore = await fleet.messagesIn();
  await delay(STEADY_S * 1_000);
  const cpu = (cpuSecondsOf([pid]) - before) / STEADY_S;
  const messages = ((await fleet.messagesIn()) - messagesBefore) / STEADY_S;
  await ended;
  return [
    row("control messages during a run", `${significant(messages)} published/s`),
    row(
      `the coordinator's CPU at ${RATE_PER_SECOND} requests/s`,
      `${significant((cpu * 1_000) / AGENTS)} ms for each agent and interval of 1 s, ${significant(cpu * 100)} % of a core in all`,
    ),
  ];
}

async function runToEnd(fleet: BenchFleet, name: string, args: readonly string[]): Promise<void> {
  const child = loadlineProcess([
    ...[
      "run",
      "--identity",
      fleet.coordinator,
      "--nats",
      fleet.nats,
      "--min-agents",
      String(AGENTS),
    ],
    ...["--model", "null", "--beyond-clean-rate", "--out", join(fleet.directory, name), ...args],
  ]);
  await once(child, "exit");
}
