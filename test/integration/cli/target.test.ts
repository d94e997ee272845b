import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { Result } from "../../../coordinator/show/result.ts";
import {
  closedPort,
  loadline,
  openaiServer,
  startHttp,
  temporaryFolder,
} from "../../support/cli.ts";
import { LOOPBACK_CERTIFICATE } from "../../support/stream-fixtures/loopback-certificate.ts";

const WRONG_ANSWERS = [
  { name: "HTML", type: "text/html", body: "<h1>Welcome</h1>", says: /text\/html.*Welcome/ },
  {
    name: "an answer that is no stream",
    type: "application/json",
    body: JSON.stringify({ choices: [{ message: { content: "word" } }] }),
    says: /application\/json/,
  },
] as const;

// Most of their time is the start of a process, which waits for nothing.
describe("targets", { concurrency: 2 }, () => {
  for (const { name, type, body, says } of WRONG_ANSWERS) {
    test(`preflight says that a target gives ${name}`, async (context) => {
      const url = await startHttp(
        context,
        openaiServer((answer) => answer.setHeader("content-type", type).end(body)),
      );
      const { exitCode, stderr, stdout } = await loadline(context, "preflight", "--target", url);
      assert.equal(exitCode, 3);
      assert.match(stderr, says);
      assert.match(stderr, /code: LL_TARGET_NOT_STREAMING/);
      assert.equal(stdout, "");
    });
  }

  test("preflight speaks TLS with a certificate that --ca names, and sends its headers", async (context) => {
    const tenants: unknown[] = [];
    const answer = openaiServer();
    const server = createServer(LOOPBACK_CERTIFICATE, (request, response) => {
      tenants.push(request.headers["x-tenant"]);
      answer(request, response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    context.after(() => server.close());
    const ca = join(await temporaryFolder(context), "ca.pem");
    await writeFile(ca, LOOPBACK_CERTIFICATE.cert);
    const target = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const asked = ["preflight", "--target", target, "--header", "X-Tenant: load"];

    const trusting = await loadline(context, ...asked, "--ca", ca);
    assert.equal(trusting.exitCode, 0, trusting.stderr);
    assert.match(trusting.stdout, /streams +yes/);
    assert.deepEqual([...new Set(tenants)], ["load"]);

    const other = await loadline(context, ...asked);
    assert.equal(other.exitCode, 3);
    assert.match(other.stderr, /code: LL_TARGET_TLS/);
  });

  test("preflight gives up after --timeout", async (context) => {
    const url = await startHttp(context, () => undefined);
    const { exitCode, stderr } = await loadline(
      context,
      ...["preflight", "--target", url, "--model", "m", "--timeout", "50ms"],
    );
    assert.equal(exitCode, 3);
    assert.match(stderr, /code: LL_TARGET_TIMEOUT/);
  });

  for (const { flags, says } of [
    { flags: ["--timeout", "5"], says: /--timeout: "5" has no unit/ },
    { flags: ["--header", "Authorization: Bearer k"], says: /--api-key-env NAME/ },
  ])
    test(`preflight refuses ${flags.join(" ")}`, async (context) => {
      const { exitCode, stderr } = await loadline(
        context,
        ...["preflight", "--target", "http://127.0.0.1:9", ...flags],
      );
      assert.equal(exitCode, 2);
      assert.match(stderr, says);
      assert.match(stderr, /code: LL_FLAG_INVALID/);
    });

  for (const command of [["preflight"], ["run", "--rate", "1", "--duration", "1s"]]) {
    test(`${command[0]} ends with 3 when nobody listens`, async (context) => {
      const target = `http://127.0.0.1:${await closedPort()}`;
      const { exitCode, stderr } = await loadline(context, ...command, "--target", target);
      assert.equal(exitCode, 3);
      assert.match(stderr, /ECONNREFUSED/);
      assert.match(stderr, /code: LL_TARGET_UNREACHABLE/);
    });
  }

  test("a run that gets nothing but HTTP 500 ends with 3, and counts them", async (context) => {
    const url = await startHttp(
      context,
      openaiServer((answer) => {
        answer.statusCode = 500;
        answer.end("out of memory");
      }),
    );
    const directory = join(await temporaryFolder(context), "run");
    const { exitCode, stdout, stderr } = await loadline(
      context,
      ...["run", "--target", url, "--rate", "20", "--duration", "1s", "--agents", "1"],
      ...["--out", directory, "--json"],
    );
    assert.equal(exitCode, 3, stderr);
    const [probe] = (JSON.parse(stdout) as Result).probes;
    const { fired, http_error: httpErrors } = probe!.countsByOutcome;
    assert.ok(fired > 0);
    assert.equal(httpErrors, fired);
    assert.deepEqual(probe!.httpErrorsByStatus, { "500": fired });
  });

  test("a search of a target that answers nothing but HTTP 500 ends with 3, and says so", async (context) => {
    const url = await startHttp(
      context,
      openaiServer((answer) => {
        answer.statusCode = 500;
        answer.end("out of memory");
      }),
    );
    const directory = join(await temporaryFolder(context), "run");
    const { exitCode, stdout, stderr } = await loadline(
      context,
      ...["find", "--target", url, "--slo", "ttft p99 <= 1s", "--time-budget", "20s"],
      ...["--agents", "1", "--out", directory],
    );
    assert.equal(exitCode, 3, stderr);
    assert.match(
      stdout,
      /^No rate meets ttft p99 <= 1s: the target answers one request at a time with errors/,
    );
  });

  test("--wait-ready waits for a server that is loading, and sends it nothing else", async (context) => {
    const asked: string[] = [];
    const whenReady = openaiServer();
    const url = await startHttp(context, (request, answer) => {
      asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
      if (asked.length > 2) {
        whenReady(request, answer);
        return;
      }
      answer.statusCode = 503;
      answer.end("loading");
    });
    const directory = join(await temporaryFolder(context), "run");
    const { stdout, stderr } = await loadline(
      context,
      ...["run", "--target", url, "--model", "m", "--wait-ready", "30s", "--rate", "20"],
      ...["--duration", "1s", "--agents", "1", "--out", directory, "--json"],
    );
    assert.notEqual(stdout, "", stderr);
    const [probe] = (JSON.parse(stdout) as Result).probes;
    const { fired, ok } = probe!.countsByOutcome;
    assert.ok(fired > 0);
    assert.equal(ok, fired);
    assert.deepEqual(asked, [
      ...new Array<string>(3).fill("GET /v1/models"),
      ...new Array<string>(fired).fill("POST /v1/chat/completions"),
    ]);
  });

  test("--wait-ready ends with 3 when its time is over", async (context) => {
    const target = `http://127.0.0.1:${await closedPort()}`;
    const { exitCode, stderr } = await loadline(
      context,
      ...["run", "--target", target, "--rate", "1", "--duration", "1s", "--wait-ready", "600ms"],
    );
    assert.equal(exitCode, 3);
    assert.match(stderr, /waited 0\.6 s/);
    assert.match(stderr, /code: LL_TARGET_NOT_READY/);
  });
});
