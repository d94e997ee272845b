import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { NOT_YET_NAMES } from "../../coordinator/plan/not-yet.ts";
import type { Result } from "../../coordinator/show/result.ts";
import { embedded } from "../support/nats-server.ts";
import { writeRunFixture } from "../support/run-fixture.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const COMMAND_START = "npm run -s loadline -- ";

/** What an overloaded machine makes of a run: true of the machine, and no fault of the recipe. */
const LATENESS =
  /^agent \S+('s event loop was late| sent late| was busy| did not start the segment: its lease)/;

/** They take half a minute on an idle machine; a busy one may need its time. */
const RECIPES_WITHIN = { timeout: 400_000 };

test(
  "every command of the README's recipes works as it stands there",
  RECIPES_WITHIN,
  async (context) => {
    const stage = await setUp(context);
    const commands = README_COMMANDS.filter((command) => kindOf(command) !== "simulate-server");
    const laneOf = (command: string): number => {
      if (["find", "sweep"].includes(kindOf(command))) return 0;
      return /preflight|--json|--nats/.test(command) ? 1 : 2;
    };
    // Runs mostly wait, so they go on beside each other; a report follows the run it tells of.
    await Promise.all(
      [0, 1, 2].map((lane) =>
        inTurn(
          stage,
          commands.filter((command) => laneOf(command) === lane),
        ),
      ),
    );
  },
);

test("the README has a recipe for each command that is built", () => {
  assert.deepEqual([...new Set(README_COMMANDS.map(kindOf))].sort(), [
    "agent",
    "calibrate",
    "compare",
    "find",
    "fleet",
    "preflight",
    "report",
    "rescore",
    "resume",
    "run",
    "simulate-server",
    "size",
    "sweep",
  ]);
});

test("the README names what is not built yet, all of it and nothing else", () => {
  const section = /^## Not built yet\n(.*?)^## /ms.exec(README)?.[1] ?? "";
  const wordsOf = (line: string): string[] =>
    [...(new RegExp(`^- ${line}: (.*)$`, "m").exec(section)?.[1] ?? "").matchAll(/`([^`]+)`/g)]
      .map((match) => (match[1] ?? "").replace(/^--/, ""))
      .sort();
  const source = readFileSync(join(ROOT, "cli/not-yet.ts"), "utf8");
  const commands = [...source.matchAll(/\["([a-z]+)", "/g)].map((match) => match[1]);
  assert.deepEqual(wordsOf("commands"), commands.sort());
  assert.deepEqual(
    [...wordsOf("flags"), ...wordsOf("keys of a plan file")].sort(),
    [...NOT_YET_NAMES].sort(),
  );
});

test("every file that the README and the documents link to is there", () => {
  for (const document of [
    "README.md",
    "CONTRIBUTING.md",
    "docs/measurement.md",
    "docs/run-folder.md",
    "docs/compare.md",
    "docs/sizing.md",
    "docs/server-metrics.md",
    "docs/calibration.md",
    "docs/operating-a-fleet.md",
    "docs/metrics.md",
    "docs/security.md",
  ]) {
    const text = readFileSync(join(ROOT, document), "utf8");
    for (const [, target = ""] of text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g))
      assert.ok(existsSync(join(ROOT, document, "..", target)), `${document} links to ${target}`);
  }
});

const README_COMMANDS = [...README.matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap(([, block = ""]) => block.split("\n"))
  .filter((line) => line.startsWith(COMMAND_START));

function kindOf(command: string): string {
  return command.slice(COMMAND_START.length).split(" ")[0] ?? "";
}

interface Stage {
  readonly context: TestContext;
  readonly folder: string;
  /** Puts this test's ports, folders and short durations in the place of the README's. */
  readonly adapt: (command: string) => string;
  readonly token: string;
}

async function setUp(context: TestContext): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "loadline-readme-"));
  const broker = await embedded.start();
  context.after(async () => {
    await broker.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const simulate = README_COMMANDS.find((command) => kindOf(command) === "simulate-server");
  assert.ok(simulate, "the README starts a server to try things out");
  const server = start(context, simulate.replace("--port 8000", "--port 0"), {});
  assert.ok(server.stdout);
  const [line] = (await once(createInterface(server.stdout), "line")) as [string];
  const { host } = new URL((JSON.parse(line) as { url: string }).url);
  return {
    context,
    folder,
    token: broker.token,
    adapt: (command) => {
      const adapted = command
        .replaceAll("127.0.0.1:8000", host)
        .replace("nats://127.0.0.1:4222", broker.url)
        .replace(/--duration \S+/, "--duration 500ms")
        .replace(/--points \S+/, "--points 2")
        .replace(/--time-budget \S+/, "--time-budget 10s")
        .replaceAll(/\bruns\//g, `${folder}/`);
      assert.doesNotMatch(adapted, /:8000|:4222/);
      return adapted;
    },
  };
}

async function inTurn(stage: Stage, commands: readonly string[]): Promise<void> {
  for (const command of commands) await tryOut(stage, command);
}

async function tryOut(stage: Stage, command: string): Promise<void> {
  const kind = kindOf(command);
  const measures = ["find", "run", "sweep"].includes(kind);
  const concludes = measures || kind === "resume" || kind === "rescore";
  const out =
    /(?:--out|resume|rescore) runs\/(\S+)/.exec(command)?.[1] ??
    String(README_COMMANDS.indexOf(command));
  const ownOut = command.includes("--out ") ? "" : ` --out ${stage.folder}/${out}`;
  if (kind === "compare" || kind === "size") {
    // Its searches would take minutes; docs/compare.md says how they are made.
    await writeRunFixture(join(stage.folder, "fp16"), { rate: [41.8, 39.9, 43.8] });
    await writeRunFixture(join(stage.folder, "int8"), { rate: [54.5, 51.9, 57.2] });
  }
  if (kind === "resume") leaveUnfinished(stage.adapt(command).split(" ").at(-1) ?? "");
  const short = measures ? `${ownOut} --output-tokens 4` : "";
  const child = start(stage.context, stage.adapt(command) + short, {
    LOADLINE_TOKEN: stage.token,
  });
  // An agent stays until it is told to end: the run that needs it shows that it works.
  if (kind === "agent") return;
  const [stdout, stderr, [exitCode]] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  const said = `${command}\n${stdout}\n${stderr}`;
  if (concludes && exitCode === 4) assertOnlyLate(join(stage.folder, out), said);
  else assert.ok(exitCode === 0 || (kind === "find" && exitCode === 5), `${exitCode}: ${said}`);
  if (command.includes("--json")) JSON.parse(stdout);
  assert.notEqual(stdout, "", command);
}

/** As its coordinator would, had it been killed right before its last line. */
function leaveUnfinished(directory: string): void {
  rmSync(join(directory, "result.json"));
  const log = join(directory, "log.jsonl");
  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  writeFileSync(log, `${lines.slice(0, -1).join("\n")}\n`);
}

/** Exit 4 with a whole result whose only reason is that this machine was busy with something else. */
function assertOnlyLate(directory: string, said: string): void {
  const { validity } = JSON.parse(readFileSync(join(directory, "result.json"), "utf8")) as Result;
  assert.notEqual(validity.reasons.length, 0, said);
  for (const reason of validity.reasons) assert.match(reason, LATENESS, said);
}

/** As a shell would; the whole group ends with the test. */
function start(
  context: TestContext,
  command: string,
  environment: Readonly<Record<string, string>>,
): ChildProcess {
  const child = spawn("sh", ["-c", command], {
    cwd: ROOT,
    detached: true,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  context.after(async () => {
    if (child.exitCode !== null || child.pid === undefined) return;
    const ended = once(child, "exit");
    process.kill(-child.pid, "SIGTERM");
    await ended;
  });
  return child;
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = "";
  for await (const chunk of stream ?? []) text += String(chunk);
  return text;
}
