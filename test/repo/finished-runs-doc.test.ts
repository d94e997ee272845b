import assert from "node:assert/strict";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { PairedLevel } from "../../coordinator/compare/paired-level.ts";
import { startLoadline, temporaryFolder } from "../support/cli.ts";
import { writeRunFixture } from "../support/run-fixture.ts";

const ROOT = new URL("../../", import.meta.url);
const COMMAND_START = "npm run -s loadline -- ";

async function commandsOf(document: string): Promise<readonly string[]> {
  const text = await readFile(new URL(document, ROOT), "utf8");
  return [...text.matchAll(/^```sh\n(.*?)^```/gms)].flatMap(([, block = ""]) =>
    block.trimEnd().split("\n"),
  );
}

/** The words of a command, quotes taken off. */
function wordsOf(command: string): readonly string[] {
  assert.ok(command.startsWith(COMMAND_START), command);
  return [...command.slice(COMMAND_START.length).matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? plain ?? "",
  );
}

/** Runs a document's command on what `folder` holds; searches are only planned, as they would take minutes. */
async function tryOut(context: TestContext, folder: string, command: string): Promise<void> {
  const words = wordsOf(command).map((word) =>
    word.replace(
      /^((?:\w+=)?)(runs\/|results_|forecast\.csv|config\.json|guidellm\.json)/,
      `$1${folder}/$2`,
    ),
  );
  const measures = words[0] === "find" || words[0] === "run";
  const { exitCode, stdout, stderr } = await startLoadline(context, [
    ...words,
    ...(measures ? ["--dry-run", "--model", "m"] : []),
  ]).ended;
  // The document says so: a file of another tool leaves the gate open.
  const expected = /^compare.*guidellm\.json/.test(command.slice(COMMAND_START.length)) ? 5 : 0;
  assert.equal(exitCode, expected, `${command}\n${stdout}\n${stderr}`);
  assert.notEqual(stdout, "", command);
}

test("every command of docs/compare.md works as it stands there", async (context) => {
  const folder = await temporaryFolder(context);
  await mkdir(join(folder, "runs"));
  await writeRunFixture(join(folder, "runs/fp16"), { rate: [41.8, 39.9, 43.8] });
  await writeRunFixture(join(folder, "runs/int8"), { rate: [54.5, 51.9, 57.2] });
  await writeRunFixture(join(folder, "runs/llama-int8"), {
    rate: [54.5, 51.9, 57.2],
    result: { target: { url: "http://127.0.0.1:8001/v1", endpoint: "chat", model: "other" } },
  });
  const level: PairedLevel = {
    mode: "closed",
    requestsPerSecond: null,
    streams: 16,
    figure: "completed",
    pairs: 6,
    leftOut: 0,
    target: 40.1,
    against: 52.3,
    minimumDetectableRatio: 1.04,
    reason: "",
    ratio: { value: 1.304, low: 1.27, high: 1.34 },
  };
  await writeRunFixture(join(folder, "runs/ab"), {
    result: {
      against: { url: "http://127.0.0.1:8001/v1", model: "m", confidence: 0.95, levels: [level] },
    },
  });
  const scores = { "exact_match,strict-match": 0.85, "exact_match_stderr,strict-match": 0.01 };
  for (const name of ["fp16", "int8"])
    await writeFile(
      join(folder, `results_${name}.json`),
      JSON.stringify({ results: { gsm8k: scores } }),
    );
  await copyFile(
    new URL("test/fixtures/imported/guidellm.json", ROOT),
    join(folder, "guidellm.json"),
  );
  const commands = await commandsOf("docs/compare.md");
  assert.ok(commands.length >= 8);
  await Promise.all(commands.map((command) => tryOut(context, folder, command)));
});

test("every command of docs/sizing.md works as it stands there, on the forecast that it shows", async (context) => {
  const folder = await temporaryFolder(context);
  await mkdir(join(folder, "runs"));
  await writeRunFixture(join(folder, "runs/fp16"), { rate: [41.8, 39.9, 43.8] });
  const document = await readFile(new URL("docs/sizing.md", ROOT), "utf8");
  const [, forecast = ""] = /^```\n(time,.*?)^```/ms.exec(document) ?? [];
  await writeFile(join(folder, "forecast.csv"), forecast);
  const config = { num_hidden_layers: 80, num_key_value_heads: 8, head_dim: 128 };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  const commands = await commandsOf("docs/sizing.md");
  assert.ok(commands.length >= 5);
  await Promise.all(commands.map((command) => tryOut(context, folder, command)));
});
