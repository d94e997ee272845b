import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { LoadError } from "../../../shared/errors.ts";
import { connectNats } from "../../../shared/platform/nats.ts";

/** The code with which a connection fails to a server that answers each CONNECT with this error. */
async function codeFor(answer: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.write('INFO {"server_id":"x","version":"2.10.0","max_payload":1048576,"proto":1}\r\n');
    socket.once("data", () => socket.end(`-ERR '${answer}'\r\n`));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    await connectNats({ servers: [`nats://127.0.0.1:${port}`], clientId: "a", token: "t" });
    return "connected";
  } catch (error) {
    assert.ok(error instanceof LoadError);
    return error.code;
  } finally {
    server.close();
  }
}

test("wrong credentials are refused for good; a time-out of theirs is a server that was too busy", async () => {
  assert.equal(await codeFor("Authorization Violation"), "LL_NATS_REFUSED");
  assert.equal(await codeFor("Authentication Timeout"), "LL_NATS_UNREACHABLE");
});
