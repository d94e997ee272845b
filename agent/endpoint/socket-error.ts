/** What a peer that hangs up leaves behind, on a socket that was open. */
const CLOSED_CODES: ReadonlySet<string> = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE"]);

/** The other side closed the connection, in order, before the response was whole. */
export class ConnectionClosed extends Error {
  override readonly name = "ConnectionClosed";

  constructor() {
    super("the other side closed the connection");
  }
}

/** The code of a system or library error; "" without one. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : "";
}

/** Whether the connection was closed by the other side. */
export function isClosedByPeer(error: unknown): boolean {
  return error instanceof ConnectionClosed || CLOSED_CODES.has(errorCode(error));
}

/** In words. Several addresses that all fail make an error without words of its own. */
export function describeError(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  const text = first instanceof Error ? first.message : error.message;
  const code = errorCode(error);
  return text.includes(code) ? text : `${code} ${text}`.trim();
}
