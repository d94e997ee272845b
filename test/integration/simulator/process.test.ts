import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { test } from "node:test";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("./simulate-server-process.ts", import.meta.url));
const FLAGS = JSON.stringify({ port: "0", service: "fixed:60s" });

/** The one line it prints, and a stream that is open while it is told to end. */
async function ready(context: TestContext, child: ChildProcess): Promise<void> {
  context.after(() => child.kill("SIGKILL"));
  const [line] = (await once(createInterface(child.stdout!), "line")) as [string];
  const { url, port } = JSON.parse(line) as { url: string; port: number };
  assert.equal(url, `http://127.0.0.1:${port}`);
  const body = JSON.stringify({
    messages: [{ role: "user", content: "a" }],
    stream: true,
  });
  const open = await fetch(`${url}/v1/chat/completions`, { method: "POST", body });
  assert.equal(open.status, 200);
  // Its connection will be cut.
  open
    .body!.getReader()
    .read()
    .catch(() => undefined);
}

for (const signal of ["SIGTERM", "SIGINT"] as const) {
  test(`the process ends on ${signal}`, async (context) => {
    const child = spawn(process.execPath, [SCRIPT, FLAGS], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await ready(context, child);
    const ended = once(child, "exit");
    child.kill(signal);
    assert.deepEqual(await ended, [0, null]);
  });
}

test("the process ends when its parent's channel closes", async (context) => {
  const child = fork(SCRIPT, [FLAGS], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  await ready(context, child);
  const ended = once(child, "exit");
  child.disconnect();
  assert.deepEqual(await ended, [0, null]);
});
