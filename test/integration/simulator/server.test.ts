import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { LoadError } from "../../../shared/errors.ts";
import { parseSimulatorOptions } from "../../../simulator/options.ts";
import type { SchedulerEvents } from "../../../simulator/scheduler/ports.ts";
import { createScheduler } from "../../../simulator/scheduler/scheduler.ts";
import { startSimulator } from "../../../simulator/server.ts";
import { RawClient, eventsOf } from "./raw-client.ts";
import { chat, connected, running, until } from "./running.ts";

/** Stops this process's event loop, and with it the simulator's. */
function stallEventLoop(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

interface Instants {
  promptTokens: number;
  outputTokens: number;
  startedAtNs: number;
  firstTokenAtNs: number;
  lastTokenAtNs: number;
}

const note: SchedulerEvents<Instants> = {
  onStart(request, atNs) {
    request.startedAtNs = atNs;
  },
  onToken(request, atNs, k) {
    if (k === 1) request.firstTokenAtNs = atNs;
    request.lastTokenAtNs = atNs;
  },
  onDone: () => undefined,
};

describe("the queue over HTTP lives in virtual time", () => {
  for (const flags of [
    { slots: "2", service: "exp:4ms", itl: "2ms" },
    { batching: "2ms:100us:50us:4:64" },
  ]) {
    test(`${JSON.stringify(flags)}: the same instants as over virtual time`, async (context) => {
      const options = parseSimulatorOptions({ port: "0", ...flags });
      const simulator = await startSimulator(options);
      context.after(() => simulator.close());
      const clients = await Promise.all(
        Array.from({ length: 30 }, () => connected(context, simulator)),
      );
      const answers = clients.map(async (client, index) => {
        if (index % 3 === 0) await fetch(`${simulator.url}/health`);
        return client.post("/v1/chat/completions", chat({ max_tokens: 1 + (index % 5) }));
      });
      await until(() => simulator.log().length > 10);
      stallEventLoop(40);
      await Promise.all(answers);

      const scheduler = createScheduler<Instants>(options.scheduler, options.seed);
      const replayed = simulator.log().map((entry) => {
        const { arrivedAtNs, promptTokens, outputTokens } = entry;
        const request: Instants = {
          ...{ promptTokens, outputTokens },
          ...{ startedAtNs: NaN, firstTokenAtNs: NaN, lastTokenAtNs: NaN },
        };
        scheduler.advance(arrivedAtNs, note);
        scheduler.arrive(arrivedAtNs, request);
        return request;
      });
      scheduler.advance(Infinity, note);

      assert.equal(simulator.log().length, 30);
      for (const [index, entry] of simulator.log().entries()) {
        const expected = replayed[index]!;
        for (const instant of ["startedAtNs", "firstTokenAtNs", "lastTokenAtNs"] as const) {
          // The log counts from the host's start, the engine from the process's: rounding only.
          assert.ok(
            Math.abs(entry[instant]! - expected[instant]) < 50,
            `request ${index}, ${instant}: ${entry[instant]} against ${expected[instant]}`,
          );
        }
        assert.ok(entry.firstTokenWrittenAtNs! >= entry.firstTokenAtNs! - 50);
        assert.ok(entry.lastTokenWrittenAtNs! >= entry.lastTokenAtNs! - 50);
      }
    });
  }

  test("a stalled event loop makes tokens late but takes no capacity", async (context) => {
    // Nobody is served before everyone waits.
    const simulator = await running(context, {
      slots: "1",
      service: "fixed:20ms",
      fault: "stall:for=3000s",
    });
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => connected(context, simulator)),
    );
    const answers = clients.map((client) =>
      client.post("/v1/chat/completions", chat({ max_tokens: 1 })),
    );
    await until(() => simulator.log().length === 20);
    await fetch(`${simulator.url}/admin/faults`, { method: "DELETE" });
    stallEventLoop(60);
    await Promise.all(answers);

    const firsts = simulator.log().map((entry) => entry.firstTokenAtNs!);
    const gaps = firsts.slice(1).map((atNs, index) => Math.round(atNs - firsts[index]!));
    assert.deepEqual(new Set(gaps), new Set([20_000_000]));
    // The stall was real: a token that was due in it left after it.
    const lateness = simulator
      .log()
      .map((entry) => entry.firstTokenWrittenAtNs! - entry.firstTokenAtNs!);
    assert.ok(Math.max(...lateness) > 20e6, `latest ${Math.max(...lateness)} ns`);
  });

  test("tokens that are due together leave in one write, each an HTTP chunk", async (context) => {
    const simulator = await running(context, { service: "fixed:20ms", itl: "1ms" });
    const client = await connected(context, simulator);
    let reads = 0;
    client.socket.on("data", () => {
      reads += 1;
    });
    client.send("/v1/chat/completions", chat({ max_tokens: 40 }));
    await until(() => simulator.log().length === 1);
    stallEventLoop(80);
    const response = await client.response();

    // Role, 40 texts, finish, usage, [DONE].
    assert.equal(response.chunks.length, 44);
    assert.ok(reads <= 8, `${reads} reads`);
  });
});

