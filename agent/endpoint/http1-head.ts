import { excerpt } from "./excerpt.ts";

/** How a body ends. */
export type Framing =
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "until-close" };

/** A status line and its fields. */
export interface ResponseHead {
  /** 100 to 999. */
  readonly status: number;
  /** By lower-case name; fields of one name are joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly framing: Framing;
  /** The connection may serve another request after this response. */
  readonly keepsAlive: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: [^\r\n\0]*)?$/;
/** RFC 9110, 5.6.2 and 5.5: a token, a colon without space before it, and a value without control characters. */
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([^\r\n\0]*)$/;
const SWITCHING_PROTOCOLS = 101;
const NO_BODY: ReadonlySet<number> = new Set([204, 304]);

let lastText = "";
let lastHead: ResponseHead | undefined;

/**
 * Reads the head of a response (RFC 9112, sections 4 to 6), without the empty line that ends it.
 *
 * A server's heads differ in their date only, once a second; the last one is kept, since reading it costs as much as
 * some ten tokens.
 *
 * @throws Error that names the line that is wrong.
 */
export function parseHead(text: string): ResponseHead {
  if (lastHead === undefined || text !== lastText) {
    lastHead = readHead(text);
    lastText = text;
  }
  return lastHead;
}

function readHead(text: string): ResponseHead {
  const [first = "", ...lines] = text.split("\r\n");
  const match = STATUS_LINE.exec(first);
  if (match === null) {
    throw new Error(`${JSON.stringify(excerpt(first))} is no status line`);
  }
  const status = Number(match[2]);
  if (status === SWITCHING_PROTOCOLS) {
    throw new Error("it switches protocols (101), which nobody asked for");
  }
  const headers = fieldsOf(lines);
  const connection = tokensOf(headers.get("connection"));
  return {
    status,
    headers,
    framing: framingOf(status, headers),
    keepsAlive:
      match[1] === "1" ? !connection.includes("close") : connection.includes("keep-alive"),
  };
}

function fieldsOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let last = "";
  for (const line of lines) {
    if (last !== "" && (line.startsWith(" ") || line.startsWith("\t"))) {
      // A folded line, which servers should not send and clients must read as one (RFC 9112, 5.2).
      headers.set(last, `${headers.get(last) ?? ""} ${line.trim()}`);
      continue;
    }
    const match = FIELD.exec(line);
    if (match === null) {
      throw new Error(`${JSON.stringify(excerpt(line))} is no header`);
    }
    last = (match[1] ?? "").toLowerCase();
    const value = (match[2] ?? "").trim();
    const before = headers.get(last);
    headers.set(last, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function framingOf(status: number, headers: ReadonlyMap<string, string>): Framing {
  if (status < 200 || NO_BODY.has(status)) {
    return { kind: "length", bytes: 0 };
  }
  const coding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (coding !== undefined) {
    if (length !== undefined) {
      throw new Error("it has both a content-length and a transfer-encoding");
    }
    if (coding.toLowerCase() !== "chunked") {
      throw new Error(`its transfer-encoding is ${JSON.stringify(excerpt(coding))}, not "chunked"`);
    }
    return { kind: "chunked" };
  }
  return length === undefined
    ? { kind: "until-close" }
    : { kind: "length", bytes: bytesOf(length) };
}

function bytesOf(length: string): number {
  // The same length twice is one length (RFC 9112, 6.3).
  const [first = "", ...others] = length.split(",").map((each) => each.trim());
  const bytes = Number(first);
  if (
    !/^\d+$/.test(first) ||
    !Number.isSafeInteger(bytes) ||
    others.some((each) => each !== first)
  ) {
    throw new Error(`its content-length is ${JSON.stringify(excerpt(length))}`);
  }
  return bytes;
}

function tokensOf(list: string | undefined): readonly string[] {
  return list === undefined ? [] : list.split(",").map((each) => each.trim().toLowerCase());
}
