import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Simulator } from "../../../simulator/server.ts";
import { eventsOf } from "./raw-client.ts";
import { chat, connected, running, until } from "./running.ts";

const INSTANT = { service: "fixed:1ms", itl: "1ms", slots: "64" };

async function setFaults(simulator: Simulator, faults: unknown): Promise<Response> {
  return fetch(`${simulator.url}/admin/faults`, { method: "POST", body: JSON.stringify(faults) });
}

describe("faults of requests", () => {
  test("error: a status at once, for a fraction, the same ones with the same seed", async (context) => {
    const statuses = async () => {
      const simulator = await running(context, {
        ...INSTANT,
        fault: "error:fraction=0.3,status=503",
        seed: "7",
      });
      const client = await connected(context, simulator);
      const seen: number[] = [];
      for (let round = 0; round < 40; round++) {
        seen.push((await client.post("/v1/chat/completions", chat({ max_tokens: 1 }))).status);
      }
      assert.deepEqual(
        simulator.log().map((entry) => entry.status),
        seen,
      );
      return seen;
    };
    const first = await statuses();
    const failed = first.filter((status) => status === 503).length;
    assert.ok(failed > 4 && failed < 22, `${failed} of 40`);
    assert.deepEqual(await statuses(), first);
  });

  test("reject: 429 with Retry-After while more than the bound wait", async (context) => {
    const simulator = await running(context, {
      slots: "1",
      service: "fixed:60s",
      fault: "reject:waiting=2,retry-after=3",
    });
    for (let count = 1; count <= 3; count++) {
      const client = await connected(context, simulator);
      client.send("/v1/chat/completions", chat());
      await until(() => simulator.log().length === count);
    }
    const refused = await connected(context, simulator);
    const response = await refused.post("/v1/chat/completions", chat());
    assert.equal(response.status, 429);
    assert.equal(response.headers.get("retry-after"), "3");
    assert.match(response.chunks.join(""), /RateLimitError/);
    assert.deepEqual(
      simulator.log().map((entry) => entry.outcome),
      ["open", "open", "open", "rejected"],
    );
  });

  test("cut: the connection closes after k tokens, without an end, and the slot is free", async (context) => {
    const simulator = await running(context, {
      ...INSTANT,
      slots: "1",
      tokens: "inside",
      fault: "cut:fraction=1,after=3",
    });
    const client = await connected(context, simulator);
    const response = await client.post("/v1/chat/completions", chat({ max_tokens: 100_000 }));
    assert.equal(response.complete, false);
    // Role and three texts.
    assert.equal(eventsOf(response.chunks).length, 4);
    await client.closed();

    const [cut] = simulator.log();
    assert.deepEqual([cut!.outcome, cut!.tokens], ["cut", 3]);
    const metrics = await (await fetch(`${simulator.url}/metrics`)).text();
    assert.match(metrics, /num_requests_running\{.*\} 0\n/);
  });

  test("cut:after=0: headers and nothing else", async (context) => {
    const simulator = await running(context, { ...INSTANT, fault: "cut:fraction=1,after=0" });
    const client = await connected(context, simulator);
    const response = await client.post("/v1/chat/completions", chat());
    assert.deepEqual([response.status, response.chunks, response.complete], [200, [], false]);
  });

  test("stream-error: an error inside the 200, then [DONE]", async (context) => {
    const simulator = await running(context, {
      ...INSTANT,
      shape: "vllm",
      fault: "stream-error:fraction=1,after=2",
    });
    const client = await connected(context, simulator);
    const response = await client.post("/v1/chat/completions", chat());
    const events = eventsOf(response.chunks);
    assert.equal(response.status, 200);
    assert.equal(events.length, 5);
    assert.match(
      events[3]!,
      /^\{"error":\{"message":"EngineCore.*","type":"InternalServerError","param":null,"code":500\}\}$/,
    );
    assert.equal(events[4], "[DONE]");
    assert.equal(simulator.log()[0]!.outcome, "stream-error");
  });

  test("transformers: max_tokens -1 is an error, as a string, in a 200 after the role, no [DONE]", async (context) => {
    const simulator = await running(context, { ...INSTANT, shape: "transformers" });
    const client = await connected(context, simulator);
    const response = await client.post("/v1/chat/completions", chat({ max_tokens: -1 }));
    const events = eventsOf(response.chunks);
    assert.equal(response.status, 200);
    assert.match(events[0]!, /"role":"assistant"/);
    assert.deepEqual(events.slice(1), [
      '{"error":"`max_new_tokens` must be greater than 0, but is -1."}',
    ]);
    assert.ok(response.complete);
  });

  test("silent: never answers; the log has it when the client leaves", async (context) => {
    const simulator = await running(context, { ...INSTANT, fault: "silent:fraction=1" });
    const client = await connected(context, simulator);
    client.send("/v1/chat/completions", chat());
    await until(() => simulator.log().length === 1);
    await fetch(`${simulator.url}/health`);
    assert.equal(client.socket.bytesRead, 0);
    client.leave();
    await until(() => simulator.log()[0]!.outcome === "disconnected");
  });
});

