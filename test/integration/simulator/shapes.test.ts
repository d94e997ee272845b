import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TestContext } from "node:test";
import { eventsOf } from "./raw-client.ts";
import type { RawResponse } from "./raw-client.ts";
import { chat, connected, running, until } from "./running.ts";

/** Serves in no time: what matters here is what comes, not when. */
const INSTANT = { service: "fixed:1ms", itl: "1ms", slots: "64" };

async function ask(
  context: TestContext,
  shape: string,
  options: { path?: string; body?: Record<string, unknown> } = {},
): Promise<RawResponse> {
  const simulator = await running(context, { ...INSTANT, shape });
  const client = await connected(context, simulator);
  const { path = "/v1/chat/completions", body = chat() } = options;
  return client.post(path, body);
}

const COMPLETIONS = {
  path: "/v1/completions",
  body: {
    model: "sim",
    prompt: "able about above",
    max_tokens: 3,
    stream: true,
    stream_options: { include_usage: true },
  },
};

/** Hides what differs from run to run. */
function masked(chunk: string): string {
  return chunk.replace(/"(chatcmpl|cmpl)-[0-9a-f]+"/g, '"ID"').replace(/("created": ?)\d+/g, "$10");
}

/** The chunks of a response, "data: " and the identity of the stream left out. */
function brief(response: RawResponse): string[] {
  return response.chunks.map((chunk) =>
    masked(chunk)
      .replace(/"id": ?"ID",? ?|,?"id":"ID"/g, "")
      .replace(/,?"created": ?0|,? ?"model": ?"sim"|"object": ?"[a-z.]+_?[a-z.]*",? ?/g, "")
      .replace(/^data: /gm, "")
      .replace(/\{,/g, "{")
      .replace(/,\}\n/g, "}\n"),
  );
}

