import type { Clock } from "../../shared/time/clock.ts";
import type { Connection, Exchange } from "./connection.ts";
import { Connections } from "./connections.ts";
import { requestEncoder } from "./request-bytes.ts";

/** How to reach a target before there is a plan for it. */
export interface TargetAccess {
  /** Base URL, as `normaliseTargetUrl` gives it. */
  readonly url: string;
  readonly clock: Clock;
  /** The key itself; never logged. */
  readonly apiKey?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly caPem?: string | undefined;
  readonly tlsInsecure?: boolean;
  /** How long one whole answer may take, ns. */
  readonly timeoutNs?: number;
  /** Connect to these addresses only. */
  readonly addresses?: readonly string[];
}

export const ANSWER_TIMEOUT_NS = 30_000_000_000;
/** A longer body than this is cut: nothing that preflight asks for is as long. */
const BODY_BYTES_MAX = 4 << 20;

/** What came back to one request, as far as it came. */
export interface PlainAnswer {
  /** 0 without a status line. */
  status: number;
  headers: ReadonlyMap<string, string>;
  /** Each part of the body with its instant, ns since the send. */
  readonly parts: { readonly sinceSendNs: number; readonly bytes: Buffer }[];
  headersNs: number;
  /** Why the answer is not whole; undefined when it is. */
  failure: Error | "timeout" | undefined;
}

export interface PlainRequest {
  readonly method: "GET" | "POST";
  /** From the base URL's path on. */
  readonly path: string;
  readonly headers: readonly string[];
  readonly body?: Buffer;
  /** After a whole answer: how long to watch whether the server closes the connection, ns. */
  readonly watchCloseNs?: number;
}

/** The answer, and whether the server kept the connection open while it was watched. */
export interface PlainExchange {
  readonly answer: PlainAnswer;
  readonly keptConnection: boolean;
}

/** Sends one request on a connection of its own and collects everything that comes back. Never rejects. */
export async function exchangePlainly(
  access: TargetAccess,
  request: PlainRequest,
): Promise<PlainExchange> {
  const connections = new Connections(
    {
      url: access.url,
      caPem: access.caPem,
      tlsInsecure: access.tlsInsecure ?? false,
      addresses: access.addresses,
    },
    access.clock,
  );
  const connection = connections.takeFresh();
  try {
    const answer = await collect({ access, request, connection });
    if (answer.failure === undefined && request.watchCloseNs !== undefined) {
      await pause(access.clock, request.watchCloseNs);
    }
    return { answer, keptConnection: connection.mayBeKept };
  } finally {
    await connections.close();
  }
}

function pause(clock: Clock, durationNs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.callAt(clock.nowNs() + durationNs, resolve);
  });
}

function collect(options: {
  readonly access: TargetAccess;
  readonly request: PlainRequest;
  readonly connection: Connection;
}): Promise<PlainAnswer> {
  const { access, request, connection } = options;
  const { clock } = access;
  const sentAtNs = clock.nowNs();
  const answer: PlainAnswer = {
    status: 0,
    headers: new Map(),
    parts: [],
    headersNs: 0,
    failure: undefined,
  };
  return new Promise((resolve) => {
    const end = (failure: PlainAnswer["failure"]): void => {
      answer.failure ??= failure;
      cancelTimeout();
      resolve(answer);
    };
    const cancelTimeout = clock.callAt(sentAtNs + (access.timeoutNs ?? ANSWER_TIMEOUT_NS), () => {
      end("timeout");
    });
    let bytes = 0;
    const exchange: Exchange = {
      onRead: () => undefined,
      onReadEnd: () => undefined,
      onHead: ({ status, headers }) => {
        answer.status = status;
        answer.headers = headers;
        answer.headersNs = clock.nowNs() - sentAtNs;
      },
      onBody: (buffer, start, until) => {
        bytes += until - start;
        const part = Buffer.from(buffer.subarray(start, until));
        answer.parts.push({ sinceSendNs: clock.nowNs() - sentAtNs, bytes: part });
        if (bytes > BODY_BYTES_MAX) {
          end(new Error(`the body is longer than ${BODY_BYTES_MAX} bytes`));
        }
      },
      onWhole: () => {
        end(undefined);
      },
      onFailure: end,
    };
    const { method, path, headers, body = Buffer.alloc(0) } = request;
    const encode = requestEncoder({ url: access.url, method, path, headers });
    connection.send(encode(body), exchange);
  });
}
