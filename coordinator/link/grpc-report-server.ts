import { createHash, timingSafeEqual, X509Certificate } from "node:crypto";
import { hostname } from "node:os";
import type { ServerWritableStream } from "@grpc/grpc-js";
import { Metadata, Server, ServerCredentials, status } from "@grpc/grpc-js";
import type { ReportAddress } from "../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { channelOptions } from "../../shared/platform/grpc.ts";
import { REPORT_BYTES_MAX } from "../../shared/wire/report-bounds.ts";
import {
  AGENT_ID_METADATA,
  AUTHORIZATION_METADATA,
  bearer,
  REPORT_SERVICE,
} from "../../shared/wire/report-service.ts";
import type { FileAsked } from "../../shared/wire/report-service.ts";
import type { ReportReceiver, ReportServer } from "../ports.ts";
import type { ReportCall, StreamEnd } from "./grpc-report-stream.ts";
import { ReportStreamSession } from "./grpc-report-stream.ts";

/**
 * gRPC itself ends a stream over a message above this length, before it is in memory. The codec's own limit is
 * lower, so that a message somewhat too long is refused with a name and not just cut.
 */
const RECEIVE_BYTES_MAX = REPORT_BYTES_MAX + 1024 * 1024;

/** Of one connection; an agent needs two. */
const STREAMS_PER_CONNECTION_MAX = 64;

const FILE_CHUNK_BYTES = 64 * 1024;

/** How long `close` waits for connections to end by themselves. */
const CLOSE_MAX_MS = 2_000;

/** Where refusals and failures are told; a pino logger is one. */
export interface ReportServerLog {
  warn(fields: object, message: string): void;
}

export interface ReportServerOptions {
  /** Where to listen; port 0 takes a free one. */
  readonly host: string;
  readonly port: number;
  /** "host" or "host:port" as agents reach it; by default where it listens. */
  readonly advertise?: string;
  /** What every stream must present where there is no TLS. */
  readonly runToken: string;
  readonly receiver: ReportReceiver;
  /** Serves FetchFile; by default there are no files. */
  readonly file?: (sha256: string) => Promise<Uint8Array | undefined>;
  /** TLS both ways: an agent is who its certificate's common name says. By default without. */
  readonly tls?: ReportServerTls;
  readonly log?: ReportServerLog;
}

/** The coordinator's certificate and key, and the authority that signed those of its agents; PEM. */
export interface ReportServerTls {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** What happened on the result path since the start. */
export interface ReportServerCounts {
  readonly streamsOpened: number;
  /** Ended by the peer or by gRPC: a killed agent, a broken network, a message above gRPC's own limit. */
  readonly streamsCut: number;
  /** Streams ended because the receiver failed to keep a message. */
  readonly streamsFailed: number;
  readonly intervalsTaken: number;
  readonly recordBatchesTaken: number;
  /** Streams refused, by error code. */
  readonly refusals: ReadonlyMap<string, number>;
}

export interface GrpcReportServer extends ReportServer {
  counts(): ReportServerCounts;
}

/**
 * Serves the result path. No message of a peer ends this process: what cannot be used is refused, counted, and
 * ends that stream only.
 *
 * @throws LoadError LL_REPORT_LISTEN when it cannot listen there.
 */
export async function startReportServer(options: ReportServerOptions): Promise<GrpcReportServer> {
  const service = new ReportServiceHandlers(options);
  const server = new Server({
    ...channelOptions(RECEIVE_BYTES_MAX),
    "grpc.max_concurrent_streams": STREAMS_PER_CONNECTION_MAX,
  });
  server.addService(REPORT_SERVICE, {
    report: (call: ReportCall) => {
      void service.report(call);
    },
    fetchFile: (call: FileCall) => {
      void service.fetchFile(call);
    },
  });
  const port = await listen(server, options);
  const address: ReportAddress = {
    url: advertised(options, port),
    certificateFingerprint:
      options.tls === undefined
        ? ""
        : new X509Certificate(options.tls.certificatePem).fingerprint256,
  };
  return {
    address,
    counts: () => service.counts(),
    async close() {
      await service.close();
      await shutdown(server);
    },
  };
}

type FileCall = ServerWritableStream<FileAsked, Uint8Array>;

class ReportServiceHandlers {
  readonly #options: ReportServerOptions;
  readonly #sessions = new Set<ReportStreamSession>();
  readonly #refusals = new Map<string, number>();
  #streamsOpened = 0;
  #streamsCut = 0;
  #streamsFailed = 0;
  #intervalsTaken = 0;
  #recordBatchesTaken = 0;

  constructor(options: ReportServerOptions) {
    this.#options = options;
  }

  async report(call: ReportCall): Promise<void> {
    const agentId = this.#authenticate(call);
    if (agentId === undefined) return;
    // The agent takes the stream for open when it sees the headers.
    call.sendMetadata(new Metadata());
    this.#streamsOpened += 1;
    const session = new ReportStreamSession({
      call,
      agentId,
      receiver: this.#options.receiver,
      onTaken: (received) => {
        if (received === "interval") this.#intervalsTaken += 1;
        else this.#recordBatchesTaken += 1;
      },
    });
    this.#sessions.add(session);
    const end = await session.serve();
    this.#sessions.delete(session);
    this.#note(end, { agentId, peer: call.getPeer() });
  }

