import type { IncomingMessage } from "node:http";

/** A prompt of a million tokens has about 8 MB. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;

/** Reads a request's body, then calls `done` in the same turn of the loop; undefined when it is too large. */
export function readBody(request: IncomingMessage, done: (body: string | undefined) => void): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  request.on("data", (part: Buffer) => {
    bytes += part.length;
    if (bytes <= BODY_BYTES_MAX) parts.push(part);
    else parts.length = 0;
  });
  request.on("end", () => {
    if (bytes > BODY_BYTES_MAX) done(undefined);
    else done((parts.length === 1 ? parts[0] : Buffer.concat(parts))?.toString("utf8") ?? "");
  });
  // A client that leaves in mid-body has asked for nothing.
  request.on("error", () => undefined);
}
