import { type ClientRequest, type IncomingMessage, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import type { Clock } from "../../shared/time/clock.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { ScrapeFailureKind } from "../server/entry.ts";
import type { Replica } from "./replicas.ts";

export interface ScrapeTls {
  readonly caPem: string | undefined;
  readonly tlsInsecure: boolean;
}

export interface ScrapeFailed {
  readonly why: ScrapeFailureKind;
  readonly text: string;
}

export interface GetOptions {
  readonly clock: Clock;
  readonly tls: ScrapeTls;
  readonly accept: string;
  /** Content types that are not worth reading. */
  readonly refusedTypes: RegExp;
  readonly timeoutNs: number;
  readonly bytesMax: number;
}

/** Asks once, on a connection of its own, and gives the body. Follows no redirect, and never rejects. */
export function getBody(replica: Replica, options: GetOptions): Promise<string | ScrapeFailed> {
  const { clock, timeoutNs } = options;
  return new Promise((resolve) => {
    const request = requestOf(replica, options);
    const settle = (result: string | ScrapeFailed): void => {
      cancel();
      request.destroy();
      resolve(result);
    };
    const cancel = clock.callAt(clock.nowNs() + timeoutNs, () => {
      settle({
        why: "timeout",
        text: `no whole answer within ${timeoutNs / NS_PER_SECOND} s`,
      });
    });
    request.on("error", (error) => {
      settle({ why: "connection", text: describe(error) });
    });
    request.on("response", (response) => {
      const refused = refusalOf(response, options);
      if (refused === undefined) collect(response, options.bytesMax, settle);
      else settle(refused);
    });
    request.end();
  });
}

function requestOf({ url, host }: Replica, { tls, accept }: GetOptions): ClientRequest {
  const isTls = url.protocol === "https:";
  const options = {
    host,
    port: url.port === "" ? (isTls ? 443 : 80) : Number(url.port),
    path: `${url.pathname}${url.search}`,
    agent: false,
    headers: {
      host: url.host,
      accept,
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
function refusalOf(
  { statusCode = 0, headers }: IncomingMessage,
  { refusedTypes }: GetOptions,
): ScrapeFailed | undefined {
  if (statusCode >= 300 && statusCode < 400)
    return {
      why: "redirect",
      text: `it redirects (HTTP ${statusCode}), which is not followed; give the address itself`,
    };
  if (statusCode !== 200) return { why: "status", text: `HTTP ${statusCode}` };
  const type = headers["content-type"] ?? "";
  if (refusedTypes.test(type))
    return { why: "no-metrics", text: `it answers ${type.split(";", 1)[0]}, which is no metrics` };
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity")
    return { why: "no-metrics", text: `its answer is compressed (${encoding}), unasked` };
  return undefined;
}

function collect(
  response: IncomingMessage,
  bytesMax: number,
  settle: (result: string | ScrapeFailed) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    chunks.push(chunk);
    if (bytes <= bytesMax) return;
    settle({ why: "too-long", text: `its answer has more than ${bytesMax >> 20} MiB` });
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
