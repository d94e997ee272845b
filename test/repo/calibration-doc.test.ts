import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildProgram } from "../../cli/program.ts";
import { RULES } from "../../coordinator/calibrate/lint/rules.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const DOCUMENT = readFileSync(join(ROOT, "docs/calibration.md"), "utf8");
/** Every fenced block with its language; without one it is what the commands print. */
const BLOCKS = [...DOCUMENT.matchAll(/^```(\w*)\n(.*?)^```/gms)].map(
  ([, language = "", text = ""]) => ({ language, text }),
);
const COMMANDS = BLOCKS.filter(({ language }) => language === "sh").flatMap(({ text }) =>
  text.trimEnd().split("\n"),
);
const PRINTED = BLOCKS.filter(({ language }) => language === "").map(({ text }) => text);

test("every command of docs/calibration.md works as it stands there, in its order, and prints what it says", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "loadline-calibration-doc-"));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  let said = "";
  for (const command of COMMANDS) {
    const adapted = command.replaceAll(/\bruns\//g, `${folder}/`);
    const child = spawn("sh", ["-c", adapted], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    const [stdout, stderr, [exitCode]] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      once(child, "close") as Promise<[number | null]>,
    ]);
    assert.equal(exitCode, 0, `${command}\n${stdout}\n${stderr}`);
    said += stdout;
  }
  for (const block of PRINTED) assert.ok(said.includes(block.trimEnd()), block);
  assert.ok(existsSync(join(folder, "day.html")));
  assert.deepEqual([COMMANDS.length, PRINTED.length], [5, 2]);
});

// It takes a fleet with an autoscaler: test/integration/cli/verify.test.ts has one, and made what is printed there.
test("the command that needs a fleet has flags that there are", () => {
  const [typed] = BLOCKS.filter(({ language }) => language === "console").map(
    ({ text }) => /^\$ loadline calibrate verify (.*)$/m.exec(text)?.[1],
  );
  const calibrate = buildProgram().commands.find((each) => each.name() === "calibrate");
  const verify = calibrate?.commands.find((each) => each.name() === "verify");
  assert.ok(typed !== undefined && verify !== undefined);
  const known = verify.options.map(({ long }) => long);
  const flags = [...typed.matchAll(/--[\w-]+/g)].map(([flag]) => flag);
  assert.ok(flags.length >= 3);
  for (const flag of flags) assert.ok(known.includes(flag), flag);
});

test("the rules of the document are those of the code", () => {
  const letters = [...DOCUMENT.matchAll(/^\| ([A-Z]) \|/gm)].map(([, letter]) => letter);
  assert.deepEqual(letters, Object.keys(RULES));
});

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) text += String(chunk);
  return text;
}
