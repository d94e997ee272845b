/**
 * How a fired request ended. The position is the code on the wire: append only.
 *
 * `censored`: still open when the drain bound passed; its latency is *at least* what it had reached.
 * `unknown`: its agent was lost before it could say.
 */
export const OUTCOMES = [
  "ok",
  "http_error",
  "connect_error",
  "stream_error",
  "timeout",
  "censored",
  "unknown",
] as const;
export type Outcome = (typeof OUTCOMES)[number];
