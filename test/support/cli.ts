import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RunLogEntry, Seen } from "../../coordinator/run/run-log.ts";

const LOADLINE = fileURLToPath(new URL("../../cli/loadline.ts", import.meta.url));
const POLL_MS = 25;
/** Half of a command's start is the compiling of its modules: kept from one process to the next, agents included. */
const ENVIRONMENT = {
  ...process.env,
  NODE_COMPILE_CACHE: join(tmpdir(), "loadline-test-compile-cache"),
};

/** What a command left behind when it had ended. */
export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `loadline` process that goes on. */
export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<Ended>;
}

/**
 * Starts `loadline …`; it is killed with the test if it still goes on then.
 *
 * @param within a command that becomes, or ends with, the program behind it, such as `unshare …`.
 */
export function startLoadline(
  context: TestContext,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  within: readonly string[] = [],
): Running {
  const [program = "", ...more] = [...within, process.execPath, LOADLINE, ...args];
  const child = spawn(program, more, {
    env: { ...ENVIRONMENT, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const texts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (texts.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (texts.stderr += text));
  const ended = once(child, "close").then(([exitCode, signal]) => ({
    exitCode: exitCode as number | null,
    signal: signal as NodeJS.Signals | null,
    ...texts,
  }));
  context.after(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  assert.ok(child.pid !== undefined, "the process was started");
  return { child, pid: child.pid, ended };
}

/** Runs `loadline …` to its end. */
export function loadline(context: TestContext, ...args: string[]): Promise<Ended> {
  return startLoadline(context, args).ended;
}

export interface SimulatorProcess {
  readonly url: string;
  readonly pid: number;
  /** Ends it and waits until its log is whole. */
  close(): Promise<void>;
}

/** `loadline simulate-server --port 0 …`, ready to serve. */
export async function startSimulator(
  context: TestContext,
  args: readonly string[],
): Promise<SimulatorProcess> {
  const child = spawn(process.execPath, [LOADLINE, "simulate-server", "--port", "0", ...args], {
    env: ENVIRONMENT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const close = async (): Promise<void> => {
    child.kill("SIGTERM");
    await exited;
  };
  context.after(close);
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), "line"),
    exited.then(() => assert.fail("the simulator ended before it was ready")),
  ])) as [string];
  assert.ok(child.pid !== undefined, "the process was started");
  return { url: (JSON.parse(line) as { url: string }).url, pid: child.pid, close };
}

/** A server that answers as it is told, on a free port; closed with the test. */
export async function startHttp(context: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Answers like an OpenAI-compatible server of one model, "m"; what a request gets is `complete`'s, or one word as a stream. */
export function openaiServer(
  complete: (answer: ServerResponse) => void = streamOneWord,
): RequestListener {
  return (request, answer) => {
    request.resume();
    if (request.method === "GET")
      answer.setHeader("content-type", "application/json").end(MODEL_LIST);
    else complete(answer);
  };
}

const MODEL_LIST = JSON.stringify({ object: "list", data: [{ id: "m", object: "model" }] });

function streamOneWord(answer: ServerResponse): void {
  answer.setHeader("content-type", "text/event-stream");
  for (const choice of [
    { index: 0, delta: { content: "word" } },
    { index: 0, delta: {}, finish_reason: "stop" },
  ])
    answer.write(`data: ${JSON.stringify({ choices: [choice] })}\n\n`);
  answer.end("data: [DONE]\n\n");
}

/** A port of the loopback on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A folder that is removed with the test. */
export async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "loadline-cli-"));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Asks again until it holds; the bound only ends a test that has failed anyway. */
export async function until(
  what: string,
  holds: () => Promise<boolean>,
  boundMs = 20_000,
): Promise<void> {
  const endMs = performance.now() + boundMs;
  while (!(await holds())) {
    assert.ok(performance.now() < endMs, `${what}: not within ${boundMs} ms`);
    await delay(POLL_MS);
  }
}

/** A run's log so far; empty while there is none. */
export async function logOf(directory: string): Promise<readonly RunLogEntry[]> {
  const text = await readFile(join(directory, "log.jsonl"), "utf8").catch(() => "");
  // The last line may be half there.
  const lines = text.split("\n").slice(0, -1);
  return lines.map((line) => JSON.parse(line) as RunLogEntry);
}

/** What a run last decided by; undefined while it has seen no report. */
export async function lastSeen(directory: string): Promise<Seen | undefined> {
  const steps = (await logOf(directory)).filter((entry) => entry.kind === "step");
  return steps.at(-1)?.seen;
}

/** Whether a run's log holds an entry of a kind; false while there is no log. */
export async function logHas(directory: string, kind: string): Promise<boolean> {
  const text = await readFile(join(directory, "log.jsonl"), "utf8").catch(() => "");
  return text.includes(`{"kind":"${kind}"`);
}

/** Processes whose parent is `pid`. */
export async function childrenOf(pid: number): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = await Promise.all(pids.map(parentOf));
  return pids.filter((_, place) => parents[place] === pid);
}

/** Whether the process is there and no zombie that only waits to be reaped. */
export async function isAlive(pid: number): Promise<boolean> {
  const fields = await statOf(pid);
  return fields !== undefined && fields[0] !== "Z";
}

async function parentOf(pid: number): Promise<number | undefined> {
  const fields = await statOf(pid);
  return fields === undefined ? undefined : Number(fields[1]);
}

/** The fields behind the command's name, which may hold anything: state, parent, … (proc_pid_stat(5)). */
async function statOf(pid: number): Promise<readonly string[] | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return text?.slice(text.lastIndexOf(")") + 2).split(" ");
}
