import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { startBroker } from "../../coordinator/broker/server.ts";
import { SystemClock } from "../../shared/platform/system-clock.ts";

/** A running message engine, embedded or real. */
export interface TestServer {
  readonly port: number;
  readonly url: string;
  readonly token: string;
  close(): Promise<void>;
}

export interface TestServerOptions {
  /** Default: any free port. */
  readonly port?: number;
  readonly pendingBytesMax?: number;
  readonly payloadBytesMax?: number;
}

export interface ServerKind {
  readonly name: string;
  /** Why it cannot be started here; undefined when it can. */
  readonly missing: string | undefined;
  start(options?: TestServerOptions): Promise<TestServer>;
}

const TOKEN = "correct-horse-battery-staple";
export const natsServerExecutable = process.env["LOADLINE_NATS_SERVER"] ?? "nats-server";

export const embedded: ServerKind = {
  name: "the embedded broker",
  missing: undefined,
  start: async ({ port = 0, ...limits } = {}) => {
    const broker = await startBroker({ port, token: TOKEN, clock: new SystemClock(), limits });
    return {
      port: broker.port,
      url: broker.url,
      token: TOKEN,
      close: () => broker.close(),
    };
  },
};

export const real: ServerKind = {
  name: "nats-server",
  missing: whyMissing(),
  start: startNatsServer,
};

/** Both, so that one suite can hold them to the same conduct. A missing one is said loudly. */
export const serverKinds: readonly ServerKind[] = [embedded, real];

function whyMissing(): string | undefined {
  const version = spawnSync(natsServerExecutable, ["--version"], { encoding: "utf8" });
  if (version.status === 0) return undefined;
  const why =
    "NOT TESTED against the real nats-server: it is not installed " +
    "(apt-get install nats-server, or set LOADLINE_NATS_SERVER)";
  process.stderr.write(`\n*** ${why} ***\n\n`);
  return why;
}

/** Debian's or any other nats-server, on loopback, with a token, from a configuration in a folder of its own. */
async function startNatsServer(options: TestServerOptions = {}): Promise<TestServer> {
  const folder = mkdtempSync(join(tmpdir(), "loadline-nats-"));
  const configuration = [
    `listen: "127.0.0.1:${options.port ?? -1}"`,
    `authorization { token: "${TOKEN}" }`,
    // By default it waits 10 s for a client that does not read, and holds up the sender meanwhile.
    ...(options.pendingBytesMax === undefined
      ? []
      : [`max_pending: ${options.pendingBytesMax}`, 'write_deadline: "1s"']),
    ...(options.payloadBytesMax === undefined ? [] : [`max_payload: ${options.payloadBytesMax}`]),
  ];
  const file = join(folder, "nats.conf");
  writeFileSync(file, configuration.join("\n"));
  const child = spawn(natsServerExecutable, ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
  const stopWithUs = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", stopWithUs);
  const port = await listeningPort(child);
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    token: TOKEN,
    close: async () => {
      process.off("exit", stopWithUs);
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Read from its log: the port is its own choice. */
async function listeningPort(child: ChildProcess): Promise<number> {
  const log: string[] = [];
  let port = 0;
  for await (const line of createInterface({ input: child.stderr! })) {
    log.push(line);
    port = Number(/client connections on .*:(\d+)/.exec(line)?.[1] ?? port);
    if (line.includes("Server is ready")) {
      child.stderr!.resume();
      return port;
    }
  }
  throw new Error(`nats-server did not start:\n${log.join("\n")}`);
}