describe("what is answered", () => {
  test("a whole reply has the text, the finish reason and the usage", async (context) => {
    const simulator = await running(context, { service: "fixed:1ms", itl: "0" });
    const response = await fetch(`${simulator.url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify(chat({ stream: false, max_tokens: 3 })),
    });
    const body = (await response.json()) as Record<string, unknown>;
    assert.deepEqual(body["choices"], [
      {
        index: 0,
        message: { role: "assistant", content: "lorem ipsum dolor " },
        logprobs: null,
        finish_reason: "length",
      },
    ]);
    assert.deepEqual(body["usage"], { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 });
  });

  test("output lengths: the natural stop, min_tokens, ignore_eos, max_completion_tokens", async (context) => {
    const simulator = await running(context, { service: "fixed:1ms", itl: "0", stopAfter: "5" });
    const client = await connected(context, simulator);
    const lengths: number[] = [];
    for (const fields of [
      { max_tokens: 20 },
      { max_tokens: 3 },
      { max_tokens: 20, min_tokens: 9 },
      { max_tokens: 20, ignore_eos: true },
      { max_tokens: 20, max_completion_tokens: 4 },
    ]) {
      const response = await client.post("/v1/chat/completions", chat(fields));
      const finish = /"finish_reason":"(stop|length)"/.exec(response.chunks.join(""))?.[1];
      const { tokens } = simulator.log().at(-1)!;
      lengths.push(tokens);
      assert.equal(finish, [20, 3, 4].includes(tokens) ? "length" : "stop");
    }
    assert.deepEqual(lengths, [5, 3, 9, 20, 4]);
  });

  test("models, health, unknown paths and methods", async (context) => {
    const simulator = await running(context, { model: "tiny/model" });
    const models = (await (await fetch(`${simulator.url}/v1/models`)).json()) as {
      data: { id: string }[];
    };
    assert.deepEqual(
      models.data.map((model) => model.id),
      ["tiny/model"],
    );
    assert.equal((await fetch(`${simulator.url}/health`)).status, 200);
    assert.equal((await fetch(`${simulator.url}/nothing`)).status, 404);
    assert.equal((await fetch(`${simulator.url}/v1/chat/completions`)).status, 405);
  });

  test("two requests in one packet are answered one after the other", async (context) => {
    const simulator = await running(context, { service: "fixed:1ms", itl: "1ms" });
    const client = await connected(context, simulator);
    client.socket.cork();
    client.send("/v1/chat/completions", chat({ max_tokens: 2 }));
    client.send("/v1/chat/completions", chat({ max_tokens: 3 }));
    client.socket.uncork();
    const first = await client.response();
    const second = await client.response();
    assert.ok(first.complete && second.complete);
    assert.equal(eventsOf(first.chunks).length, 6);
    assert.equal(eventsOf(second.chunks).length, 7);
  });

  test("metrics by vLLM's names, with the model's label", async (context) => {
    const simulator = await running(context, { slots: "2", service: "fixed:60s" });
    const clients = await Promise.all(
      Array.from({ length: 5 }, () => connected(context, simulator)),
    );
    for (const client of clients) client.send("/v1/chat/completions", chat());
    await until(() => simulator.log().length === 5);
    const text = await (await fetch(`${simulator.url}/metrics`)).text();
    const value = (name: string) => {
      const line = text.split("\n").find((one) => one.startsWith(`vllm:${name}{`));
      assert.ok(line?.includes('model_name="sim"'), `${name}: ${String(line)}`);
      return Number(line!.split(" ")[1]);
    };
    assert.equal(value("num_requests_running"), 2);
    assert.equal(value("num_requests_waiting"), 3);
    assert.equal(value("kv_cache_usage_perc"), 1);
    assert.equal(value("num_preemptions_total"), 0);
  });

  test("metrics count successes, tokens and times", async (context) => {
    const simulator = await running(context, { service: "fixed:1ms", itl: "0" });
    const client = await connected(context, simulator);
    for (let round = 0; round < 3; round++) await client.post("/v1/chat/completions", chat());
    const text = await (await fetch(`${simulator.url}/metrics`)).text();
    for (const line of [
      'vllm:request_success_total{engine="0",model_name="sim",finished_reason="length"} 3',
      'vllm:generation_tokens_total{engine="0",model_name="sim"} 12',
      'vllm:prompt_tokens_total{engine="0",model_name="sim"} 9',
      'vllm:time_to_first_token_seconds_count{engine="0",model_name="sim"} 3',
      'vllm:e2e_request_latency_seconds_bucket{engine="0",model_name="sim",le="+Inf"} 3',
    ]) {
      assert.ok(text.includes(`${line}\n`), line);
    }
  });

  test("llama-server has its own metric names, others none", async (context) => {
    const llama = await running(context, { shape: "llama-server" });
    assert.match(
      await (await fetch(`${llama.url}/metrics`)).text(),
      /^llamacpp:requests_processing 0$/m,
    );
    const transformers = await running(context, { shape: "transformers" });
    assert.equal((await fetch(`${transformers.url}/metrics`)).status, 404);
  });
});

describe("clients that leave", () => {
  const ONE_SLOT = { slots: "1", service: "fixed:20ms", tokens: "inside", itl: "10ms" };

  test("their slot is free at once", async (context) => {
    const simulator = await running(context, ONE_SLOT);
    const leaver = await connected(context, simulator);
    // 100 s of tokens.
    leaver.send("/v1/chat/completions", chat({ max_tokens: 10_000 }));
    await leaver.head();
    const waiter = await connected(context, simulator);
    waiter.send("/v1/chat/completions", chat({ max_tokens: 1 }));
    await until(() => simulator.log().length === 2);
    leaver.leave();
    assert.ok((await waiter.response()).complete);

    const [left, served] = simulator.log();
    assert.equal(left!.outcome, "disconnected");
    assert.equal(served!.outcome, "ok");
    assert.equal(served!.startedAtNs, left!.endedAtNs);
  });

  test("their place in the line is free", async (context) => {
    const simulator = await running(context, { slots: "1", service: "fixed:60s" });
    const first = await connected(context, simulator);
    first.send("/v1/chat/completions", chat());
    const second = await connected(context, simulator);
    await until(() => simulator.log().length === 1);
    second.send("/v1/chat/completions", chat());
    await until(() => simulator.log().length === 2);
    second.leave();
    await until(() => simulator.log()[1]!.outcome === "disconnected");
    const text = await (await fetch(`${simulator.url}/metrics`)).text();
    assert.match(text, /num_requests_waiting\{.*\} 0\n/);
  });

  for (const flags of [{ shape: "llmd" }, { fault: "hold-slots" }]) {
    test(`${JSON.stringify(flags)}: their slot stays taken to the last token`, async (context) => {
      const simulator = await running(context, { ...ONE_SLOT, ...flags });
      const leaver = await connected(context, simulator);
      leaver.send("/v1/chat/completions", chat({ max_tokens: 10 }));
      await until(() => simulator.log().length === 1);
      leaver.leave();
      await until(() => simulator.log()[0]!.outcome === "disconnected");
      const waiter = await connected(context, simulator);
      assert.ok((await waiter.post("/v1/chat/completions", chat({ max_tokens: 1 }))).complete);

      const [left, served] = simulator.log();
      // 20 ms to the first token and 9 gaps of 10 ms.
      assert.equal(Math.round((served!.startedAtNs! - left!.startedAtNs!) / 1e6), 110);
    });
  }

  test("one that does not read is let go before its backlog fills the memory", async (context) => {
    const simulator = await running(context, {
      service: "fixed:1ms",
      itl: "20us",
      shape: "openai,one-byte",
    });
    const client = await connected(context, simulator);
    client.socket.pause();
    client.send("/v1/chat/completions", chat({ max_tokens: 100_000 }));
    await until(() => simulator.log()[0]?.outcome === "slow-reader");
    await until(() => simulator.log()[0]!.endedAtNs !== undefined);
    const text = await (await fetch(`${simulator.url}/metrics`)).text();
    assert.match(text, /num_requests_running\{.*\} 0\n/);
  });
});

describe("the arrival log", () => {
  test("names requests by header or by the prompt's first words, and joins the file", async (context) => {
    const folder = mkdtempSync(join(tmpdir(), "simulator-"));
    context.after(() => {
      rmSync(folder, { recursive: true });
    });
    const file = join(folder, "log.jsonl");
    const simulator = await running(context, { service: "fixed:1ms", itl: "0", log: file });
    const client = await connected(context, simulator);
    const beforeNs = Number(process.hrtime.bigint());
    await client.post("/v1/chat/completions", chat(), { "x-request-id": "r-1" });
    const long = "one  two three four five six seven eight";
    await client.post("/v1/completions", { model: "sim", prompt: long, max_tokens: 2 });
    const hanging = await connected(context, simulator);
    await fetch(`${simulator.url}/admin/faults`, {
      method: "POST",
      body: JSON.stringify({ silent: { fraction: 1 } }),
    });
    hanging.send("/v1/chat/completions", chat());
    await until(() => simulator.log().length === 3);
    const afterNs = Number(process.hrtime.bigint());
    await simulator.close();

    const [start, ...lines] = readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.equal(start!["kind"], "start");
    assert.ok(Math.abs(Number(start!["wallMs"]) - Date.now()) < 60_000);
    assert.deepEqual(
      lines.map((line) => [line["id"], line["marker"], line["tokens"], line["status"]]),
      [
        [1, "r-1", 4, 200],
        [2, "one two three four five six", 2, 200],
        [3, "able about above", 0, 0],
      ],
    );
    // The third had not ended when the server was told to; its client's leaving may come first.
    assert.ok(["open", "disconnected"].includes(String(lines[2]!["outcome"])));
    for (const line of lines) {
      const arrivedAtNs = Number(line["arrivedAtNs"]);
      // The host's monotonic clock, as this process reads it.
      assert.ok(arrivedAtNs > beforeNs && arrivedAtNs < afterNs);
    }
    const [first] = simulator.log();
    const order = [
      first!.arrivedAtNs,
      first!.startedAtNs,
      first!.firstTokenAtNs,
      first!.firstTokenWrittenAtNs,
      first!.endedAtNs,
    ].map(Number);
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    );
  });

  test("a file that cannot be written is told before the server starts", async () => {
    const options = parseSimulatorOptions({ port: "0", log: "/nowhere/at/all/log.jsonl" });
    await assert.rejects(startSimulator(options), (error) => {
      return error instanceof LoadError && error.code === "LL_SIMULATOR_LOG";
    });
  });
});

test("a port in use is told by its code", async (context) => {
  const simulator = await running(context);
  const options = parseSimulatorOptions({ port: String(simulator.port) });
  await assert.rejects(startSimulator(options), (error) => {
    return error instanceof LoadError && error.code === "LL_SIMULATOR_LISTEN";
  });
});

test("closing lets every connection go", async () => {
  const simulator = await startSimulator(
    parseSimulatorOptions({ port: "0", service: "fixed:60s" }),
  );
  const client = await RawClient.open(simulator.port);
  client.send("/v1/chat/completions", chat());
  await client.head();
  await simulator.close();
  await client.closed();
  client.leave();
});
