/** What the sink reads of a request: how much to answer, and which one it was. */
export interface SinkRequest {
  readonly tokens: number;
  /** -1 without one. */
  readonly number: number;
}

const HEAD_END = "\r\n\r\n";
const TOKENS_MAX = 100_000;

/**
 * The first whole request of `text` (latin1, one character a byte) and what is left behind it; undefined while it is
 * not whole. Enough of HTTP for our own endpoint: a request line, `content-length`, a body.
 */
export function takeRequest(
  text: string,
): { readonly request: SinkRequest; readonly rest: string } | undefined {
  const headEnd = text.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const bodyFrom = headEnd + HEAD_END.length;
  const bodyUntil = bodyFrom + Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0);
  if (text.length < bodyUntil) return undefined;
  const body = text.slice(bodyFrom, bodyUntil);
  const tokens = Number(/"max_(?:completion_)?tokens": *(\d+)/.exec(body)?.[1] ?? 1);
  const number = Number(/"#(\d+) /.exec(body)?.[1] ?? -1);
  return {
    request: { tokens: Math.min(TOKENS_MAX, Math.max(1, tokens)), number },
    rest: text.slice(bodyUntil),
  };
}
