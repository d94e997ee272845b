import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { CLIENT_CORE, commandOnCore } from "../cores.ts";
import { startSimulatedServer } from "../simulated-server.ts";
import type { Absent, Client, PeerLoad } from "./client.ts";
import { type Judgement, judge } from "./judgement.ts";
import { TreeWatch } from "./process-tree.ts";
import { readServerLog } from "./server-log.ts";

/** From a client's start to its end; one that takes longer is killed. GuideLLM starts for 10 s and sums up for as long. */
const CLIENT_MS_MAX = 90_000;
/** Never full: a request's first token comes after 50 ms, the others 10 ms apart. */
const SERVER = ["--slots", "4096", "--service", "fixed:50ms", "--itl", "10ms"];

/** Drives one client on one core against a server of its own on another; its files go to `load.folder`. */
export async function measure(
  client: Client,
  load: Omit<PeerLoad, "url">,
): Promise<Judgement | Absent> {
  await mkdir(load.folder, { recursive: true });
  const logFile = join(load.folder, "server.log");
  const server = await startSimulatedServer([...SERVER, "--log", logFile]);
  const withUrl: PeerLoad = { ...load, url: server.url };
  const driven = await drive(client, withUrl).finally(server.stop);
  await writeFile(join(load.folder, "printed.txt"), driven.printed);
  try {
    const reported = await client.readReported(withUrl, driven.output);
    const log = readServerLog(await readFile(logFile, "utf8"), reported.asked);
    return judge(reported, log, driven.samples);
  } catch (error) {
    const [what = ""] = String(error).split("\n");
    return { name: client.name, reason: `no result: ${driven.ended}; ${what}` };
  }
}

async function drive(
  client: Client,
  load: PeerLoad,
): Promise<Pick<TreeWatchEnd, "samples"> & { output: string; printed: string; ended: string }> {
  const { command, args } = commandOnCore(CLIENT_CORE, client.commandFor(load));
  const child = spawn(command, args, {
    cwd: load.folder,
    env: { ...process.env, ...client.environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const watch = new TreeWatch(child.pid ?? 0);
  const limit = setTimeout(() => {
    watch.kill();
  }, CLIENT_MS_MAX);
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  clearTimeout(limit);
  const samples = watch.stop();
  // Whatever it left behind would be measured with the next one.
  watch.kill();
  const ended = code === null ? `killed after ${CLIENT_MS_MAX / 1000} s` : `exit ${code}`;
  return { samples, output, printed: `${output}\n${errors}`, ended };
}

interface TreeWatchEnd {
  readonly samples: ReturnType<TreeWatch["stop"]>;
}