  async fetchFile(call: FileCall): Promise<void> {
    if (this.#authenticate(call) === undefined) return;
    const { sha256 } = call.request;
    if (sha256 === undefined) {
      refuseCall(call, status.INVALID_ARGUMENT, "a SHA-256 of 32 bytes is needed");
      return;
    }
    try {
      const contents = await this.#options.file?.(sha256);
      if (contents === undefined) refuseCall(call, status.NOT_FOUND, "there is no such file");
      else await sendFile(call, contents);
    } catch (error) {
      this.#options.log?.warn({ err: error, peer: call.getPeer() }, "a file was not sent");
      refuseCall(call, status.UNAVAILABLE, "the file could not be sent");
    }
  }

  counts(): ReportServerCounts {
    return {
      streamsOpened: this.#streamsOpened,
      streamsCut: this.#streamsCut,
      streamsFailed: this.#streamsFailed,
      intervalsTaken: this.#intervalsTaken,
      recordBatchesTaken: this.#recordBatchesTaken,
      refusals: new Map(this.#refusals),
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#sessions].map((session) => session.close()));
  }

  /** The agent's id as the stream's metadata has it; undefined, and the call is over, when it does not prove it. */
  #authenticate(call: ReportCall | FileCall): string | undefined {
    const [bytes] = call.metadata.get(AGENT_ID_METADATA);
    const agentId = Buffer.isBuffer(bytes) ? bytes.toString("utf8") : "";
    const { tls, runToken } = this.#options;
    const why =
      tls === undefined ? whyNotByToken(call, runToken) : whyNotByCertificate(call, agentId);
    if (why === undefined && agentId !== "") return agentId;
    const code = "LL_REPORT_UNAUTHENTICATED";
    this.#count(code);
    this.#options.log?.warn({ code, agentId, peer: call.getPeer() }, "a report stream was refused");
    refuseCall(call, status.UNAUTHENTICATED, why ?? "the stream does not say whose it is");
    return undefined;
  }

  #note(end: StreamEnd, who: { agentId: string; peer: string }): void {
    if (end.kind === "done") return;
    if (end.kind === "refused") {
      this.#count(end.refusal.code);
      this.#options.log?.warn({ ...who, ...end.refusal }, "a report stream was refused");
      return;
    }
    if (end.kind === "failed") {
      this.#streamsFailed += 1;
      this.#options.log?.warn({ ...who, err: end.error }, "a report could not be kept");
      return;
    }
    this.#streamsCut += 1;
    this.#options.log?.warn(who, "a report stream broke");
  }

  #count(code: string): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
  }
}

function whyNotByToken(call: ReportCall | FileCall, runToken: string): string | undefined {
  const [authorization] = call.metadata.get(AUTHORIZATION_METADATA);
  const isOurs = typeof authorization === "string" && isSame(authorization, bearer(runToken));
  return isOurs ? undefined : "this is not the token of this run";
}

/** gRPC lets only certificates of our authority so far; which agent it is stands in the certificate. */
function whyNotByCertificate(call: ReportCall | FileCall, agentId: string): string | undefined {
  const commonName = call.getAuthContext().sslPeerCertificate?.subject.CN;
  if (commonName === agentId) return undefined;
  return `the certificate is of ${JSON.stringify(commonName)}, and the stream claims to be of another`;
}

/** In a time that does not tell how much of it was right. */
function isSame(presented: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(presented), digest(expected));
}

/** grpc-js turns an error event of a server stream into its status. */
function refuseCall(call: ReportCall | FileCall, code: status, details: string): void {
  if (call.writable) call.emit("error", { code, details });
}

/** In chunks, as fast as the agent reads them. */
async function sendFile(call: FileCall, contents: Uint8Array): Promise<void> {
  for (let from = 0; from < contents.length && call.writable; from += FILE_CHUNK_BYTES) {
    if (call.write(contents.subarray(from, from + FILE_CHUNK_BYTES))) continue;
    await new Promise((resolve) => {
      call.once("drain", resolve);
      call.once("close", resolve);
    });
  }
  call.end();
}

function listen(server: Server, options: ReportServerOptions): Promise<number> {
  const { host, port } = options;
  const credentials = credentialsOf(options.tls);
  return new Promise((resolve, reject) => {
    server.bindAsync(`${bracketed(host)}:${port}`, credentials, (error, bound) => {
      if (error === null) {
        resolve(bound);
        return;
      }
      const cause = new LoadError(
        `cannot listen for reports on ${host}:${port}: ${error.message}`,
        {
          code: "LL_REPORT_LISTEN",
          hint: "choose another --report-listen, or port 0 for a free one",
          exitCode: ExitCode.PlanInvalid,
          cause: error,
        },
      );
      reject(cause);
    });
  });
}

function credentialsOf(tls: ReportServerTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const pair = {
    private_key: Buffer.from(tls.keyPem),
    cert_chain: Buffer.from(tls.certificatePem),
  };
  return ServerCredentials.createSsl(Buffer.from(tls.caPem), [pair], true);
}

function advertised({ host, advertise }: ReportServerOptions, port: number): string {
  if (advertise !== undefined) {
    return /^(\[.*\]|[^:]+):\d+$/.test(advertise) ? advertise : `${bracketed(advertise)}:${port}`;
  }
  const isEveryInterface = host === "0.0.0.0" || host === "::";
  return `${bracketed(isEveryInterface ? hostname() : host)}:${port}`;
}

/** An IPv6 address needs brackets before a port. */
function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}

/** Lets the connections end, and ends them after a bound. */
function shutdown(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, CLOSE_MAX_MS);
    server.tryShutdown(() => {
      clearTimeout(force);
      resolve();
    });
  });
}
