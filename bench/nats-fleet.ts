import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const LOADLINE = fileURLToPath(new URL("../cli/loadline.ts", import.meta.url));
const NATS_SERVER = process.env["LOADLINE_NATS_SERVER"] ?? "nats-server";
const CLIENT_PORT = 24_222;
const ROUTE_PORT = 26_222;
const MONITOR_PORT = 28_222;
const METRICS_PORT = 29_000;
/** Each calibrates itself on a core for some seconds, so they start in turn. */
const STARTED_TOGETHER = 4;

export interface BenchFleet {
  readonly directory: string;
  readonly coordinator: string;
  /** As `--nats` takes them. */
  readonly nats: string;
  /** Process ids. */
  readonly agents: readonly number[];
  /** Messages that the servers took from clients so far. */
  messagesIn(): Promise<number>;
  /** Resolves when the first agent fires. */
  firing(): Promise<void>;
  close(): Promise<void>;
}

/** A fleet of `loadline fleet init` on this machine, on ports of its own; every agent has joined. */
export async function startFleet(options: {
  readonly directory: string;
  readonly servers: number;
  readonly agents: number;
}): Promise<BenchFleet> {
  const { directory, servers, agents } = options;
  const folder = join(directory, "fleet");
  const hosts = Array.from({ length: servers }, (_, place) => addressOf(place));
  const init = loadlineProcess([
    "fleet",
    "init",
    folder,
    "--agents",
    String(agents),
    "--server",
    ...hosts,
  ]);
  await once(init, "exit");
  const children: ChildProcess[] = [];
  const close = async (): Promise<void> => {
    const ended = children
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
      .map((child) => once(child, "exit"));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(ended);
  };
  try {
    for (const [place, host] of hosts.entries())
      children.push(await startServer(join(folder, "nats"), place, host));
    const nats = hosts.map((host) => `tls://${host}:${CLIENT_PORT}`);
    const started: ChildProcess[] = [];
    for (let first = 0; first < agents; first += STARTED_TOGETHER) {
      const batch = Array.from({ length: Math.min(STARTED_TOGETHER, agents - first) }, (_, place) =>
        startAgent(folder, first + place, nats[(first + place) % servers] ?? ""),
      );
      children.push(...batch.map(({ child }) => child));
      started.push(...batch.map(({ child }) => child));
      await Promise.all(batch.map(({ joined }) => joined));
    }
    return {
      directory,
      coordinator: join(folder, "coordinator"),
      nats: nats.join(","),
      agents: started.map(({ pid }) => pid ?? 0),
      messagesIn: () => messagesIn(servers),
      firing,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Loopback has as many addresses as a fleet has servers; each also answers there what it counts. */
function addressOf(place: number): string {
  return `127.0.0.${place + 1}`;
}

async function startServer(folder: string, place: number, host: string): Promise<ChildProcess> {
  const conf = await readFile(join(folder, "nats-server.conf"), "utf8");
  const own = conf
    .replace('"0.0.0.0:4222"', `"${host}:${CLIENT_PORT}"`)
    .replace('"0.0.0.0:6222"', `"${host}:${ROUTE_PORT}"`)
    .replaceAll(":6222", `:${ROUTE_PORT}`);
  const file = `nats-server-${place}.conf`;
  await writeFile(join(folder, file), own);
  const child = spawn(NATS_SERVER, ["-c", file, "-m", String(MONITOR_PORT)], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  await lineWith(child, "Server is ready");
  return child;
}

function startAgent(
  folder: string,
  place: number,
  nats: string,
): { readonly child: ChildProcess; readonly joined: Promise<void> } {
  const child = loadlineProcess([
    ...["agent", "--identity", join(folder, "agents", `agent-${place + 1}`), "--nats", nats],
    ...(place === 0 ? ["--metrics-listen", String(METRICS_PORT)] : []),
  ]);
  return { child, joined: lineWith(child, "joined the fleet") };
}

/** Its standard error is read; ended by whoever started it. */
export function loadlineProcess(args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [LOADLINE, ...args], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  child.stderr.resume();
  return child;
}

async function lineWith(child: ChildProcess, what: string): Promise<void> {
  if (child.stderr === null) return;
  let text = "";
  for await (const line of createInterface({ input: child.stderr })) {
    text += `${line}\n`;
    if (!line.includes(what)) continue;
    child.stderr.resume();
    return;
  }
  throw new Error(`a process ended before it said "${what}": ${text}`);
}

async function messagesIn(servers: number): Promise<number> {
  let sum = 0;
  for (let place = 0; place < servers; place += 1) {
    const answer = await fetch(`http://${addressOf(place)}:${MONITOR_PORT}/connz?limit=1024`);
    const { connections } = (await answer.json()) as {
      connections: readonly { in_msgs: number }[];
    };
    sum += connections.reduce((total, { in_msgs }) => total + in_msgs, 0);
  }
  return sum;
}

async function firing(): Promise<void> {
  for (;;) {
    const page = await fetch(`http://127.0.0.1:${METRICS_PORT}/metrics`);
    if ((await page.text()).includes('state="firing"} 1')) return;
    await delay(50);
  }
}
