import { Http1Reader } from "../../../agent/endpoint/http1-reader.ts";

/** What a reader made of the bytes of one response. */
export interface ReadResponse {
  /** Statuses of the heads that were told: at most one. */
  readonly statuses: readonly number[];
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  readonly isWhole: boolean;
  readonly keepsAlive: boolean;
  /** Bytes behind the response, which nobody asked for. */
  readonly left: number;
  /** Message of what did not match the protocol. */
  readonly error: string | undefined;
}

/** Pushes the bytes read by read into one buffer, as a socket does, then closes if asked to. */
export function readResponse(reads: readonly Uint8Array[], closes = false): ReadResponse {
  const statuses: number[] = [];
  const parts: Buffer[] = [];
  let headers: ReadonlyMap<string, string> = new Map();
  const reader = new Http1Reader();
  reader.begin({
    onHead: (head) => {
      statuses.push(head.status);
      headers = head.headers;
    },
    onBody: (buffer, start, end) => {
      parts.push(Buffer.from(buffer.subarray(start, end)));
    },
  });
  // Longer than any read and dirty: a reader that looks past the end of a read is found out.
  const longest = Math.max(0, ...reads.map((read) => read.length));
  const buffer = Buffer.alloc(longest + 16, "\r\n0\r\n\r\n");
  let left = 0;
  let error: string | undefined;
  for (const read of reads) {
    buffer.set(read);
    if (reader.isWhole || error !== undefined) {
      left += read.length;
      continue;
    }
    try {
      left += read.length - reader.push(buffer, read.length);
    } catch (thrown) {
      error = thrown instanceof Error ? thrown.message : String(thrown);
    }
  }
  if (closes) {
    reader.close();
  }
  return {
    statuses,
    headers,
    body: Buffer.concat(parts).toString("latin1"),
    isWhole: reader.isWhole,
    keepsAlive: reader.keepsAlive,
    left: error === undefined ? left : 0,
    error,
  };
}

/** Cuts bytes at places, which may be any numbers. */
export function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
  at.sort((a, b) => a - b);
  return at.slice(1).map((end, index) => Uint8Array.from(bytes.subarray(at[index], end)));
}
