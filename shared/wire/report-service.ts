import { create, toBinary } from "@bufbuild/protobuf";
import type { Client, ClientDuplexStream, ClientReadableStream, Metadata } from "@grpc/grpc-js";
import { LoadError } from "../errors.ts";
import { openBidiStream, openServerStream, serverMethod } from "../platform/grpc.ts";
import {
  FetchFileRequestSchema,
  FetchFileResponseSchema,
  ReportService,
} from "./gen/loadline/v1/report_pb.ts";
import { decodeBounded, malformed } from "./report-bounds.ts";
import type { ReportCame, ReportDown, ReportUp } from "./report-codec.ts";
import {
  decodeReportDown,
  decodeReportUp,
  encodeReportDown,
  encodeReportUp,
  frameInterval,
} from "./report-codec.ts";

/** What a server is handed: a message it can use, or what is wrong with it. */
export type ReportReceived = ReportCame | { readonly kind: "malformed"; readonly error: LoadError };

/** What a client hands over: a value, or a report that was encoded when it was sealed. */
export type ReportSent = ReportUp | { readonly kind: "encoded"; readonly report: Uint8Array };

/** Which file is asked for, as hex; undefined when the request names none. The answer comes in chunks. */
export interface FileAsked {
  readonly sha256: string | undefined;
}

/** Metadata of every call: `bearer(the run's token)`, and the agent's id as UTF-8 ("-bin": any bytes). */
export const AUTHORIZATION_METADATA = "authorization";
export const AGENT_ID_METADATA = "loadline-agent-id-bin";

export function bearer(token: string): string {
  return `Bearer ${token}`;
}

/** Length of a SHA-256, bytes. */
const SHA256_BYTES = 32;

/** The service as a server speaks it; a message that cannot be decoded arrives as a value, never as an exception. */
export const REPORT_SERVICE = {
  report: serverMethod<ReportDown, ReportReceived>(ReportService.method.report, {
    encode: encodeReportDown,
    decode: (bytes) => {
      try {
        return decodeReportUp(bytes);
      } catch (error) {
        return {
          kind: "malformed",
          error: error instanceof LoadError ? error : malformed("it cannot be read", error),
        };
      }
    },
  }),
  fetchFile: serverMethod<Uint8Array, FileAsked>(ReportService.method.fetchFile, {
    encode: (chunk) =>
      toBinary(FetchFileResponseSchema, create(FetchFileResponseSchema, { chunk })),
    decode: (bytes) => {
      try {
        const { sha256 } = decodeBounded(FetchFileRequestSchema, bytes);
        const isHash = sha256.length === SHA256_BYTES;
        return { sha256: isHash ? Buffer.from(sha256).toString("hex") : undefined };
      } catch {
        return { sha256: undefined };
      }
    },
  }),
};

export function openReportStream(
  client: Client,
  metadata: Metadata,
): ClientDuplexStream<ReportSent, ReportDown> {
  return openBidiStream<ReportSent, ReportDown>(client, {
    method: ReportService.method.report,
    codec: {
      encode: (sent) =>
        sent.kind === "encoded" ? frameInterval(sent.report) : encodeReportUp(sent),
      decode: decodeReportDown,
    },
    metadata,
  });
}

/** Asks for a file by its SHA-256 (hex); ends with NOT_FOUND when the coordinator has none such. */
export function openFileStream(
  client: Client,
  sha256: string,
  options: { metadata: Metadata; deadline: Date },
): ClientReadableStream<Uint8Array> {
  return openServerStream<string, Uint8Array>(client, sha256, {
    method: ReportService.method.fetchFile,
    codec: {
      encode: (hex) =>
        toBinary(
          FetchFileRequestSchema,
          create(FetchFileRequestSchema, { sha256: Buffer.from(hex, "hex") }),
        ),
      decode: (bytes) => decodeBounded(FetchFileResponseSchema, bytes).chunk,
    },
    ...options,
  });
}
