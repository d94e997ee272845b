import type { ShapeName } from "./shape-name.ts";

/** What a server does with requests that are not quite right, as seen of the servers themselves. */
export interface Manners {
  readonly errorForm: "openai" | "vllm" | "llama-server" | "guidellm" | "transformers";
  /** A status, or "serve": answers as if nothing was wrong. */
  readonly brokenJson: number;
  readonly noMessages: number | "serve";
  readonly unknownModel: number | "serve";
  /** "stream-error": a 200 whose stream holds the error. */
  readonly badMaxTokens: number | "serve" | "stream-error";
  readonly badTemperature: number | "serve";
  /** "cut-off": the output ends where the context does. */
  readonly overContext: number | "cut-off";
  /** Whether `ignore_eos` and `min_tokens` are known fields. */
  readonly forcedLength: "obeyed" | "refused";
  readonly obeysMaxCompletionTokens: boolean;
  /** Output tokens of a request that names no maximum. */
  readonly outputTokensDefault: number;
  /** Slots stay taken after the client left. */
  readonly holdsSlots: boolean;
  /** Names of its `/metrics`; "none" answers 404. */
  readonly metrics: "vllm" | "llamacpp" | "none";
}

const VLLM: Manners = {
  errorForm: "vllm",
  brokenJson: 400,
  noMessages: 400,
  unknownModel: 404,
  badMaxTokens: 400,
  badTemperature: 400,
  overContext: 400,
  forcedLength: "obeyed",
  obeysMaxCompletionTokens: true,
  outputTokensDefault: 256,
  holdsSlots: false,
  metrics: "vllm",
};

export const MANNERS: Readonly<Record<ShapeName, Manners>> = {
  // The simulator's own shape: OpenAI's errors, but with the fields and metrics that a self-hosted server has.
  openai: { ...VLLM, errorForm: "openai" },
  vllm: VLLM,
  llmd: { ...VLLM, noMessages: "serve", badTemperature: "serve", holdsSlots: true },
  "llama-server": {
    ...VLLM,
    errorForm: "llama-server",
    brokenJson: 500,
    unknownModel: "serve",
    badMaxTokens: "serve",
    overContext: "cut-off",
    metrics: "llamacpp",
  },
  "llama-cpp-python": {
    ...VLLM,
    errorForm: "openai",
    unknownModel: "serve",
    badMaxTokens: "serve",
    overContext: "cut-off",
    obeysMaxCompletionTokens: false,
    outputTokensDefault: 1024,
    metrics: "none",
  },
  transformers: {
    ...VLLM,
    errorForm: "transformers",
    brokenJson: 422,
    noMessages: 500,
    unknownModel: 400,
    badMaxTokens: "stream-error",
    forcedLength: "refused",
    obeysMaxCompletionTokens: false,
    outputTokensDefault: 1024,
    metrics: "none",
  },
  guidellm: {
    ...VLLM,
    errorForm: "guidellm",
    brokenJson: 500,
    unknownModel: "serve",
    badMaxTokens: "serve",
    overContext: "cut-off",
    metrics: "none",
  },
};

/** Why a request is refused. */
export interface RequestProblem {
  readonly status: number;
  readonly type: string;
  readonly message: string;
}

/** The body of an error response, JSON, in the server's own form. */
export function errorBody(form: Manners["errorForm"], problem: RequestProblem): string {
  const { status, type, message } = problem;
  switch (form) {
    case "openai":
      return JSON.stringify({ error: { message, type, param: null, code: null } });
    case "vllm":
      return JSON.stringify({ error: { message, type, param: null, code: status } });
    case "llama-server":
      return JSON.stringify({ error: { code: status, message, type } });
    case "guidellm":
      return JSON.stringify({ error: { message, type, code: String(status) } });
    case "transformers":
      return JSON.stringify({ detail: message });
  }
}

/** The data of an error event inside a stream, JSON. */
export function streamErrorText(form: Manners["errorForm"], problem: RequestProblem): string {
  if (form === "transformers") return JSON.stringify({ error: problem.message });
  return errorBody(form, problem);
}
