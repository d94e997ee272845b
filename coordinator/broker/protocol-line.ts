import type { ProtocolEvent } from "./protocol-event.ts";

/** A line that announces a payload; `finish` makes the event once the payload is there. */
export interface Announcement {
  readonly kind: "announcement";
  readonly payloadBytes: number;
  finish(payload: Uint8Array): ProtocolEvent;
}

const VERB = /^[ \t]*([A-Za-z+-]+)(?:[ \t]+|$)/;
const SIZE = /^[0-9]{1,9}$/;

/** Reads one line, without its end; undefined when it is not the protocol. */
export function readLine(line: string): ProtocolEvent | Announcement | undefined {
  const match = VERB.exec(line);
  if (match?.[1] === undefined) return undefined;
  const rest = line.slice(match[0].length).trimEnd();
  const words = rest === "" ? [] : rest.split(/[ \t]+/);
  return readVerb(match[1].toUpperCase(), rest, words);
}

function readVerb(
  verb: string,
  rest: string,
  words: readonly string[],
): ProtocolEvent | Announcement | undefined {
  switch (verb) {
    case "PUB":
      return readPublish(words, 0);
    case "HPUB":
      return readPublish(words, 1);
    case "MSG":
      return readMessage(words, 0);
    case "HMSG":
      return readMessage(words, 1);
    case "SUB":
      return readSubscribe(words);
    case "UNSUB":
      return readUnsubscribe(words);
    default:
      return readPlain(verb, rest);
  }
}

function readPlain(verb: string, rest: string): ProtocolEvent | undefined {
  switch (verb) {
    case "PING":
      return { kind: "ping" };
    case "PONG":
      return { kind: "pong" };
    case "CONNECT":
      return { kind: "connect", json: utf8(rest) };
    case "INFO":
      return { kind: "info", json: utf8(rest) };
    case "+OK":
      return { kind: "ok" };
    case "-ERR":
      return { kind: "error", text: rest.replace(/^'(.*)'$/, "$1") };
    default:
      return undefined;
  }
}

interface Sizes {
  readonly headerBytes: number;
  readonly payloadBytes: number;
}

/** The last one or two words: [header bytes] total bytes. */
function readSizes(words: readonly string[]): Sizes | undefined {
  if (!words.every((word) => SIZE.test(word))) return undefined;
  const payloadBytes = Number(words.at(-1));
  const headerBytes = words.length === 2 ? Number(words[0]) : 0;
  return headerBytes <= payloadBytes ? { headerBytes, payloadBytes } : undefined;
}

/** subject [reply-to] [header bytes] total bytes */
function readPublish(words: readonly string[], headerWords: 0 | 1): Announcement | undefined {
  const names = words.slice(0, words.length - 1 - headerWords);
  const [subject, replyTo = ""] = names;
  const sizes = readSizes(words.slice(names.length));
  if (subject === undefined || names.length > 2 || sizes === undefined) return undefined;
  const { headerBytes, payloadBytes } = sizes;
  return {
    kind: "announcement",
    payloadBytes,
    finish: (payload) => ({ kind: "publish", subject, replyTo, headerBytes, payload }),
  };
}

/** subject id [reply-to] [header bytes] total bytes */
function readMessage(words: readonly string[], headerWords: 0 | 1): Announcement | undefined {
  const names = words.slice(0, words.length - 1 - headerWords);
  const [subject, id, replyTo = ""] = names;
  const sizes = readSizes(words.slice(names.length));
  if (subject === undefined || id === undefined) return undefined;
  if (names.length > 3 || sizes === undefined) return undefined;
  const { headerBytes, payloadBytes } = sizes;
  return {
    kind: "announcement",
    payloadBytes,
    finish: (payload) => ({ kind: "message", subject, id, replyTo, headerBytes, payload }),
  };
}

/** subject [queue] id */
function readSubscribe(words: readonly string[]): ProtocolEvent | undefined {
  const subject = words[0];
  const id = words.at(-1);
  if (subject === undefined || id === undefined) return undefined;
  if (words.length < 2 || words.length > 3) return undefined;
  return { kind: "subscribe", subject, queue: words.length === 3 ? (words[1] ?? "") : "", id };
}

/** id [max] */
function readUnsubscribe(words: readonly string[]): ProtocolEvent | undefined {
  const [id, max = "0"] = words;
  if (id === undefined || words.length > 2 || !SIZE.test(max)) return undefined;
  return { kind: "unsubscribe", id, deliveriesMax: Number(max) };
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}