describe("faults of time", () => {
  test("a stall at runtime holds what is due in it, until it is over", async (context) => {
    const simulator = await running(context, { service: "fixed:400ms", itl: "1ms" });
    const client = await connected(context, simulator);
    client.send("/v1/chat/completions", chat({ max_tokens: 2 }));
    await client.head();
    assert.equal((await setFaults(simulator, { stall: { for: "150ms" } })).status, 200);
    while ((await client.chunk()) !== undefined);
    const [entry] = simulator.log();
    const tookMs = (entry!.lastTokenAtNs! - entry!.startedAtNs!) / 1e6;
    // The service, a gap, and the stall.
    assert.ok(Math.abs(tookMs - 551) < 0.1, `${tookMs} ms`);
    assert.ok(entry!.lastTokenWrittenAtNs! >= entry!.lastTokenAtNs!);
  });

  test("DELETE ends a stall and every other fault", async (context) => {
    const simulator = await running(context, {
      ...INSTANT,
      fault: "stall:for=3000s; cut:fraction=1",
    });
    const client = await connected(context, simulator);
    client.send("/v1/chat/completions", chat());
    await client.head();
    await fetch(`${simulator.url}/admin/faults`, { method: "DELETE" });
    const shown = await (await fetch(`${simulator.url}/admin/faults`)).json();
    assert.deepEqual(shown, { requests: {} });
    // It was to be cut when it arrived, before the faults were cleared.
    while (![undefined, "closed"].includes(await client.chunk()));
    const next = await connected(context, simulator);
    assert.ok((await next.post("/v1/chat/completions", chat())).complete);
  });

  test("slow-start and drift stretch the service", async (context) => {
    const simulator = await running(context, {
      service: "fixed:10ms",
      fault: "drift:factor=4,over=1us; slow-start:factor=2,decay=3000s",
    });
    const client = await connected(context, simulator);
    await client.post("/v1/chat/completions", chat({ max_tokens: 1 }));
    const [entry] = simulator.log();
    const tookMs = (entry!.firstTokenAtNs! - entry!.startedAtNs!) / 1e6;
    assert.ok(Math.abs(tookMs - 80) < 0.5, `${tookMs} ms`);
  });

  test("bad faults are told, and change nothing", async (context) => {
    const simulator = await running(context, INSTANT);
    const response = await setFaults(simulator, { cut: { fraction: 2 }, nonsense: {} });
    assert.equal(response.status, 400);
    const { error } = (await response.json()) as { error: string };
    assert.match(error, /cut\.fraction/);
    assert.match(error, /nonsense/);
    assert.equal((await setFaults(simulator, "text")).status, 400);
    const client = await connected(context, simulator);
    assert.ok((await client.post("/v1/chat/completions", chat())).complete);
  });

  test("disturbances are bounded", async (context) => {
    const simulator = await running(context, INSTANT);
    let status = 200;
    let count = 0;
    while (status === 200 && count < 200) {
      status = (await setFaults(simulator, { stall: { for: "1us", at: "3000s" } })).status;
      count += 1;
    }
    assert.deepEqual([status, count], [409, 101]);
  });
});
