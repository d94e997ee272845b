import { ABSENT } from "../../shared/measurement/timeline.ts";
import type { Flight } from "./flight.ts";
import type { MutableCounters } from "./interval-delta.ts";

/** Books a finished request under its outcome. */
export function countOutcome(counters: MutableCounters, flight: Flight): void {
  switch (flight.outcome) {
    case "ok":
      counters.ok += 1;
      break;
    case "http_error":
      counters.httpErrors.set(flight.status, (counters.httpErrors.get(flight.status) ?? 0) + 1);
      break;
    case "connect_error":
      counters.connectErrors += 1;
      break;
    case "timeout":
      counters.timeouts += 1;
      break;
    case "censored":
      counters.censored += 1;
      break;
    case "stream_error":
    case "unknown":
      counters.streamErrors += 1;
  }
}

/** Errors of a connect that say that this machine has nothing left to connect with; the server has no part in them. */
const OWN_ERRORS = /\b(?:EMFILE|ENFILE|EADDRNOTAVAIL|ENOBUFS|ENOMEM)\b/;

/** Whether a request got no connection for want of a descriptor, a port or a buffer of this machine. */
export function lacksOwnResource({ outcome, detail }: Flight): boolean {
  return outcome === "connect_error" && OWN_ERRORS.test(detail);
}

/** Whether the server counted another number of output tokens than was asked for; false where it counts none. */
export function isLengthOff({ outcome, outputTokens, askedTokens }: Flight): boolean {
  return outcome === "ok" && outputTokens !== ABSENT && outputTokens !== askedTokens;
}
