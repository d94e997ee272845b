import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { closedPort, loadline, temporaryFolder } from "./cli.ts";
import { natsServerExecutable } from "./nats-server.ts";

/** A real nats-server of a fleet that `loadline fleet init` made. */
export interface FleetServer {
  readonly url: string;
  /** As by the end of its machine. */
  kill(): Promise<void>;
}

export interface TestFleet {
  readonly folder: string;
  readonly coordinator: string;
  agent(id: string): string;
  readonly servers: readonly FleetServer[];
  /** All of them, as `--nats` takes them. */
  readonly nats: string;
}

/** Loopback has as many addresses as a test wants machines. */
const addressOf = (place: number): string => `127.0.0.${place + 1}`;

/** Makes a fleet by the command and starts its servers by the file that it wrote, on free ports. */
export async function startFleet(
  context: TestContext,
  {
    agents,
    servers = 1,
    init = [],
  }: { agents: number; servers?: number; init?: readonly string[] },
): Promise<TestFleet> {
  const folder = join(await temporaryFolder(context), "fleet");
  const hosts = Array.from({ length: servers }, (_, place) => addressOf(place));
  const made = await loadline(
    context,
    ...["fleet", "init", folder, "--agents", String(agents), ...init, "--server", ...hosts],
  );
  assert.equal(made.exitCode, 0, made.stderr);
  const started = await startServers(context, join(folder, "nats"), servers);
  return {
    folder,
    coordinator: join(folder, "coordinator"),
    agent: (id) => join(folder, "agents", id),
    servers: started,
    nats: started.map(({ url }) => url).join(","),
  };
}

async function startServers(
  context: TestContext,
  folder: string,
  count: number,
): Promise<readonly FleetServer[]> {
  const conf = await readFile(join(folder, "nats-server.conf"), "utf8");
  const ports = await Promise.all(Array.from({ length: count }, closedPort));
  const routePorts = await Promise.all(Array.from({ length: count }, closedPort));
  const started = ports.map(async (port, place) => {
    const address = addressOf(place);
    let own = replaced(conf, '"0.0.0.0:4222"', `"${address}:${port}"`);
    if (count > 1) {
      own = replaced(own, '"0.0.0.0:6222"', `"${address}:${routePorts[place]!}"`);
      for (const [peer, routePort] of routePorts.entries())
        own = replaced(own, `@${addressOf(peer)}:6222`, `@${addressOf(peer)}:${routePort}`);
    }
    const file = `nats-server-${place}.conf`;
    await writeFile(join(folder, file), own);
    const child = await startServer(context, folder, file);
    const kill = async (): Promise<void> => {
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    };
    return { url: `tls://${address}:${port}`, kill };
  });
  return Promise.all(started);
}

async function startServer(
  context: TestContext,
  folder: string,
  file: string,
): Promise<ChildProcess> {
  const child = spawn(natsServerExecutable, ["-c", file], {
    cwd: folder,
    stdio: ["ignore", "ignore", "pipe"],
  });
  context.after(() => {
    child.kill("SIGKILL");
  });
  const log: string[] = [];
  for await (const line of createInterface({ input: child.stderr })) {
    log.push(line);
    if (line.includes("Server is ready")) {
      child.stderr.resume();
      return child;
    }
  }
  throw new Error(`nats-server did not start:\n${log.join("\n")}`);
}

function replaced(text: string, what: string, by: string): string {
  assert.ok(text.includes(what), `the configuration has ${what}`);
  return text.replaceAll(what, by);
}
