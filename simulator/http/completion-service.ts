import type { IncomingMessage, ServerResponse } from "node:http";
import type { Prng } from "../../shared/random/stream.ts";
import { drawLength } from "../../shared/workload/lengths.ts";
import type { RequestFaults } from "../faults.ts";
import type { SimulatorOptions } from "../options.ts";
import { simulatorStream } from "../scheduler/scheduler.ts";
import { Account } from "./account.ts";
import type { Books } from "./account.ts";
import { StreamedAnswer, WholeAnswer } from "./answers.ts";
import type { EarlyEnd } from "./answers.ts";
import type { ArrivalRecord } from "./arrival-log.ts";
import { ChunkedBody } from "./chunked-body.ts";
import { readCompletion } from "./completion-request.ts";
import type { CompletionEndpoint, CompletionRequest } from "./completion-request.ts";
import { EventStream } from "./event-stream.ts";
import type { StreamIdentity } from "./event-text.ts";
import { drawFate } from "./fate.ts";
import type { LiveEngine, LiveRequest } from "./live-engine.ts";
import { errorBody, streamErrorText } from "./manners.ts";
import type { RequestProblem } from "./manners.ts";
import { readBody } from "./read-body.ts";
import type { StreamForm } from "./shape.ts";
import { wholeBody } from "./whole-body.ts";

/** How many may wait, whatever is asked: who left and holds its slot costs memory, too. */
const WAITING_MAX = 100_000;

const HTML_PAGE =
  "<!doctype html>\n<html><head><title>Sign in</title></head><body><h1>Sign in</h1></body></html>\n";

const ENGINE_DEAD: RequestProblem = {
  status: 500,
  type: "InternalServerError",
  message: "EngineCore encountered an issue. See stack trace (above) for the root cause.",
};

const TOO_LARGE: RequestProblem = {
  status: 413,
  type: "BadRequestError",
  message: "the body is too large",
};

/** What the log says of a request that could not be read. */
const NO_COMPLETION: SettledCompletion = {
  stream: false,
  includeUsage: false,
  continuousUsage: false,
  choices: 1,
  promptTokens: 0,
  outputTokensMax: 0,
  outputTokensMin: 0,
  ignoreEos: false,
  promptMarker: "",
  streamError: undefined,
  outputTokens: 0,
  finishReason: "stop",
};

/** One request on its way to an answer. */
interface Exchange {
  readonly endpoint: CompletionEndpoint;
  readonly response: ServerResponse;
  readonly account: Account;
  readonly arrivedAtNs: number;
  readonly identity: StreamIdentity;
  readonly form: StreamForm;
}

/** Answers `/v1/chat/completions` and `/v1/completions`. */
export class CompletionService {
  readonly #options: SimulatorOptions;
  readonly #engine: LiveEngine;
  readonly #books: Books;
  readonly #fateDraws: Prng;
  readonly #lengthDraws: Prng;
  faults: RequestFaults;
  #arrivals = 0;

  constructor(options: SimulatorOptions, engine: LiveEngine, books: Books) {
    this.#options = options;
    this.#engine = engine;
    this.#books = books;
    this.#fateDraws = simulatorStream(options.seed, "fault");
    this.#lengthDraws = simulatorStream(options.seed, "length");
    this.faults = options.faults.requests;
  }

  handle(endpoint: CompletionEndpoint, request: IncomingMessage, response: ServerResponse): void {
    readBody(request, (body) => {
      this.#arrive(endpoint, { request, response, body });
    });
  }