describe("each server's chat stream, chunk by chunk", () => {
  test("openai", async (context) => {
    const response = await ask(context, "openai");
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), "text/event-stream; charset=utf-8");
    assert.ok(response.complete);
    assert.deepEqual(response.chunks.map(masked), [
      'data: {"id":"ID","object":"chat.completion.chunk","created":0,"model":"sim","system_fingerprint":null,"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"usage":null}\n\n',
      ...["lorem ", "ipsum ", "dolor ", "sit "].map(
        (word) =>
          `data: {"id":"ID","object":"chat.completion.chunk","created":0,"model":"sim","system_fingerprint":null,"choices":[{"index":0,"delta":{"content":"${word}"},"logprobs":null,"finish_reason":null}],"usage":null}\n\n`,
      ),
      'data: {"id":"ID","object":"chat.completion.chunk","created":0,"model":"sim","system_fingerprint":null,"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"length"}],"usage":null}\n\n',
      'data: {"id":"ID","object":"chat.completion.chunk","created":0,"model":"sim","system_fingerprint":null,"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}\n\n',
      "data: [DONE]\n\n",
    ]);
  });

  test("vllm: the finish reason is on the event with the last text", async (context) => {
    const response = await ask(context, "vllm", { body: chat({ max_tokens: 2 }) });
    assert.deepEqual(response.chunks.map(masked), [
      'data: {"id":"ID","object":"chat.completion.chunk","created":0,"model":"sim","choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}\n\n',
      'data: {"id":"ID","object":"chat.completion.chunk","created":0,"model":"sim","choices":[{"index":0,"delta":{"content":"lorem "},"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n',
      'data: {"id":"ID","object":"chat.completion.chunk","created":0,"model":"sim","choices":[{"index":0,"delta":{"content":"ipsum "},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":null}]}\n\n',
      'data: {"id":"ID","object":"chat.completion.chunk","created":0,"model":"sim","choices":[],"usage":{"prompt_tokens":3,"total_tokens":5,"completion_tokens":2},"system_fingerprint":"vllm-0.32.0-sim"}\n\n',
      "data: [DONE]\n\n",
    ]);
  });

  test("vllm: some texts are empty", async (context) => {
    const response = await ask(context, "vllm", { body: chat({ max_tokens: 26 }) });
    const empty = response.chunks.filter((chunk) => chunk.includes('"delta":{"content":""}'));
    assert.equal(empty.length, 2);
    assert.ok(empty[1]!.includes('"finish_reason":"length"'));
  });

  test("llmd: a role without content, usage null though nobody asked", async (context) => {
    const response = await ask(context, "llmd", {
      body: chat({ max_tokens: 1, stream_options: undefined }),
    });
    assert.deepEqual(brief(response), [
      '{"usage":null,"choices":[{"index":0,"finish_reason":null,"delta":{"role":"assistant"}}]}\n\n',
      '{"usage":null,"choices":[{"index":0,"finish_reason":null,"delta":{"content":"lorem "}}]}\n\n',
      '{"usage":null,"choices":[{"index":0,"finish_reason":"length","delta":{}}]}\n\n',
      "[DONE]\n\n",
    ]);
  });

  test("llmd: usage with the cached tokens", async (context) => {
    const response = await ask(context, "llmd", { body: chat({ max_tokens: 2 }) });
    assert.equal(
      brief(response).at(-2),
      '{"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,"prompt_tokens_details":{"cached_tokens":0}},"choices":[]}\n\n',
    );
  });

  test("llama-server: role with the first text, usage with [DONE]: 10 chunks, 12 events", async (context) => {
    const response = await ask(context, "llama-server", { body: chat({ max_tokens: 8 }) });
    assert.equal(response.chunks.length, 10);
    assert.equal(eventsOf(response.chunks).length, 12);
    const chunks = brief(response);
    assert.equal(
      chunks[0],
      '{"choices":[{"finish_reason":null,"index":0,"delta":{"role":"assistant","content":null}}],"system_fingerprint":"b1-sim"}\n\n' +
        '{"choices":[{"finish_reason":null,"index":0,"delta":{"content":"lorem "}}],"system_fingerprint":"b1-sim"}\n\n',
    );
    assert.equal(
      chunks.at(-2),
      '{"choices":[{"finish_reason":"length","index":0,"delta":{}}],"system_fingerprint":"b1-sim"}\n\n',
    );
    assert.match(
      chunks.at(-1)!,
      /"usage":\{"completion_tokens":8,"prompt_tokens":3,"total_tokens":11,"prompt_tokens_details":\{"cached_tokens":0\}\},"timings":\{.*\}\}\n\n\[DONE\]\n\n$/,
    );
  });

  test("llama-cpp-python: no usage, though asked", async (context) => {
    const response = await ask(context, "llama-cpp-python", { body: chat({ max_tokens: 1 }) });
    assert.deepEqual(brief(response), [
      '{"choices":[{"index":0,"delta":{"role":"assistant"},"logprobs":null,"finish_reason":null}]}\n\n',
      '{"choices":[{"index":0,"delta":{"content":"lorem "},"logprobs":null,"finish_reason":null}]}\n\n',
      '{"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"length"}]}\n\n',
      "[DONE]\n\n",
    ]);
  });

  test("transformers: usage in the finish event though not asked, and no [DONE]", async (context) => {
    const response = await ask(context, "transformers", {
      body: chat({ max_tokens: 1, stream_options: undefined }),
    });
    assert.ok(response.complete);
    assert.deepEqual(
      response.chunks.map((chunk) =>
        /^data: \{"choices":(\[.*?\}\]).*?("usage".*)?\}\n\n$/.exec(chunk)?.slice(1, 3),
      ),
      [
        ['[{"delta":{"role":"assistant"},"index":0}]', undefined],
        ['[{"delta":{"content":"lorem "},"index":0}]', undefined],
        [
          '[{"delta":{},"index":0,"finish_reason":"length"}]',
          '"usage":{"completion_tokens":1,"prompt_tokens":3,"total_tokens":4}',
        ],
      ],
    );
  });

  test("guidellm: no role, a lone space is a token, spaced JSON", async (context) => {
    const response = await ask(context, "guidellm", { body: chat({ max_tokens: 2 }) });
    assert.deepEqual(response.chunks.map(masked), [
      'data: {"id": "ID", "object": "chat.completion.chunk", "created": 0, "model": "sim", "choices": [{"index": 0, "delta": {"content": "lorem"}, "finish_reason": null}]}\n\n',
      'data: {"id": "ID", "object": "chat.completion.chunk", "created": 0, "model": "sim", "choices": [{"index": 0, "delta": {"content": " "}, "finish_reason": null}]}\n\n',
      'data: {"id": "ID", "object": "chat.completion.chunk", "created": 0, "model": "sim", "choices": [{"index": 0, "delta": {}, "finish_reason": "length"}]}\n\n',
      'data: {"id": "ID", "object": "chat.completion.chunk", "created": 0, "model": "sim", "choices": [], "usage": {"prompt_tokens": 3, "total_tokens": 5, "completion_tokens": 2}}\n\n',
      "data: [DONE]\n\n",
    ]);
  });
});

