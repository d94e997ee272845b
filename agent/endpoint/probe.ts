import { LoadError } from "../../shared/errors.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import type { Target } from "../../shared/control/control.ts";
import { OWN_EVENT, readEventText } from "./chat-events.ts";
import { excerpt } from "./excerpt.ts";
import { CONTENT_MEANING, Meaning } from "./meaning.ts";
import { listModels, pickModel } from "./models.ts";
import { CHAT_PATH } from "./openai-chat.ts";
import { COMPLETIONS_PATH } from "./openai-completions.ts";
import { encodeOrder } from "./order-encoder.ts";
import {
  ANSWER_TIMEOUT_NS,
  exchangePlainly,
  type PlainAnswer,
  type TargetAccess,
} from "./plain-exchange.ts";
import { redact } from "./redact.ts";
import { requestHeaders } from "./request-headers.ts";
import { SseScanner } from "./sse-scanner.ts";
import { assertAnswered, bodyText, targetError, type Asked } from "./target-errors.ts";

export { listModels, pickModel } from "./models.ts";
export type { TargetAccess } from "./plain-exchange.ts";

export interface ProbeOptions extends TargetAccess {
  readonly endpoint: Target["endpoint"];
  /** Asked from `/v1/models` when left out. */
  readonly model?: string | undefined;
  readonly extraBody?: Readonly<Record<string, unknown>>;
  readonly forceOutput?: boolean;
  /** Enough to see a stream, few enough to be quick. */
  readonly outputTokens?: number;
}

/** Where a server's token counts came, or that they never did. */
export type UsagePlace = "own-event" | "finish-event" | "every-event" | "never";

/** What one streamed request showed of a target. */
export interface TargetFacts {
  readonly url: string;
  readonly model: string;
  /** What `/v1/models` lists; undefined when it has no list. */
  readonly models: readonly string[] | undefined;
  /** An event without content came before the first content: a client that took it for a token would be wrong. */
  readonly roleFirst: boolean;
  readonly contentEvents: number;
  readonly usage: UsagePlace;
  /** -1 where the server is silent. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly finishReason: boolean;
  readonly doneMarker: boolean;
  /** The connection was still open a moment after the stream's end. */
  readonly keepsConnection: boolean;
  /** Since the send, ns. */
  readonly headersNs: number;
  readonly firstContentNs: number;
}

const PROBE_PROMPT = "Write a short story about the sea.";
const PROBE_OUTPUT_TOKENS = 8;
/** llama-server closes 0.1 ms after its streams. */
const WATCH_CLOSE_NS = 100 * NS_PER_MS;

/**
 * Looks at a target with `GET /v1/models` and one streamed request.
 *
 * @throws LoadError, each with exit 3: LL_TARGET_UNREACHABLE (no connection), LL_TARGET_TLS, LL_TARGET_NOT_HTTP,
 * LL_TARGET_TIMEOUT, LL_TARGET_REFUSES (a status of 300 and more), LL_TARGET_NOT_STREAMING (HTML, JSON, no content),
 * LL_TARGET_STREAM_BROKEN (an error inside a 200, cut short); LL_MODEL_UNKNOWN; LL_MODEL_AMBIGUOUS (exit 2).
 */
export async function probeTarget(options: ProbeOptions): Promise<TargetFacts> {
  const models = await modelsOrNone(options);
  const model =
    models === undefined && options.model !== undefined
      ? options.model
      : pickModel(models ?? [], options.model);
  const path = options.endpoint === "chat" ? CHAT_PATH : COMPLETIONS_PATH;
  const { answer, keptConnection } = await exchangePlainly(options, {
    method: "POST",
    path,
    headers: requestHeaders({
      headers: options.headers ?? {},
      apiKey: options.apiKey,
      accept: "text/event-stream",
    }),
    body: encodeOrder({
      prompt: PROBE_PROMPT,
      outputTokens: options.outputTokens ?? PROBE_OUTPUT_TOKENS,
      target: targetOf(options, model),
    }).body,
    watchCloseNs: WATCH_CLOSE_NS,
  });
  const asked: Asked = { access: options, what: `POST ${path}, model ${JSON.stringify(model)}` };
  assertAnswered(asked, answer);
  assertStreams(asked, answer);
  const seen = readStream(answer);
  assertWhole(asked, answer, seen);
  return {
    url: options.url,
    model,
    models,
    ...seen.facts,
    keepsConnection: keptConnection,
    headersNs: answer.headersNs,
  };
}

/** A server without a list of models is no bad server; one that cannot be reached is. */
async function modelsOrNone(options: ProbeOptions): Promise<readonly string[] | undefined> {
  try {
    return await listModels(options);
  } catch (error) {
    const hasNoList =
      error instanceof LoadError && /^LL_TARGET_(REFUSES|NO_MODELS)$/.test(error.code);
    if (hasNoList && options.model !== undefined) {
      return undefined;
    }
    throw error;
  }
}

