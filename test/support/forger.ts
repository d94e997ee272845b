import { connect, type IncomingHttpHeaders } from "node:http2";
import { deflateSync, gzipSync, type ZlibOptions, constants } from "node:zlib";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Refusal } from "../../shared/control/control.ts";
import type { IntervalReport } from "../../shared/measurement/report.ts";
import type { Identity } from "../../shared/platform/identity.ts";
import {
  decodeReportDown,
  encodeIntervalReport,
  frameInterval,
} from "../../shared/wire/report-codec.ts";
import { AGENT_ID_METADATA } from "../../shared/wire/report-service.ts";

const PATH = "/loadline.v1.ReportService/Report";
const FRAME_BYTES = 5;

/** What a report server said to a stream, and how it ended it. */
export interface Answered {
  readonly grpcStatus: number;
  readonly grpcMessage: string;
  readonly refusal: Refusal | undefined;
}

/**
 * Says one message on a report stream of its own, below gRPC's client: over TLS with the certificate of `identity`, in the
 * name that it likes, and compressed beforehand if it likes.
 */
export function sayReport(
  url: string,
  identity: Identity,
  said: {
    readonly claimedId?: string;
    readonly message: Uint8Array;
    readonly encoding?: "gzip" | "deflate";
  },
): Promise<Answered> {
  const { caPem: ca, certificatePem: cert, keyPem: key } = identity;
  const checkServerIdentity = (): undefined => undefined;
  const session = connect(`https://${url}`, { ca, cert, key, checkServerIdentity });
  return new Promise<Answered>((resolve, reject) => {
    session.on("error", reject);
    const claimedId = Buffer.from(said.claimedId ?? identity.id).toString("base64");
    const stream = session.request({
      ":method": "POST",
      ":path": PATH,
      "content-type": "application/grpc",
      te: "trailers",
      [AGENT_ID_METADATA]: claimedId,
      ...(said.encoding === undefined ? {} : { "grpc-encoding": said.encoding }),
    });
    const chunks: Buffer[] = [];
    let last: IncomingHttpHeaders = {};
    const note = (headers: IncomingHttpHeaders): void => {
      last = { ...last, ...headers };
    };
    stream.on("response", note).on("trailers", note);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("close", () => {
      resolve({
        grpcStatus: Number(last["grpc-status"]),
        grpcMessage: decodeURIComponent(String(last["grpc-message"] ?? "")),
        refusal: refusalIn(Buffer.concat(chunks)),
      });
    });
    stream.end(framed(said.message, said.encoding !== undefined));
  }).finally(() => {
    session.destroy();
  });
}

function framed(message: Uint8Array, isCompressed: boolean): Buffer {
  const head = Buffer.alloc(FRAME_BYTES);
  head.writeUInt8(isCompressed ? 1 : 0, 0);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function refusalIn(bytes: Buffer): Refusal | undefined {
  let at = 0;
  while (at < bytes.length) {
    const end = at + FRAME_BYTES + bytes.readUInt32BE(at + 1);
    const down = decodeReportDown(bytes.subarray(at + FRAME_BYTES, end));
    if (down.kind === "refusal") return down.refusal;
    at = end;
  }
  return undefined;
}

/** A report with one interval more, whose only histogram has these bytes. */
export function reportWithHistogram(report: IntervalReport, hdrV2: Uint8Array): Uint8Array {
  const histogram = new BinaryWriter();
  histogram.tag(1, WireType.LengthDelimited).string("ttft");
  histogram.tag(2, WireType.LengthDelimited).bytes(hdrV2);
  const ofClass = new BinaryWriter();
  ofClass.tag(1, WireType.LengthDelimited).string("default");
  ofClass.tag(2, WireType.LengthDelimited).bytes(histogram.finish());
  const interval = new BinaryWriter();
  interval.tag(5, WireType.LengthDelimited).bytes(new Uint8Array());
  interval.tag(6, WireType.LengthDelimited).bytes(ofClass.finish());
  interval.tag(10, WireType.LengthDelimited).bytes(new Uint8Array());
  return withField(report, 6, interval.finish());
}

/** A report that says that minus one request was fired. */
export function reportWithNegativeCount(report: IntervalReport): Uint8Array {
  const counters = new BinaryWriter();
  counters.tag(2, WireType.Varint).uint64(2n ** 64n - 1n);
  return withField(report, 7, counters.finish());
}

/** What stands behind a message is part of it: lists grow, and a value takes the place of the one before. */
function withField(report: IntervalReport, field: number, contents: Uint8Array): Uint8Array {
  const more = new BinaryWriter().tag(field, WireType.LengthDelimited).bytes(contents).finish();
  return frameInterval(Buffer.concat([encodeIntervalReport(report), more]));
}

const BOMB_BYTES = 2 ** 30;
const PART_BYTES = 2 ** 24;

/** A thousand times smaller than the gigabyte of zeros that it inflates to. Whole and valid, yet quickly made. */
export function bomb(encoding: "gzip" | "deflate"): Buffer {
  const zeros = Buffer.alloc(PART_BYTES);
  const count = BOMB_BYTES / PART_BYTES;
  // A gzip file may hold several members, one after another (RFC 1952, 2.2).
  if (encoding === "gzip") return repeated(gzipSync(zeros, { level: 9 }), count);
  // zlib has no members, but blocks that end on a byte and look at nothing before them can be said again.
  const options: ZlibOptions = { level: 9, finishFlush: constants.Z_FULL_FLUSH };
  const block = deflateSync(zeros, options).subarray(2);
  const end = Buffer.from([0x01, 0x00, 0x00, 0xff, 0xff, 0, 0, 0, 0]);
  // Adler-32 of n zeros: a stays 1, and b counts them (RFC 1950).
  end.writeUInt16BE(BOMB_BYTES % 65_521, 5);
  end.writeUInt16BE(1, 7);
  return Buffer.concat([Buffer.from([0x78, 0xda]), repeated(block, count), end]);
}

function repeated(part: Buffer, count: number): Buffer {
  return Buffer.concat(Array.from({ length: count }, () => part));
}
