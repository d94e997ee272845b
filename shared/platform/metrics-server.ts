import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ExitCode, LoadError } from "../errors.ts";
import { EXPOSITION_TYPE } from "../metrics/exposition.ts";

export interface MetricsServer {
  /** Of the page: "http://127.0.0.1:9464/metrics". */
  readonly url: string;
  close(): Promise<void>;
}

export interface MetricsServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Makes the page anew for each scrape. */
  readonly page: () => string;
}

const PATH = "/metrics";
/** Scrapers are few; whoever opens more connections waits. */
const CONNECTIONS_MAX = 16;

/**
 * Serves `/metrics`, and nothing else, until it is closed. It never keeps a process alive.
 *
 * @throws LoadError LL_METRICS_LISTEN when the address cannot be listened on.
 */
export async function startMetricsServer(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port, page } = options;
  const server = createServer((request, response) => {
    answer(request, response, page);
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw cannotListen(options, cause);
  }
  server.unref();
  const name = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${name}:${(server.address() as AddressInfo).port}${PATH}`,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

function answer(request: IncomingMessage, response: ServerResponse, page: () => string): void {
  request.resume();
  const [path] = (request.url ?? "").split("?");
  if (path !== PATH) {
    response.writeHead(404, { "content-type": "text/plain" }).end(`only ${PATH} is here\n`);
  } else if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { allow: "GET, HEAD" }).end();
  } else {
    response.writeHead(200, { "content-type": EXPOSITION_TYPE }).end(page());
  }
}

function cannotListen({ host, port }: MetricsServerOptions, cause: unknown): LoadError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new LoadError(`metrics were to be served at ${host}:${port}, and cannot be: ${reason}`, {
    code: "LL_METRICS_LISTEN",
    hint: "give --metrics-listen an address of this machine and a free port, or leave it out",
    exitCode: ExitCode.PlanInvalid,
    cause,
  });
}
