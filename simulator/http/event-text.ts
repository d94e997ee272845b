import type { ShapeName } from "./shape-name.ts";

/** Who a stream is; the same in all of its events. */
export interface StreamIdentity {
  readonly id: string;
  readonly object: string;
  /** Unix time, s. */
  readonly created: number;
  readonly model: string;
}

export type EventKind = "role" | "text" | "finish" | "usage";

/** One choice of an event. */
export interface ChoiceText {
  readonly kind: EventKind;
  readonly index: number;
  /** JSON: the delta of a chat stream, the text of a completions stream. */
  readonly body: string;
  /** JSON: null or a string. */
  readonly finish: string;
}

export interface UsageCounts {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** The JSON of a server's events, key by key as that server writes it. */
export interface EventText {
  readonly roleDelta: string;
  chatChoice(choice: ChoiceText): string;
  textChoice(choice: ChoiceText): string;
  /** @param usage JSON; undefined leaves the key out. */
  event(stream: StreamIdentity, part: EventPart): string;
  usage(counts: UsageCounts): string;
  /** One token each, JSON-safe. */
  readonly words: readonly string[];
}

export interface EventPart {
  readonly kind: EventKind;
  readonly choices: string;
  readonly usage: string | undefined;
}

const WORDS = "lorem ipsum dolor sit amet consectetur adipiscing elit sed do eiusmod tempor"
  .split(" ")
  .map((word) => `${word} `);

/** Texts of two to four bytes a character, and one that joins two of them. */
export const UNICODE_WORDS: readonly string[] = ["é", "ß ", "漢字", "🙂 ", "👩‍💻", "ñandú "];

const usageField = (usage: string | undefined): string =>
  usage === undefined ? "" : `,"usage":${usage}`;

const usual = ({ promptTokens, completionTokens }: UsageCounts): string =>
  `{"prompt_tokens":${promptTokens},"completion_tokens":${completionTokens},` +
  `"total_tokens":${promptTokens + completionTokens}}`;

const head = ({ id, object, created, model }: StreamIdentity): string =>
  `"id":"${id}","object":"${object}","created":${created},"model":"${model}"`;

const openai: EventText = {
  roleDelta: '{"role":"assistant","content":""}',
  chatChoice: ({ index, body, finish }) =>
    `{"index":${index},"delta":${body},"logprobs":null,"finish_reason":${finish}}`,
  textChoice: ({ index, body, finish }) =>
    `{"text":${body},"index":${index},"logprobs":null,"finish_reason":${finish}}`,
  event: (stream, { choices, usage }) =>
    `{${head(stream)},"system_fingerprint":null,"choices":[${choices}]${usageField(usage)}}`,
  usage: usual,
  words: WORDS,
};

const vllm: EventText = {
  ...openai,
  chatChoice: ({ kind, index, body, finish }) => {
    const stop = finish === "null" ? "" : ',"stop_reason":null';
    const tokens = kind === "role" ? "" : ',"token_ids":null';
    return `{"index":${index},"delta":${body},"logprobs":null,"finish_reason":${finish}${stop}${tokens}}`;
  },
  textChoice: ({ index, body, finish }) =>
    `{"index":${index},"text":${body},"logprobs":null,"finish_reason":${finish},"stop_reason":null}`,
  event: (stream, { kind, choices, usage }) => {
    const prompt = kind === "role" ? ',"prompt_token_ids":null,"prompt_text":null' : "";
    const fingerprint = kind === "usage" ? ',"system_fingerprint":"vllm-0.32.0-sim"' : "";
    return `{${head(stream)},"choices":[${choices}]${usageField(usage)}${prompt}${fingerprint}}`;
  },
  usage: ({ promptTokens, completionTokens }) =>
    `{"prompt_tokens":${promptTokens},"total_tokens":${promptTokens + completionTokens},` +
    `"completion_tokens":${completionTokens}}`,
};

const llmd: EventText = {
  ...openai,
  roleDelta: '{"role":"assistant"}',
  chatChoice: ({ index, body, finish }) =>
    `{"index":${index},"finish_reason":${finish},"delta":${body}}`,
  textChoice: ({ index, body, finish }) =>
    `{"index":${index},"finish_reason":${finish},"text":${body}}`,
  event: ({ id, object, created, model }, { choices, usage }) =>
    `{"id":"${id}","created":${created},"model":"${model}","object":"${object}"` +
    `${usageField(usage)},"choices":[${choices}]}`,
  usage: (counts) => withCached(usual(counts)),
};

function withCached(usage: string): string {
  return `${usage.slice(0, -1)},"prompt_tokens_details":{"cached_tokens":0}}`;
}

/** Hugging Face and llama.cpp sort the keys of usage like this. */
const completionFirst = ({ promptTokens, completionTokens }: UsageCounts): string =>
  `{"completion_tokens":${completionTokens},"prompt_tokens":${promptTokens},` +
  `"total_tokens":${promptTokens + completionTokens}}`;

const llamaServer: EventText = {
  ...openai,
  roleDelta: '{"role":"assistant","content":null}',
  chatChoice: ({ index, body, finish }) =>
    `{"finish_reason":${finish},"index":${index},"delta":${body}}`,
  textChoice: ({ index, body, finish }) =>
    `{"text":${body},"index":${index},"logprobs":null,"finish_reason":${finish}}`,
  event: ({ id, object, created, model }, { kind, choices, usage }) => {
    const timings =
      kind === "usage" || usage !== undefined ? ',"timings":{"cache_n":0,"prompt_ms":1.5}' : "";
    return (
      `{"choices":[${choices}],"created":${created},"id":"${id}","model":"${model}",` +
      `"system_fingerprint":"b1-sim","object":"${object}"${usageField(usage)}${timings}}`
    );
  },
  usage: (counts) => withCached(completionFirst(counts)),
};

const llamaCppPython: EventText = {
  ...openai,
  roleDelta: '{"role":"assistant"}',
  event: ({ id, object, created, model }, { choices, usage }) =>
    `{"id":"${id}","model":"${model}","created":${created},"object":"${object}",` +
    `"choices":[${choices}]${usageField(usage)}}`,
};

const transformers: EventText = {
  ...openai,
  roleDelta: '{"role":"assistant"}',
  // The finish reason is a key of the finish event only.
  chatChoice: ({ index, body, finish }) =>
    `{"delta":${body},"index":${index}${finish === "null" ? "" : `,"finish_reason":${finish}`}}`,
  textChoice: ({ index, body, finish }) =>
    `{"index":${index},"text":${body}${finish === "null" ? "" : `,"finish_reason":${finish}`}}`,
  event: ({ id, object, created, model }, { choices, usage }) =>
    `{"choices":[${choices}],"id":"${id}","created":${created},"model":"${model}",` +
    `"object":"${object}","system_fingerprint":""${usageField(usage)}}`,
  usage: completionFirst,
};

/** Python's json.dumps puts a space after every colon and comma. */
const guidellm: EventText = {
  ...openai,
  roleDelta: '{"role": "assistant"}',
  chatChoice: ({ index, body, finish }) =>
    `{"index": ${index}, "delta": ${body.replace('":"', '": "')}, "finish_reason": ${finish}}`,
  textChoice: ({ index, body, finish }) =>
    `{"index": ${index}, "text": ${body}, "finish_reason": ${finish}}`,
  event: ({ id, object, created, model }, { choices, usage }) => {
    const counts = usage === undefined ? "" : `, "usage": ${usage}`;
    return (
      `{"id": "${id}", "object": "${object}", "created": ${created}, "model": "${model}", ` +
      `"choices": [${choices}]${counts}}`
    );
  },
  usage: ({ promptTokens, completionTokens }) =>
    `{"prompt_tokens": ${promptTokens}, "total_tokens": ${promptTokens + completionTokens}, ` +
    `"completion_tokens": ${completionTokens}}`,
  // Its tokens are words and the spaces between them.
  words: WORDS.flatMap((word) => [word.trim(), " "]),
};

export const EVENT_TEXTS: Readonly<Record<ShapeName, EventText>> = {
  openai,
  vllm,
  llmd,
  "llama-server": llamaServer,
  "llama-cpp-python": llamaCppPython,
  transformers,
  guidellm,
};
