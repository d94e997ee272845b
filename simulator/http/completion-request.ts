import type { Manners, RequestProblem } from "./manners.ts";

export type CompletionEndpoint = "chat" | "completions";

/** What a client asks for, read and checked. */
export interface CompletionRequest {
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** `stream_options.continuous_usage_stats`. */
  readonly continuousUsage: boolean;
  readonly choices: number;
  /** Words of all messages: one token each. At least 1. */
  readonly promptTokens: number;
  /** At least 1. */
  readonly outputTokensMax: number;
  readonly outputTokensMin: number;
  readonly ignoreEos: boolean;
  /** The prompt's first words; see PROMPT_MARKER_WORDS. */
  readonly promptMarker: string;
  /** The stream is to end with this error, before any text. */
  readonly streamError: string | undefined;
}

export interface RequestContext {
  readonly endpoint: CompletionEndpoint;
  readonly manners: Manners;
  readonly model: string;
  readonly contextTokensMax: number;
}

/**
 * How much of the prompt names a request in the arrival log, where no `x-request-id` does: the first six words
 * of the last user message, joined by spaces. Loadline's own prompts begin with a nonce of six words.
 */
const PROMPT_MARKER_WORDS = 6;
const CHOICES_MAX = 128;

class Refused extends Error {
  readonly problem: RequestProblem;
  constructor(problem: RequestProblem) {
    super(problem.message);
    this.problem = problem;
  }
}

/** Reads a request's body; what is wrong with it is treated with the manners of the server played. */
export function readCompletion(
  body: string,
  context: RequestContext,
): { readonly request: CompletionRequest } | { readonly problem: RequestProblem } {
  try {
    return { request: completionOf(parse(body, context.manners), context) };
  } catch (error) {
    if (error instanceof Refused) return { problem: error.problem };
    throw error;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refuse(status: number | "serve" | "cut-off" | "stream-error", message: string): void {
  if (typeof status !== "number") return;
  const type =
    status === 404 ? "NotFoundError" : status >= 500 ? "server_error" : "BadRequestError";
  throw new Refused({ status, type, message });
}

function parse(body: string, manners: Manners): Fields {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    refuse(manners.brokenJson, "the body is no JSON");
  }
  if (isFields(value)) return value;
  throw new Refused({
    status: manners.brokenJson,
    type: "BadRequestError",
    message: "the body is no JSON object",
  });
}

function completionOf(fields: Fields, context: RequestContext): CompletionRequest {
  const { manners } = context;
  const model = fields["model"];
  if (model !== undefined && model !== context.model) {
    refuse(manners.unknownModel, `The model ${JSON.stringify(model)} does not exist.`);
  }
  if (!isNumberOrAbsent(fields["temperature"])) {
    refuse(manners.badTemperature, "temperature: Input should be a valid number");
  }
  const prompt = readPrompt(fields, context);
  const length = readLength(fields, prompt.tokens, context);
  const streamOptions = isFields(fields["stream_options"]) ? fields["stream_options"] : {};
  return {
    ...length,
    stream: fields["stream"] === true,
    includeUsage: streamOptions["include_usage"] === true,
    continuousUsage: streamOptions["continuous_usage_stats"] === true,
    choices: readChoices(fields["n"]),
    promptTokens: prompt.tokens,
    promptMarker: prompt.marker,
  };
}

function isNumberOrAbsent(value: unknown): boolean {
  return value === undefined || value === null || typeof value === "number";
}

function readChoices(n: unknown): number {
  return typeof n === "number" && Number.isInteger(n) && n >= 1 ? Math.min(n, CHOICES_MAX) : 1;
}

function readPrompt(
  fields: Fields,
  context: RequestContext,
): { readonly tokens: number; readonly marker: string } {
  const { endpoint, manners } = context;
  const key = endpoint === "chat" ? "messages" : "prompt";
  const texts = endpoint === "chat" ? messageTexts(fields[key]) : promptTexts(fields[key]);
  if (texts.all.length === 0) refuse(manners.noMessages, `${key}: Field required`);
  let tokens = 0;
  for (const text of texts.all) tokens += countWords(text);
  const marker = texts.naming.slice(0, 256).trim().split(/\s+/, PROMPT_MARKER_WORDS).join(" ");
  return { tokens: Math.max(1, tokens), marker };
}

interface Texts {
  readonly all: readonly string[];
  /** The text whose first words name the request. */
  readonly naming: string;
}

function messageTexts(messages: unknown): Texts {
  if (!Array.isArray(messages)) return { all: [], naming: "" };
  const all: string[] = [];
  let naming = "";
  for (const message of messages) {
    if (!isFields(message)) continue;
    const text = contentText(message["content"]);
    all.push(text);
    if (message["role"] === "user") naming = text;
  }
  return { all, naming };
}

/** Text, or parts of which some are text. */
function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part) => (isFields(part) && typeof part["text"] === "string" ? part["text"] : ""))
    .join(" ");
}

