import type { Outcome } from "../../../shared/measurement/outcome.ts";

/** A stream as a real server was seen to send it, shortened, and what is true of it. */
export interface Transcript {
  readonly name: string;
  readonly endpoint: "chat" | "completions";
  /** The `n` of the request. */
  readonly choices: number;
  /** The text of each HTTP chunk. */
  readonly chunks: readonly string[];
  readonly contentEvents: number;
  /** The chunk, from 1, that brings the first content; 0 when there is none. */
  readonly firstContentChunk: number;
  readonly hasAnswer: boolean;
  /** -1: the server never says. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly outcome: Outcome;
  readonly detail: RegExp;
}

const DONE = "data: [DONE]\n\n";

/** An event as JavaScript and most servers write JSON; Python's `json.dumps` puts spaces. */
const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const spaced = (text: string): string => `data: ${text}\n\n`;

function transcript(given: Pick<Transcript, "name" | "chunks"> & Partial<Transcript>): Transcript {
  return {
    endpoint: "chat",
    choices: 1,
    contentEvents: 2,
    firstContentChunk: 2,
    hasAnswer: true,
    inputTokens: 13,
    outputTokens: 8,
    outcome: "ok",
    detail: /^$/,
    ...given,
  };
}

const usage = { prompt_tokens: 13, total_tokens: 21, completion_tokens: 8 };

const openAi = (choices: unknown[], more: object = { usage: null }): string =>
  event({
    id: "chatcmpl-9x",
    object: "chat.completion.chunk",
    created: 1_763_900_000,
    model: "gpt",
    service_tier: "default",
    system_fingerprint: "fp_1",
    choices,
    ...more,
  });

const vllm = (choices: unknown[], more: object = {}): string =>
  event({
    id: "chatcmpl-a277",
    object: "chat.completion.chunk",
    created: 1_763_900_000,
    model: "tiny",
    choices,
    ...more,
  });
const vllmRole = (index = 0): string =>
  vllm(
    [{ index, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null }],
    { prompt_token_ids: null, prompt_text: null },
  );
const vllmText = (content: string, index = 0, more: object = {}): string =>
  vllm([{ index, delta: { content }, logprobs: null, finish_reason: null, token_ids: null }], more);
const vllmFinish = (content: string, index = 0, more: object = {}): string =>
  vllm(
    [
      {
        index,
        delta: { content },
        logprobs: null,
        finish_reason: "length",
        stop_reason: null,
        token_ids: null,
      },
    ],
    more,
  );
const vllmUsage = (counts: object): string =>
  vllm([], { usage: counts, system_fingerprint: "vllm-0.32.0-1" });

const llmd = (choices: unknown[], counts: unknown = null): string =>
  event({ id: "chatcmpl-1", created: 1, model: "m", usage: counts, object: "chat", choices });

const llama = (delta: object, finish: string | null = null, index = 0): string =>
  event({
    choices: [{ finish_reason: finish, index, delta }],
    created: 1,
    id: "chatcmpl-2",
    model: "tiny.gguf",
    system_fingerprint: "b1-x",
    object: "chat.completion.chunk",
  });
const llamaUsage = (counts: object): string =>
  event({
    choices: [],
    created: 1,
    id: "chatcmpl-2",
    usage: { ...counts, prompt_tokens_details: { cached_tokens: 0 } },
    timings: { cache_n: 0, prompt_n: 13, prompt_ms: 4.1, predicted_n: 8, predicted_ms: 3.2 },
  });

const transformers = (choices: unknown[], more: object = {}): string =>
  event({ id: "req_0", choices, created: 1, model: "tiny@main", object: "chunk", ...more });

const guidellm = (choice: string): string =>
  spaced(
    `{"id": "chatcmpl-3", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [${choice}]}`,
  );
const guidellmText = (content: string): string =>
  guidellm(`{"index": 0, "delta": {"content": "${content}"}, "finish_reason": null}`);

/** Every row of the table of stream shapes, and the further requests below it. */
export const TRANSCRIPTS: readonly Transcript[] = [
  transcript({
    name: "OpenAI chat: role with empty content, usage null before its own event",
    chunks: [
      openAi([{ index: 0, delta: { role: "assistant", content: "", refusal: null } }]),
      openAi([{ index: 0, delta: { content: "Hel" }, logprobs: null, finish_reason: null }]),
      openAi([{ index: 0, delta: { content: "lo" }, logprobs: null, finish_reason: null }]),
      openAi([{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }]),
      openAi([], { usage: { ...usage, completion_tokens_details: { reasoning_tokens: 0 } } }),
      DONE,
    ],
  }),
  transcript({
    name: "vLLM chat: an empty text in the middle, the finish with the last token's text",
    chunks: [
      vllmRole() + vllmText("pe"),
      vllmText(""),
      vllmText("ra"),
      vllmFinish("n"),
      vllmUsage(usage),
      DONE,
    ],
    contentEvents: 3,
    firstContentChunk: 1,
  }),
  transcript({
    name: "vLLM chat: the finish with an empty text",
    chunks: [vllmRole(), vllmText("pe"), vllmText("é"), vllmFinish(""), vllmUsage(usage), DONE],
  }),
  transcript({
    name: "vLLM chat with continuous_usage_stats: usage on every event, growing",
    chunks: [
      vllmRole(),
      vllmText("a", 0, { usage: { prompt_tokens: 13, total_tokens: 14, completion_tokens: 1 } }),
      vllmFinish("b", 0, { usage }),
      vllmUsage(usage),
      DONE,
    ],
  }),
  transcript({
    name: "vLLM chat, n = 2: interleaved, one usage that sums both",
    choices: 2,
    chunks: [
      vllmRole(0) + vllmRole(1),
      vllmText("a", 1),
      vllmText("b", 0),
      vllmFinish("c", 1) + vllmFinish("d", 0),
      vllmUsage({ prompt_tokens: 13, total_tokens: 29, completion_tokens: 16 }),
      DONE,
    ],
    contentEvents: 4,
    outputTokens: 16,
  }),
  transcript({
    name: "vLLM chat, n = 2 with continuous_usage_stats: usage of one choice on its events",
    choices: 2,
    chunks: [
      vllmText("a", 1, { usage: { prompt_tokens: 13, total_tokens: 14, completion_tokens: 1 } }),
      vllmText("b", 0, { usage: { prompt_tokens: 13, total_tokens: 14, completion_tokens: 1 } }),
      vllmFinish("c", 1, { usage }) + vllmFinish("d", 0, { usage }),
      DONE,
    ],
    contentEvents: 4,
    firstContentChunk: 1,
    outputTokens: 16,
  }),
  transcript({
    name: "llm-d sim chat: role without content, usage null on every event",
    chunks: [
      llmd([{ index: 0, finish_reason: null, delta: { role: "assistant" } }]),
      llmd([{ index: 0, finish_reason: null, delta: { content: "Today " } }]),
      llmd([{ index: 0, finish_reason: null, delta: { content: "is " } }]),
      llmd([{ index: 0, finish_reason: "stop", delta: {} }]),
      llmd([], { ...usage, prompt_tokens_details: { cached_tokens: 0 } }),
      DONE,
    ],
  }),
  transcript({
    name: "llama-server chat: role with null content in the first text's chunk, usage with [DONE]",
    chunks: [
      llama({ role: "assistant", content: null }) + llama({ content: "lines" }),
      llama({ content: " of" }),
      llama({}, "length"),
      llamaUsage(usage) + DONE,
    ],
    firstContentChunk: 1,
  }),
  transcript({
    name: "llama-server chat, n = 2: a usage event for each choice, the first in mid-stream",
    choices: 2,
    chunks: [
      llama({ role: "assistant", content: null }, null, 1) + llama({ content: "a" }, null, 1),
      llama({ role: "assistant", content: null }, null, 0) + llama({ content: "b" }, null, 0),
      llama({}, "length", 1) + llamaUsage(usage),
      llama({ content: "c" }, null, 0),
      llama({}, "length", 0) + llamaUsage(usage) + DONE,
    ],
    contentEvents: 3,
    firstContentChunk: 1,
    outputTokens: 16,
  }),
  transcript({
    name: "llama_cpp.server chat: no usage at all",
    chunks: [
      llama({ role: "assistant" }),
      llama({ content: "a" }),
      llama({ content: "b" }),
      llama({}, "length"),
      DONE,
    ],
    inputTokens: -1,
    outputTokens: -1,
  }),
  transcript({
    name: "transformers serve chat: usage in the finish event, no [DONE]",
    chunks: [
      transformers([{ delta: { role: "assistant" }, index: 0 }]),
      transformers([{ delta: { content: "a" }, index: 0 }]),
      transformers([{ delta: { content: "b" }, index: 0 }]),
      transformers([{ delta: {}, index: 0, finish_reason: "length" }], { usage }),
    ],
  }),
  transcript({
    name: "guidellm mock chat: content first and no role, a lone space is a token, spaced JSON",
    chunks: [
      guidellmText("Score"),
      guidellmText(" "),
      guidellm('{"index": 0, "delta": {}, "finish_reason": "stop"}'),
      spaced(
        '{"id": "chatcmpl-3", "choices": [], "usage": {"prompt_tokens": 13, "total_tokens": 21, "completion_tokens": 8}}',
      ),
      DONE,
    ],
    firstContentChunk: 1,
  }),
  transcript({
    name: "vLLM completions: the finish on the event with the last text",
    endpoint: "completions",
    chunks: [
      vllm([{ index: 0, text: "", logprobs: null, finish_reason: null, stop_reason: null }]),
      vllm([{ index: 0, text: "x", logprobs: null, finish_reason: null, stop_reason: null }]),
      vllm([{ index: 0, text: "y", logprobs: null, finish_reason: "length", stop_reason: null }]),
      vllmUsage(usage),
      DONE,
    ],
  }),
  transcript({
    name: "llama-server completions: usage in the finish event",
    endpoint: "completions",
    chunks: [
      event({ choices: [{ text: "x", index: 0, logprobs: null, finish_reason: null }] }),
      event({ choices: [{ text: "y", index: 0, logprobs: null, finish_reason: null }] }),
      event({ choices: [{ text: "", index: 0, logprobs: null, finish_reason: "length" }], usage }),
      DONE,
    ],
    firstContentChunk: 1,
  }),
  transcript({
    name: "transformers serve completions: usage in the finish event, no [DONE]",
    endpoint: "completions",
    chunks: [
      transformers([{ text: "x", index: 0 }]),
      transformers([{ text: "y", index: 0 }]),
      transformers([{ text: "", index: 0, finish_reason: "length" }], { usage }),
    ],
    firstContentChunk: 1,
  }),
  transcript({
    name: "guidellm mock completions: event k has the choice index k, one finish",
    endpoint: "completions",
    chunks: [
      guidellm('{"index": 0, "text": "x", "finish_reason": null}'),
      guidellm('{"index": 1, "text": "y", "finish_reason": null}'),
      guidellm('{"index": 2, "text": "", "finish_reason": "stop"}'),
      spaced(
        '{"choices": [], "usage": {"prompt_tokens": 13, "total_tokens": 21, "completion_tokens": 8}}',
      ),
      DONE,
    ],
    firstContentChunk: 1,
  }),
  transcript({
    name: "reasoning before the answer, in either spelling",
    chunks: [
      vllmRole(),
      vllm([{ index: 0, delta: { reasoning_content: "hm" }, finish_reason: null }]),
      vllm([{ index: 0, delta: { reasoning: "so", content: null }, finish_reason: null }]),
      vllmText("yes"),
      vllmFinish(""),
      vllmUsage(usage),
      DONE,
    ],
    contentEvents: 3,
  }),
  transcript({
    name: "a tool call and no answer text",
    chunks: [
      vllmRole(),
      vllm([
        {
          index: 0,
          delta: {
            tool_calls: [{ index: 0, id: "c1", function: { name: "look", arguments: "" } }],
          },
          finish_reason: null,
        },
      ]),
      vllm([
        {
          index: 0,
          delta: { tool_calls: [{ index: 0, function: { arguments: '{"a":' } }] },
          finish_reason: null,
        },
      ]),
      vllm([{ index: 0, delta: { tool_calls: [] }, finish_reason: "tool_calls" }]),
      vllmUsage(usage),
      DONE,
    ],
    hasAnswer: false,
  }),
  transcript({
    name: "llama-server's ping between results",
    chunks: [":\n\n", llama({ content: "a" }) + ":\n\n", llama({ content: "b" }, "stop") + DONE],
    inputTokens: -1,
    outputTokens: -1,
  }),
  transcript({
    name: "vLLM when its engine dies: an error inside the 200, then [DONE]",
    chunks: [
      vllmRole(),
      vllmText("a"),
      event({
        error: {
          message: "EngineCore encountered an issue. See stack trace for the root cause.",
          type: "InternalServerError",
          param: null,
          code: 500,
        },
      }) + DONE,
    ],
    contentEvents: 1,
    inputTokens: -1,
    outputTokens: -1,
    outcome: "stream_error",
    detail: /EngineCore encountered an issue/,
  }),
  transcript({
    name: "transformers serve: an error that is a string, after the role, and no [DONE]",
    chunks: [
      transformers([{ delta: { role: "assistant" }, index: 0 }]),
      spaced('{"error": "`max_new_tokens` must be greater than 0, but is 0."}'),
    ],
    contentEvents: 0,
    firstContentChunk: 0,
    hasAnswer: false,
    inputTokens: -1,
    outputTokens: -1,
    outcome: "stream_error",
    detail: /max_new_tokens.* must be greater than 0/,
  }),
  transcript({
    name: "a stream that ends with neither finish_reason nor [DONE]",
    chunks: [vllmRole(), vllmText("a"), vllmText("b")],
    inputTokens: -1,
    outputTokens: -1,
    outcome: "stream_error",
    detail: /neither finish_reason nor \[DONE\]/,
  }),
  transcript({
    name: "an event that is no JSON",
    chunks: [vllmText("a"), "data: Internal Server Error\n\n"],
    contentEvents: 1,
    firstContentChunk: 1,
    inputTokens: -1,
    outputTokens: -1,
    outcome: "stream_error",
    detail: /no JSON object: Internal Server Error/,
  }),
];
