import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import type { Result } from "../../../coordinator/show/result.ts";
import { openaiServer, startHttp, startLoadline, temporaryFolder } from "../../support/cli.ts";

const VARIABLE = "LOADLINE_TEST_API_KEY";
const KEY = "sk-secret-0123456789abcdef";

/** Answers every other request, and refuses the others with what they brought. */
function keyedServer(seen: (string | undefined)[]): RequestListener {
  const answer = openaiServer();
  return (request, response) => {
    if (request.method !== "POST") {
      answer(request, response);
      return;
    }
    const { authorization } = request.headers;
    seen.push(authorization);
    if (authorization === `Bearer ${KEY}` && seen.length % 2 === 0) answer(request, response);
    else response.writeHead(401).end(`bad key ${authorization ?? ""}`.repeat(20));
    request.resume();
  };
}

/** Every file of a folder, decompressed where it is. */
async function textsOf(directory: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(directory);
  const texts = names.map(async (name): Promise<[string, string]> => {
    const bytes = await readFile(join(directory, name));
    return [name, (name.endsWith(".zst") ? zstdDecompressSync(bytes) : bytes).toString("latin1")];
  });
  return new Map(await Promise.all(texts));
}

describe("a key that is named", { concurrency: 2 }, () => {
  const argsOf = (url: string, directory: string): readonly string[] => [
    ...["run", "--target", url, "--model", "m", "--api-key-env", VARIABLE],
    ...["--rate", "20", "--duration", "1s", "--agents", "1", "--out", directory, "--json"],
  ];

  test("is sent by the agent, and is in no file and on no output of the run", async (context) => {
    const seen: (string | undefined)[] = [];
    const url = await startHttp(context, keyedServer(seen));
    const directory = join(await temporaryFolder(context), "run");
    const run = startLoadline(context, argsOf(url, directory), { [VARIABLE]: KEY });
    const { stdout, stderr } = await run.ended;
    const { probes } = JSON.parse(stdout) as Result;
    assert.ok((probes[0]?.countsByOutcome.ok ?? 0) > 0, stderr);
    assert.ok((probes[0]?.countsByOutcome.http_error ?? 0) > 0);
    assert.deepEqual(new Set(seen), new Set([`Bearer ${KEY}`]));
    const texts = await textsOf(directory);
    assert.ok(texts.has("requests.jsonl.zst") && texts.has("plan.json"), [...texts.keys()].join());
    assert.match(texts.get("plan.json") ?? "", new RegExp(VARIABLE));
    for (const [name, text] of [...texts, ["stdout", stdout], ["stderr", stderr]] as const)
      assert.ok(!text.includes(KEY.slice(0, 12)), name);
  });

  test("and is not there is told before anything is sent", async (context) => {
    const seen: (string | undefined)[] = [];
    const url = await startHttp(context, keyedServer(seen));
    const directory = join(await temporaryFolder(context), "run");
    const run = startLoadline(context, argsOf(url, directory), { [VARIABLE]: "" });
    const { exitCode, stderr } = await run.ended;
    assert.equal(exitCode, 2, stderr);
    assert.match(stderr, new RegExp(`${VARIABLE} as the variable .* has no such variable`));
    assert.match(stderr, /code: LL_API_KEY_MISSING/);
    assert.deepEqual(seen, []);
  });
});
