import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { closedPort, startSimulator } from "../support/cli.ts";
import { natsServerExecutable, real } from "../support/nats-server.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DOCUMENT = readFileSync(join(ROOT, "docs/operating-a-fleet.md"), "utf8");
const COMMANDS = [...DOCUMENT.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
  block.trimEnd().split("\n"),
);

/** Ends by itself, or goes on until it is told to end. */
const GOES_ON = /nats-server -c|loadline -- agent/;

test("every command of docs/operating-a-fleet.md works as it stands there, in its order", {
  skip: real.missing ?? false,
}, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "loadline-fleet-doc-"));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const { url } = await startSimulator(context, ["--slots", "16", "--service", "fixed:5ms"]);
  const port = await closedPort();
  const adapt = (command: string): string =>
    command
      .replaceAll("127.0.0.1:8000", new URL(url).host)
      .replaceAll(/(?<= )fleet(?=[ /])(?! (?:init|ls|doctor|drain)\b)/g, `${folder}/fleet`)
      .replaceAll(/(?<= )fleet-(?=of-50|on-kubernetes)/g, `${folder}/fleet-`)
      .replace(/nats-server -c/, `${natsServerExecutable} -c`)
      .replace(/--duration \S+/, `--duration 1s --output-tokens 2 --out ${folder}/run`);
  for (const command of COMMANDS) {
    const adapted = adapt(command);
    if (GOES_ON.test(command)) {
      start(context, adapted);
      continue;
    }
    const { exitCode, said } = await ended(adapted);
    // 4: this machine was too busy for the agents to be believed, which is no fault of the command.
    assert.ok(
      exitCode === 0 || (command.includes("-- run") && exitCode === 4),
      `${command}\n${said}`,
    );
    if (command.includes("fleet init")) usePort(join(folder, "fleet"), port);
  }
  assert.equal(COMMANDS.filter((command) => GOES_ON.test(command)).length, 3);
});

/** The server of the document has a port of its own; the test's machine may have one there already. */
function usePort(folder: string, port: number): void {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!/(identity\.json|nats-server\.conf)$/.test(name)) continue;
    const file = join(folder, name);
    writeFileSync(file, readFileSync(file, "utf8").replaceAll(":4222", `:${port}`));
  }
}

function start(context: TestContext, command: string): void {
  const child = spawn("sh", ["-c", `exec ${command.replace(/^cd (\S+) && /, "env -C $1 ")}`], {
    cwd: ROOT,
    detached: true,
    stdio: ["ignore", "ignore", "ignore"],
  });
  const ended = once(child, "exit");
  context.after(async () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
    await ended;
  });
}

interface Ended {
  readonly exitCode: number | null;
  readonly said: string;
}

/** The doctor is right to miss agents that have only just been started: it is asked until they are there. */
async function ended(command: string): Promise<Ended> {
  for (let attempt = 1; ; attempt += 1) {
    const end = await run(command);
    if (end.exitCode === 0 || !command.includes("fleet doctor") || attempt === 10) return end;
  }
}

async function run(command: string): Promise<Ended> {
  const child = spawn("sh", ["-c", command], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { exitCode, said };
}
