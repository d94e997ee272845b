import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { SystemClock } from "../shared/platform/system-clock.ts";
import { readFaults, warpOf } from "./faults.ts";
import type { Faults } from "./faults.ts";
import type { Books } from "./http/account.ts";
import { ArrivalLog } from "./http/arrival-log.ts";
import type { ArrivalRecord } from "./http/arrival-log.ts";
import { CompletionService } from "./http/completion-service.ts";
import { LiveEngine } from "./http/live-engine.ts";
import { SimulatorMetrics } from "./http/metrics.ts";
import { readBody } from "./http/read-body.ts";
import type { SimulatorOptions } from "./options.ts";

/** A simulated server that listens. */
export interface Simulator {
  /** `http://host:port`, without `/v1`. */
  readonly url: string;
  readonly port: number;
  /** The newest requests it saw, in the order of arrival. */
  log(): readonly ArrivalRecord[];
  /** Closes every connection; what is not over stays `open` in the log. */
  close(): Promise<void>;
}

/** Many clients may connect at once; the kernel caps it at somaxconn. */
const BACKLOG = 4096;
/** Longer than a client keeps an idle connection, so that it is never the server who closes under a request. */
const KEEP_ALIVE_MS = 120_000;

/**
 * Starts a server that answers as an OpenAI-compatible one would, with the capacity of `options.scheduler`.
 *
 * @throws LoadError LL_SIMULATOR_LISTEN when the address is not free, LL_SIMULATOR_LOG.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const clock = new SystemClock();
  const books: Books = {
    log: new ArrivalLog({ entriesMax: options.logEntriesMax, file: options.logFile }),
    metrics: new SimulatorMetrics(options.model),
    // Both read CLOCK_MONOTONIC; they differ by the process's start.
    hostAheadNs: Number(process.hrtime.bigint()) - clock.nowNs(),
  };
  const engine = new LiveEngine(clock, options.scheduler, options.seed);
  const service = new CompletionService(options, engine, books);
  for (const fault of options.faults.time) engine.disturb((fromNs) => warpOf(fault, fromNs));

  const routes = new Routes({ options, engine, service, books });
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true },
    (request, response) => {
      routes.handle(request, response);
    },
  );
  server.requestTimeout = 0;
  const port = await listen(server, options).catch(async (error: unknown) => {
    await books.log.close();
    throw error;
  });
  const url = `http://${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`;
  books.log.writeStart({
    url,
    monotonicNs: Number(process.hrtime.bigint()),
    wallMs: Date.now(),
  });
  return {
    url,
    port,
    log: () => books.log.entries(),
    async close() {
      engine.close();
      await closeServer(server);
      await books.log.close();
    },
  };
}

function listen(server: Server, options: SimulatorOptions): Promise<number> {
  const { host, port } = options;
  return new Promise((resolve, reject) => {
    // Stays for good: out of descriptors, `accept` fails for one client, and the server goes on.
    server.on("error", (cause) => {
      reject(
        new LoadError(`the simulator cannot listen on ${host}:${port}: ${cause.message}`, {
          code: "LL_SIMULATOR_LISTEN",
          hint: "name another --port, or 0 for a free one",
          exitCode: ExitCode.PlanInvalid,
          cause,
        }),
      );
    });
    server.listen({ host, port, backlog: BACKLOG }, () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** What is served where. */
class Routes {
  readonly #options: SimulatorOptions;
  readonly #engine: LiveEngine;
  readonly #service: CompletionService;
  readonly #books: Books;
  readonly #handlers: ReadonlyMap<string, Handler>;
  readonly #startedAtS = Math.floor(Date.now() / 1000);

  constructor(parts: {
    options: SimulatorOptions;
    engine: LiveEngine;
    service: CompletionService;
    books: Books;
  }) {
    this.#options = parts.options;
    this.#engine = parts.engine;
    this.#service = parts.service;
    this.#books = parts.books;
    this.#handlers = new Map<string, Handler>([
      [
        "POST /v1/chat/completions",
        (request, response) => {
          this.#service.handle("chat", request, response);
        },
      ],
      [
        "POST /v1/completions",
        (request, response) => {
          this.#service.handle("completions", request, response);
        },
      ],
      ["GET /v1/models", this.#models.bind(this)],
      ["GET /health", (_request, response) => void response.writeHead(200).end()],
      ["GET /metrics", this.#metrics.bind(this)],
      ["GET /admin/faults", this.#showFaults.bind(this)],
      ["POST /admin/faults", this.#addFaults.bind(this)],
      ["DELETE /admin/faults", this.#clearFaults.bind(this)],
    ]);
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const [path = ""] = (request.url ?? "").split("?", 1);
    const handler = this.#handlers.get(`${request.method ?? ""} ${path}`);
    if (handler !== undefined) {
      handler(request, response);
      return;
    }
    const isKnown = ["GET", "POST"].some((method) => this.#handlers.has(`${method} ${path}`));
    request.resume();
    if (isKnown) sendJson(response, 405, { detail: "Method Not Allowed" });
    else sendJson(response, 404, { detail: "Not Found" });
  }

  #models(_request: IncomingMessage, response: ServerResponse): void {
    const { model, contextTokensMax } = this.#options;
    sendJson(response, 200, {
      object: "list",
      data: [
        {
          id: model,
          object: "model",
          created: this.#startedAtS,
          owned_by: "loadline",
          max_model_len: contextTokensMax,
        },
      ],
    });
  }

  #metrics(_request: IncomingMessage, response: ServerResponse): void {
    const { metrics: names } = this.#options.shape.manners;
    if (names === "none") {
      sendJson(response, 404, { detail: "Not Found" });
      return;
    }
    const gauges = this.#engine.gauges();
    const { metrics } = this.#books;
    response.writeHead(200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    response.end(names === "vllm" ? metrics.vllmText(gauges) : metrics.llamaCppText(gauges));
  }

  #showFaults(_request: IncomingMessage, response: ServerResponse): void {
    sendJson(response, 200, { requests: this.#service.faults });
  }

  /** The named faults replace their like; disturbances of time add up. Instants count from now. */
  #addFaults(request: IncomingMessage, response: ServerResponse): void {
    readBody(request, (body) => {
      const read = readFaults(jsonOf(body));
      if ("problem" in read) {
        sendJson(response, 400, { error: read.problem });
        return;
      }
      if (!this.#disturb(read.value)) {
        sendJson(response, 409, { error: "too many disturbances at once; DELETE them first" });
        return;
      }
      this.#service.faults = { ...this.#service.faults, ...read.value.requests };
      this.#showFaults(request, response);
    });
  }

  #disturb(faults: Faults): boolean {
    return faults.time.every((fault) => this.#engine.disturb((fromNs) => warpOf(fault, fromNs)));
  }

  #clearFaults(request: IncomingMessage, response: ServerResponse): void {
    this.#service.faults = {};
    this.#engine.endDisturbances();
    this.#showFaults(request, response);
  }
}

function jsonOf(body: string | undefined): unknown {
  try {
    return JSON.parse(body ?? "");
  } catch {
    return undefined;
  }
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