function targetOf(options: ProbeOptions, model: string): Target {
  return {
    url: options.url,
    endpoint: options.endpoint,
    model,
    apiKeyEnv: undefined,
    headers: options.headers ?? {},
    extraBody: options.extraBody ?? {},
    timeoutNs: options.timeoutNs ?? ANSWER_TIMEOUT_NS,
    caPem: options.caPem,
    tlsInsecure: options.tlsInsecure ?? false,
    forceOutput: options.forceOutput ?? false,
  };
}

function assertStreams({ access, what }: Asked, answer: PlainAnswer): void {
  const type = answer.headers.get("content-type");
  const encoding = answer.headers.get("content-encoding") ?? "identity";
  const isStream = type === undefined || /^\s*text\/event-stream\b/i.test(type);
  if (!isStream || encoding !== "identity") {
    const form = isStream ? `content-encoding ${encoding}` : `content-type ${type}`;
    throw targetError(
      "LL_TARGET_NOT_STREAMING",
      `asked ${access.url} for ${what} as a stream, and got ${excerpt(form)}: ${redact(excerpt(bodyText(answer)), access.apiKey)}`,
      "give --target the base URL of an OpenAI-compatible server that streams (text/event-stream), without a proxy that changes it",
    );
  }
}

interface SeenStream {
  readonly facts: Omit<TargetFacts, "url" | "model" | "models" | "keepsConnection" | "headersNs">;
  readonly errorText: string;
}

/** Everything that the events of a whole answer say. */
function readStream(answer: PlainAnswer): SeenStream {
  let facts: SeenStream["facts"] = {
    roleFirst: false,
    contentEvents: 0,
    usage: "never",
    inputTokens: -1,
    outputTokens: -1,
    finishReason: false,
    doneMarker: false,
    firstContentNs: 0,
  };
  let errorText = "";
  let sinceSendNs = 0;
  const scanner = new SseScanner((buffer, start, end) => {
    const event = readEventText(Buffer.from(buffer.subarray(start, end)).toString());
    const has = (bits: number): boolean => (event.meaning & bits) !== 0;
    const isFirst = has(CONTENT_MEANING) && facts.contentEvents === 0;
    const isEmpty = event.meaning === 0 && facts.contentEvents === 0;
    errorText = errorText === "" ? event.errorText : errorText;
    facts = {
      ...facts,
      roleFirst: facts.roleFirst || isEmpty,
      contentEvents: facts.contentEvents + (has(CONTENT_MEANING) ? 1 : 0),
      firstContentNs: isFirst ? sinceSendNs : facts.firstContentNs,
      finishReason: facts.finishReason || has(Meaning.finish),
      doneMarker: facts.doneMarker || has(Meaning.done),
      ...(has(Meaning.usage)
        ? {
            usage: usagePlace(facts.usage, event),
            inputTokens: event.inputTokens,
            outputTokens: event.outputTokens,
          }
        : {}),
    };
  });
  for (const part of answer.parts) {
    sinceSendNs = part.sinceSendNs;
    scanner.push(part.bytes);
  }
  return { facts, errorText };
}

function usagePlace(
  before: UsagePlace,
  event: { readonly meaning: number; readonly usageChoice: number },
): UsagePlace {
  const isFinish = (event.meaning & Meaning.finish) !== 0;
  // Counts with content and no finish are a running total, whatever comes at the end.
  if (before === "every-event" || (event.usageChoice !== OWN_EVENT && !isFinish)) {
    return "every-event";
  }
  return event.usageChoice === OWN_EVENT ? "own-event" : "finish-event";
}

function assertWhole({ access, what }: Asked, answer: PlainAnswer, seen: SeenStream): void {
  const { facts } = seen;
  const asked = `asked ${access.url} for ${what} as a stream`;
  const isWhole = facts.finishReason || facts.doneMarker;
  const said = brokenBy(seen, isWhole ? undefined : answer.failure);
  if (said !== "" || !isWhole) {
    throw targetError(
      "LL_TARGET_STREAM_BROKEN",
      `${asked}, and the stream ${said === "" ? "ended with neither finish_reason nor [DONE]" : redact(said, access.apiKey)}`,
      "see the server's log: a run would count such a request as an error",
    );
  }
  if (facts.contentEvents === 0) {
    throw targetError(
      "LL_TARGET_NOT_STREAMING",
      `${asked}, and it ended without one text`,
      "try another --model or --endpoint; with --extra-body, see that the server may answer at all",
    );
  }
}

function brokenBy(seen: SeenStream, failure: PlainAnswer["failure"]): string {
  if (seen.errorText !== "") {
    return `holds an error: ${seen.errorText}`;
  }
  return failure instanceof Error ? `was cut: ${failure.message}` : "";
}