describe("text completions", () => {
  const short = (event: string): string => {
    if (event === "[DONE]") return event;
    const { choices, usage } = JSON.parse(event) as {
      choices: { text: string; index: number; finish_reason?: string | null }[];
      usage?: { completion_tokens: number } | null;
    };
    const texts = choices.map(
      ({ text, index, finish_reason: finish }) =>
        `${index}:${text.trim()}${finish ? `!${finish}` : ""}`,
    );
    return `${texts.join()}${usage ? `#${usage.completion_tokens}` : ""}`;
  };
  const expected: Record<string, string[]> = {
    openai: ["0:lorem", "0:ipsum", "0:dolor", "0:!length", "#3", "[DONE]"],
    vllm: ["0:lorem", "0:ipsum", "0:dolor!length", "#3", "[DONE]"],
    llmd: ["0:lorem", "0:ipsum", "0:dolor", "0:!length", "#3", "[DONE]"],
    "llama-server": ["0:lorem", "0:ipsum", "0:dolor", "0:!length#3", "[DONE]"],
    "llama-cpp-python": ["0:lorem", "0:ipsum", "0:dolor", "0:!length", "[DONE]"],
    transformers: ["0:lorem", "0:ipsum", "0:dolor", "0:!length#3"],
    guidellm: ["0:lorem", "1:", "2:ipsum!length", "#3", "[DONE]"],
  };
  for (const [shape, events] of Object.entries(expected)) {
    test(shape, async (context) => {
      const response = await ask(context, shape, COMPLETIONS);
      assert.deepEqual(eventsOf(response.chunks).map(short), events);
    });
  }
});

describe("several choices", () => {
  const shortChoice = (event: string): string => {
    if (event === "[DONE]") return event;
    const { choices, usage } = JSON.parse(event) as {
      choices: {
        index: number;
        delta: { role?: string; content?: string | null };
        finish_reason: string | null;
      }[];
      usage?: { completion_tokens: number } | null;
    };
    const [choice] = choices;
    if (choice === undefined) return `#${usage?.completion_tokens ?? 0}`;
    if (choice.finish_reason !== null && !choice.delta.content) return `${choice.index}!`;
    if (choice.delta.role) return `${choice.index}@`;
    return `${choice.index}${choice.finish_reason === null ? "" : "!"}`;
  };

  test("vllm interleaves them and sums the usage", async (context) => {
    const response = await ask(context, "vllm", { body: chat({ n: 2, max_tokens: 3 }) });
    assert.deepEqual(eventsOf(response.chunks).map(shortChoice), [
      ...["0@", "1@", "0", "1", "1", "0", "0!", "1!", "#6", "[DONE]"],
    ]);
  });

  test("llama-server tells the usage of each choice, the first in mid-stream", async (context) => {
    const response = await ask(context, "llama-server", { body: chat({ n: 2, max_tokens: 3 }) });
    assert.deepEqual(eventsOf(response.chunks).map(shortChoice), [
      ...["0@", "1@", "0", "1", "1", "0", "0", "0!", "#3", "1", "1!", "#3", "[DONE]"],
    ]);
  });

  test("the others answer one", async (context) => {
    const response = await ask(context, "guidellm", { body: chat({ n: 2, max_tokens: 2 }) });
    assert.deepEqual(eventsOf(response.chunks).map(shortChoice), ["0", "0", "0!", "#2", "[DONE]"]);
  });
});