  #arrive(
    endpoint: CompletionEndpoint,
    came: { request: IncomingMessage; response: ServerResponse; body: string | undefined },
  ): void {
    const { contextTokensMax, model, shape } = this.#options;
    const { waiting } = this.#engine.gauges();
    const arrivedAtNs = this.#engine.nowNs();
    const read =
      came.body === undefined
        ? { problem: TOO_LARGE }
        : readCompletion(came.body, { endpoint, manners: shape.manners, model, contextTokensMax });
    const completion = "request" in read ? this.#settle(endpoint, read.request) : NO_COMPLETION;
    const id = ++this.#arrivals;
    const record: ArrivalRecord = {
      id,
      marker: headerOf(came.request, "x-request-id") ?? completion.promptMarker,
      endpoint,
      stream: completion.stream,
      promptTokens: completion.promptTokens,
      outputTokens: completion.outputTokens * completion.choices,
      arrivedAtNs: arrivedAtNs + this.#books.hostAheadNs,
      arrivedAtWallMs: Date.now(),
      waitingAtArrival: waiting,
      tokens: 0,
      status: 0,
      outcome: "open",
    };
    const exchange: Exchange = {
      endpoint,
      response: came.response,
      account: new Account(this.#books, record, completion.choices),
      arrivedAtNs,
      identity: identityOf(endpoint, id, model),
      form: shape[endpoint],
    };
    if ("problem" in read) this.#refuse(exchange, read.problem);
    else this.#decide(exchange, completion, waiting);
  }

  /** The request with what the server adds to it: where the output stops, and how many choices it answers. */
  #settle(endpoint: CompletionEndpoint, request: CompletionRequest): SettledCompletion {
    const { stopAfter, shape } = this.#options;
    // Drawn for everyone, so that what one request asks does not move the lengths of the others.
    const stop = stopAfter === undefined ? Infinity : drawLength(stopAfter, this.#lengthDraws);
    const { outputTokensMax, outputTokensMin, ignoreEos } = request;
    const outputTokens = ignoreEos
      ? outputTokensMax
      : Math.min(outputTokensMax, Math.max(outputTokensMin, stop));
    return {
      ...request,
      choices: shape[endpoint].interleavesChoices ? request.choices : 1,
      outputTokens,
      finishReason: outputTokens === outputTokensMax ? "length" : "stop",
    };
  }

  #decide(exchange: Exchange, completion: SettledCompletion, waiting: number): void {
    const { account, response } = exchange;
    const fate = drawFate(this.faults, this.#fateDraws);
    if (fate.kind === "error") {
      this.#send(exchange, fate.status, { ...ENGINE_DEAD, status: fate.status });
      account.end(this.#engine.nowNs(), "error", "abort");
    } else if (fate.kind === "silent") {
      response.on("close", () => {
        account.end(this.#engine.nowNs(), "disconnected", "abort");
      });
    } else if (waiting >= Math.min(WAITING_MAX, this.faults.reject?.waiting ?? Infinity)) {
      this.#reject(exchange);
    } else if (this.#options.shape.html) {
      account.status(200);
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(HTML_PAGE);
      account.end(this.#engine.nowNs(), "html", "abort");
    } else {
      this.#serve(exchange, completion, fate.earlyEnd);
    }
  }

  #reject(exchange: Exchange): void {
    const retryAfterS = this.faults.reject?.retryAfterS;
    if (retryAfterS !== undefined) exchange.response.setHeader("retry-after", String(retryAfterS));
    this.#send(exchange, 429, {
      status: 429,
      type: "RateLimitError",
      message: "the waiting queue is full",
    });
    exchange.account.end(this.#engine.nowNs(), "rejected", "abort");
  }

  #serve(exchange: Exchange, completion: SettledCompletion, asked: EarlyEnd | undefined): void {
    const { account, response } = exchange;
    const { outputTokens, promptTokens, finishReason } = completion;
    const { errorForm, holdsSlots } = this.#options.shape.manners;
    const earlyEnd = earlyEndOf(completion, asked);
    const error = { ...ENGINE_DEAD, message: completion.streamError ?? ENGINE_DEAD.message };
    const parts = {
      ...{ response, account, promptTokens, outputTokens, finishReason, earlyEnd },
      errorJson: streamErrorText(errorForm, error),
    };
    const live = completion.stream
      ? this.#streamed(exchange, completion, parts)
      : new WholeAnswer(parts, () =>
          wholeBody({ ...exchange, ...completion, shape: this.#options.shape }),
        );
    const submitted = this.#engine.submit(exchange.arrivedAtNs, live);
    response.on("close", () => {
      if (account.over) return;
      const nowNs = this.#engine.nowNs();
      account.end(nowNs, "disconnected", "abort");
      if (!holdsSlots && this.faults.holdSlots !== true) this.#engine.cancel(submitted, nowNs);
    });
  }

  #streamed(
    exchange: Exchange,
    completion: SettledCompletion,
    parts: ConstructorParameters<typeof StreamedAnswer>[0],
  ): LiveRequest {
    const { response, account, form } = exchange;
    const { shape } = this.#options;
    response.writeHead(200, streamHeaders(form, response));
    account.status(200);
    const body = new ChunkedBody(response, {
      ascii: !form.unicode,
      oneByteChunks: form.oneByteChunks,
    });
    const stream = new EventStream({ ...exchange, ...completion, text: shape.text });
    if (form.headers === "start") body.open();
    stream.start((text) => {
      body.add(text);
    });
    body.flush();
    return new StreamedAnswer(parts, { stream, body, closes: form.closes });
  }

  #refuse(exchange: Exchange, problem: RequestProblem): void {
    this.#send(exchange, problem.status, problem);
    exchange.account.end(this.#engine.nowNs(), "refused", "abort");
  }

  #send(exchange: Exchange, status: number, problem: RequestProblem): void {
    const { errorForm } = this.#options.shape.manners;
    const { account, response } = exchange;
    account.status(status);
    if (errorForm === "llama-server") response.setHeader("connection", "close");
    response.writeHead(status, { "content-type": "application/json" });
    response.end(errorBody(errorForm, problem));
  }
}

interface SettledCompletion extends CompletionRequest {
  /** Of each choice. */
  readonly outputTokens: number;
  readonly finishReason: "stop" | "length";
}

function earlyEndOf(
  completion: SettledCompletion,
  asked: EarlyEnd | undefined,
): EarlyEnd | undefined {
  if (completion.streamError !== undefined) return { kind: "stream-error", afterTokens: 0 };
  if (asked === undefined) return undefined;
  // A request with fewer tokens ends early, too: before its last one.
  return { ...asked, afterTokens: Math.min(asked.afterTokens, completion.outputTokens - 1) };
}

function streamHeaders(form: StreamForm, response: ServerResponse): Record<string, string> {
  const headers = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
  };
  if (!form.closes) return headers;
  // As llama-server: it promises to keep the connection, says no `Connection: close`, and closes it.
  response.removeHeader("connection");
  return { ...headers, "keep-alive": "timeout=5, max=100" };
}

function identityOf(endpoint: CompletionEndpoint, id: number, model: string): StreamIdentity {
  const number = id.toString(16).padStart(16, "0");
  const created = Math.floor(Date.now() / 1000);
  return endpoint === "chat"
    ? { id: `chatcmpl-${number}`, object: "chat.completion.chunk", created, model }
    : { id: `cmpl-${number}`, object: "text_completion", created, model };
}

function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" && value !== "" ? value.slice(0, 256) : undefined;
}
