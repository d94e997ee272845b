/**
 * Real engines that are not ours: starts each, and runs `preflight`, `run` and `find` against it. By hand, since an
 * engine takes gigabytes and minutes to install:
 *
 *     npm run test:engines -- vllm guidellm        (all: vllm guidellm transformers llama)
 *
 * Engines are installed into $WORK (default ~/.cache/loadline-engines), listen on loopback, and end with this process.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface Engine {
  readonly script: string;
  readonly port: number;
  readonly model: string;
  readonly env: Readonly<Record<string, string>>;
  /** Of `run`, requests/s; well below what the engine carries here. */
  readonly ratePerSecond: number;
  readonly slo: string;
}

const ENGINES: Readonly<Record<string, Engine>> = {
  vllm: {
    script: "vllm-cpu.sh",
    port: 8203,
    model: "tiny",
    env: { SEQS: "4" },
    ratePerSecond: 2,
    slo: "ttft p95 <= 2s",
  },
  guidellm: {
    script: "guidellm-mock.sh",
    port: 8204,
    model: "mock",
    env: { TTFT_MS: "50", TOKENS: "16" },
    ratePerSecond: 10,
    slo: "ttft p99 <= 500ms",
  },
  transformers: {
    script: "transformers-serve.sh",
    port: 8206,
    model: "tiny-hf",
    env: {},
    ratePerSecond: 0.5,
    slo: "ttft p95 <= 5s",
  },
  llama: {
    script: "llama-server.sh",
    port: 8205,
    model: "tiny",
    env: { SEQS: "4" },
    ratePerSecond: 10,
    slo: "ttft p99 <= 500ms",
  },
};

const READY_WITHIN_MS = 30 * 60_000;
const LOOK_EVERY_MS = 2_000;
const here = fileURLToPath(new URL(".", import.meta.url));
const bin = fileURLToPath(new URL("../../cli/loadline.ts", import.meta.url));
const work = process.env["WORK"] ?? join(homedir(), ".cache", "loadline-engines");

async function ready(engine: Engine, child: ChildProcess): Promise<void> {
  const untilMs = Date.now() + READY_WITHIN_MS;
  while (Date.now() < untilMs) {
    if (child.exitCode !== null) throw new Error(`${engine.script} ended with ${child.exitCode}`);
    const answer = await fetch(`http://127.0.0.1:${engine.port}/v1/models`).catch(() => undefined);
    if (answer !== undefined && answer.status < 500) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`${engine.script} did not answer within ${READY_WITHIN_MS / 60_000} min`);
}

function loadline(...args: readonly string[]): number {
  console.log(
    `\n$ loadline ${args.map((arg) => (arg.includes(" ") ? `"${arg}"` : arg)).join(" ")}`,
  );
  const { status } = spawnSync(process.execPath, [bin, ...args], { stdio: "inherit" });
  console.log(`(exit ${status ?? "by a signal"})`);
  return status ?? 1;
}

async function tryEngine(name: string, engine: Engine): Promise<boolean> {
  console.log(`\n== ${name} (${engine.script}, port ${engine.port})`);
  // One core for the engine: an agent that has to share its own with a matrix product is too late to be believed.
  const child = spawn("taskset", ["--cpu-list", "0", "bash", join(here, engine.script)], {
    env: { ...process.env, ...engine.env, WORK: work, PORT: String(engine.port) },
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
  });
  try {
    await ready(engine, child);
    const target = ["--target", `http://127.0.0.1:${engine.port}`, "--model", engine.model];
    const load = [...target, "--prompt-tokens", "16", "--output-tokens", "16", "--agents", "1"];
    const run = ["run", ...load, "--rate", String(engine.ratePerSecond), "--duration", "15s"];
    const find = ["find", ...load, "--slo", engine.slo, "--time-budget", "90s"];
    const codes = [
      loadline("preflight", ...target),
      loadline(...run, "--name", `${name}-run`),
      loadline(...find, "--name", `${name}-find`, "--max-rate", "100"),
    ];
    // A busy machine may void a window, and a short search may stay undecided: both are honest ends.
    return codes[0] === 0 && codes.every((code) => [0, 4, 5].includes(code));
  } finally {
    // The script's own process group: the engine and its helpers.
    if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
  }
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => ENGINES[name] === undefined);
if (names.length === 0 || unknown.length > 0) {
  console.error(`name the engines to try: ${Object.keys(ENGINES).join(", ")}`);
  process.exit(2);
}
for (const name of names) {
  const engine = ENGINES[name];
  if (engine !== undefined && !(await tryEngine(name, engine))) process.exitCode = 1;
}