describe("changes to a shape", () => {
  test("usage=every: every event counts what came so far", async (context) => {
    const response = await ask(context, "openai,usage=every", {
      body: chat({ max_tokens: 2, stream_options: undefined }),
    });
    const counts = eventsOf(response.chunks)
      .slice(0, -1)
      .map((event) => (JSON.parse(event) as { usage: { completion_tokens: number } }).usage);
    assert.deepEqual(
      counts.map((usage) => usage.completion_tokens),
      [0, 1, 2, 2],
    );
  });

  test("continuous_usage_stats does the same on request", async (context) => {
    const response = await ask(context, "vllm", {
      body: chat({
        max_tokens: 2,
        stream_options: { include_usage: true, continuous_usage_stats: true },
      }),
    });
    const counts = eventsOf(response.chunks)
      .slice(0, -1)
      .map((event) => (JSON.parse(event) as { usage: { completion_tokens: number } }).usage);
    assert.deepEqual(
      counts.map((usage) => usage.completion_tokens),
      [0, 1, 2, 2],
    );
  });

  test("crlf, one-byte, text=unicode: the same events, however cut", async (context) => {
    const response = await ask(context, "openai,crlf,one-byte,text=unicode,empty=3");
    assert.ok(response.chunks.every((chunk) => chunk.length === 1));
    const body = Buffer.from(response.chunks.join(""), "latin1").toString("utf8");
    assert.ok(body.includes("\r\n\r\n") && !/[^\r]\n/.test(body));
    const texts = eventsOf([body])
      .filter((event) => event !== "[DONE]")
      .flatMap(
        (event) => (JSON.parse(event) as { choices: { delta: { content?: string } }[] }).choices,
      )
      .map((choice) => choice.delta.content);
    assert.deepEqual(texts, ["", "é", "ß ", "", "🙂 ", undefined]);
  });

  test("text=unicode: chunk sizes count bytes", async (context) => {
    const response = await ask(context, "openai,text=unicode");
    assert.ok(response.complete);
    const texts = response.chunks.map((chunk) => Buffer.from(chunk, "latin1").toString("utf8"));
    assert.ok(texts[3]!.includes('"漢字"'), texts[3]);
  });

  test("html: a page with status 200", async (context) => {
    const response = await ask(context, "openai,html");
    assert.equal(response.status, 200);
    assert.match(response.headers.get("content-type")!, /^text\/html/);
    assert.match(response.chunks.join(""), /^<!doctype html>/);
  });
});

describe("when headers and the role come", () => {
  // The service takes so long that only what comes before the first token can come within the test.
  const slow = { service: "fixed:60s" };

  test("openai: headers at once, the role not", async (context) => {
    const simulator = await running(context, { ...slow, shape: "openai" });
    const client = await connected(context, simulator);
    client.send("/v1/chat/completions", chat());
    assert.equal((await client.head()).status, 200);
    await fetch(`${simulator.url}/health`);
    assert.equal(client.socket.bytesRead < 400, true);
  });

  test("transformers: the role before the prompt is worked on", async (context) => {
    const simulator = await running(context, { ...slow, shape: "transformers" });
    const client = await connected(context, simulator);
    client.send("/v1/chat/completions", chat());
    await client.head();
    assert.match(String(await client.chunk()), /"delta":\{"role":"assistant"\}/);
  });

  for (const shape of ["llmd", "llama-server", "openai,headers=first-token"]) {
    test(`${shape}: nothing before the first token`, async (context) => {
      const simulator = await running(context, { ...slow, shape });
      const client = await connected(context, simulator);
      client.send("/v1/chat/completions", chat());
      await until(() => simulator.log().length === 1);
      // Whatever was written in answer has left before this one is answered.
      await fetch(`${simulator.url}/health`);
      assert.equal(client.socket.bytesRead, 0);
    });
  }
});

describe("connections after a stream", () => {
  test("llama-server closes, though it says keep-alive", async (context) => {
    const simulator = await running(context, { ...INSTANT, shape: "llama-server" });
    const client = await connected(context, simulator);
    const response = await client.post("/v1/chat/completions", chat());
    assert.ok(response.complete);
    assert.equal(response.headers.get("keep-alive"), "timeout=5, max=100");
    assert.equal(response.headers.get("connection"), undefined);
    await client.closed();
    assert.equal(simulator.log()[0]!.outcome, "ok");
  });

  test("llama-server keeps it after a whole reply", async (context) => {
    const simulator = await running(context, { ...INSTANT, shape: "llama-server" });
    const client = await connected(context, simulator);
    const body = chat({ stream: false });
    assert.equal((await client.post("/v1/chat/completions", body)).status, 200);
    assert.equal((await client.post("/v1/chat/completions", body)).status, 200);
  });

  for (const shape of ["openai", "vllm", "llmd", "llama-cpp-python", "transformers", "guidellm"]) {
    test(`${shape} keeps it`, async (context) => {
      const simulator = await running(context, { ...INSTANT, shape });
      const client = await connected(context, simulator);
      for (let round = 0; round < 3; round++) {
        assert.ok((await client.post("/v1/chat/completions", chat())).complete);
      }
      assert.equal(simulator.log().length, 3);
    });
  }
});
