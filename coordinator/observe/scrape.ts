import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../../shared/time/clock.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { ENGINES } from "../server/engines.ts";
import type { ScrapeFailureKind, ServerReading } from "../server/entry.ts";
import { type Exposition, parseExposition } from "../server/exposition.ts";
import { isServerMetric, readingOf } from "../server/reading.ts";
import type { Replica } from "./replicas.ts";

export interface ScrapeTls {
  readonly caPem: string | undefined;
  readonly tlsInsecure: boolean;
}

export type Scraped =
  | { readonly reading: ServerReading; readonly problem: string | undefined }
  | ScrapeFailed;

export interface ScrapeFailed {
  readonly why: ScrapeFailureKind;
  readonly text: string;
}

/** A server that is busy answers late; one that takes longer is looked at again the next second. */
export const SCRAPE_TIMEOUT_NS = 3 * NS_PER_SECOND;
/** The largest that are known, of gateways with many models, have about 2 MB. */
const BODY_BYTES_MAX = 8 << 20;

/** Asks one endpoint once, on a connection of its own. Follows no redirect, and never rejects. */
export async function scrape(
  replica: Replica,
  options: { readonly clock: Clock; readonly tls: ScrapeTls },
): Promise<Scraped> {
  const got = await bodyOf(replica, options);
  if (typeof got !== "string") return got;
  const exposition = parseExposition(got, isServerMetric);
  const reading = readingOf(exposition);
  if (reading !== undefined) return { reading, problem: problemOf(exposition) };
  const titles = ENGINES.map(({ title }) => title).join(", ");
  return {
    why: "no-engine",
    text: `it has the metrics of no engine that is known (${titles})${problemText(exposition)}`,
  };
}

function problemOf(exposition: Exposition): string | undefined {
  const text = problemText(exposition);
  return text === "" ? undefined : `lines that are no metrics were left out${text}`;
}

/** Its place is that of the first scrape that had one, so that the same trouble is told once. */
function problemText({ malformed }: Exposition): string {
  return malformed === undefined ? "" : `; the first is line ${malformed.line}: ${malformed.text}`;
}

function bodyOf(
  replica: Replica,
  { clock, tls }: { readonly clock: Clock; readonly tls: ScrapeTls },
): Promise<string | ScrapeFailed> {
  return new Promise((resolve) => {
    const request = requestOf(replica, tls);
    const settle = (result: string | ScrapeFailed): void => {
      cancel();
      request.destroy();
      resolve(result);
    };
    const cancel = clock.callAt(clock.nowNs() + SCRAPE_TIMEOUT_NS, () => {
      settle({
        why: "timeout",
        text: `no whole answer within ${SCRAPE_TIMEOUT_NS / NS_PER_SECOND} s`,
      });
    });
    request.on("error", (error) => {
      settle({ why: "connection", text: describe(error) });
    });
    request.on("response", (response) => {
      const refused = refusalOf(response);
      if (refused === undefined) collect(response, settle);
      else settle(refused);
    });
    request.end();
  });
}

function requestOf({ url, host }: Replica, tls: ScrapeTls): ClientRequest {
  const isTls = url.protocol === "https:";
  const options = {
    host,
    port: url.port === "" ? (isTls ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    agent: false,
    headers: {
      host: url.host,
      accept: "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5",
      "accept-encoding": "identity",
    },
  };
  if (!isTls) return httpRequest(options);
  return httpsRequest({
    ...options,
    ...(host === url.hostname ? {} : { servername: url.hostname }),
    ...(tls.caPem === undefined ? {} : { ca: tls.caPem }),
    rejectUnauthorized: !tls.tlsInsecure,
  });
}

/** Why what comes is not worth reading; undefined when it is. */
function refusalOf({ statusCode = 0, headers }: IncomingMessage): ScrapeFailed | undefined {
  if (statusCode >= 300 && statusCode < 400)
    return {
      why: "redirect",
      text: `it redirects (HTTP ${statusCode}), which is not followed; give the address itself`,
    };
  if (statusCode !== 200) return { why: "status", text: `HTTP ${statusCode}` };
  const type = headers["content-type"] ?? "";
  if (/html|json|xml/i.test(type))
    return { why: "no-metrics", text: `it answers ${type.split(";", 1)[0]}, which is no metrics` };
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    return { why: "no-metrics", text: `its answer is compressed (${encoding}), unasked` };
  return undefined;
}

function collect(response: IncomingMessage, settle: (result: string | ScrapeFailed) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes <= BODY_BYTES_MAX) return;
    settle({ why: "too-long", text: `its answer has more than ${BODY_BYTES_MAX >> 20} MiB` });
  });
  response.on("error", (error) => {
    settle({ why: "connection", text: describe(error) });
  });
  response.on("end", () => {
    settle(Buffer.concat(chunks).toString("utf8"));
  });
}

/** By its code where it has one: messages hold ports that change each time. */
function describe(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "ECONNREFUSED") return "nobody listens there (ECONNREFUSED)";
  if (code === "ECONNRESET") return "the connection was closed before the answer was whole";
  return code === "" ? error.message : code;
}
