/* What a server says, as bytes. Strings are latin1, as in protocol-event.ts. */

const CRLF = "\r\n";

export const PING = Buffer.from(`PING${CRLF}`);
export const PONG = Buffer.from(`PONG${CRLF}`);
export const OK = Buffer.from(`+OK${CRLF}`);

/** The headers of the answer to a request that nobody listens to. */
const NO_RESPONDERS = Buffer.from(`NATS/1.0 503${CRLF}${CRLF}`);

export function infoBytes(info: Readonly<Record<string, unknown>>): Uint8Array {
  return Buffer.from(`INFO ${JSON.stringify(info)}${CRLF}`);
}

export function errorBytes(reason: string): Uint8Array {
  return Buffer.from(`-ERR '${reason}'${CRLF}`);
}

export interface Delivery {
  readonly subject: string;
  readonly id: string;
  /** Empty when there is none. */
  readonly replyTo: string;
  /** The first so many bytes of the payload are headers. */
  readonly headerBytes: number;
  readonly payload: Uint8Array;
}

/** MSG, or HMSG when there are headers. */
export function deliveryBytes(delivery: Delivery): Uint8Array {
  const { subject, id, replyTo, headerBytes, payload } = delivery;
  const verb = headerBytes > 0 ? "HMSG" : "MSG";
  const reply = replyTo === "" ? "" : ` ${replyTo}`;
  const sizes = headerBytes > 0 ? `${headerBytes} ${payload.length}` : `${payload.length}`;
  const line = `${verb} ${subject} ${id}${reply} ${sizes}${CRLF}`;
  const bytes = Buffer.allocUnsafe(line.length + payload.length + CRLF.length);
  bytes.write(line, 0, "latin1");
  bytes.set(payload, line.length);
  bytes.write(CRLF, line.length + payload.length, "latin1");
  return bytes;
}

export function noRespondersBytes(subject: string, id: string): Uint8Array {
  const headerBytes = NO_RESPONDERS.length;
  return deliveryBytes({ subject, id, replyTo: "", headerBytes, payload: NO_RESPONDERS });
}