function promptTexts(prompt: unknown): Texts {
  const first: unknown = Array.isArray(prompt) ? prompt[0] : prompt;
  if (typeof first === "string") return { all: [first], naming: first };
  // A list of token numbers: as many words.
  if (Array.isArray(prompt) && typeof first === "number") {
    return { all: [prompt.join(" ")], naming: prompt.slice(0, PROMPT_MARKER_WORDS).join(" ") };
  }
  return { all: [], naming: "" };
}

/** Words divided by white space; one pass, no pieces made, since prompts are long. */
export function countWords(text: string): number {
  let words = 0;
  let inWord = false;
  for (let place = 0; place < text.length; place++) {
    const isSpace = text.charCodeAt(place) <= 32;
    if (!isSpace && !inWord) words += 1;
    inWord = !isSpace;
  }
  return words;
}

type Length = Pick<
  CompletionRequest,
  "outputTokensMax" | "outputTokensMin" | "ignoreEos" | "streamError"
>;

function readLength(fields: Fields, promptTokens: number, context: RequestContext): Length {
  const { manners } = context;
  const asked = askedTokens(fields, manners);
  const isValid = Number.isSafeInteger(asked) && asked >= 1;
  const badText = `max_tokens must be at least 1, got ${asked}.`;
  if (!isValid) refuse(manners.badMaxTokens, badText);
  const tokens = isValid ? asked : manners.outputTokensDefault;
  const isStreamError = !isValid && manners.badMaxTokens === "stream-error";
  return {
    ...readForcedLength(fields, manners),
    outputTokensMax: Math.min(tokens, roomFor(tokens, promptTokens, context)),
    streamError: isStreamError
      ? `\`max_new_tokens\` must be greater than 0, but is ${asked}.`
      : undefined,
  };
}

function readForcedLength(
  fields: Fields,
  manners: Manners,
): Pick<Length, "ignoreEos" | "outputTokensMin"> {
  const ignoreEos = fields["ignore_eos"] === true;
  const minTokens = fields["min_tokens"];
  if (manners.forcedLength === "refused" && (ignoreEos || minTokens !== undefined)) {
    refuse(422, "ignore_eos, min_tokens: Extra inputs are not permitted");
  }
  return { ignoreEos, outputTokensMin: typeof minTokens === "number" ? minTokens : 0 };
}

/** Output tokens that the context still holds, at least 1. */
function roomFor(tokens: number, promptTokens: number, context: RequestContext): number {
  const { manners, contextTokensMax } = context;
  const room = contextTokensMax - promptTokens;
  if (tokens > room) {
    refuse(
      room < 1 ? 400 : manners.overContext,
      `This model's maximum context length is ${contextTokensMax} tokens, ` +
        `${promptTokens + tokens} were asked for.`,
    );
  }
  return Math.max(1, room);
}

function askedTokens(fields: Fields, manners: Manners): number {
  const newer = manners.obeysMaxCompletionTokens ? fields["max_completion_tokens"] : undefined;
  const asked = newer ?? fields["max_tokens"];
  if (asked === undefined || asked === null) return manners.outputTokensDefault;
  return typeof asked === "number" ? asked : NaN;
}
