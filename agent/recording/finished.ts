import type { RequestRecord } from "../../shared/measurement/report.ts";
import { NS_PER_US } from "../../shared/units.ts";
import { type Flight, NEVER } from "./flight.ts";
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

/** Mean time a token after the first, ns; undefined with fewer than two tokens. */
export function itlOf(flight: Flight): number | undefined {
  if (flight.firstContentAtNs === NEVER || flight.outputTokens < 2) return undefined;
  return (flight.lastContentAtNs - flight.firstContentAtNs) / (flight.outputTokens - 1);
}

/** Errors of a connect that say that this machine has nothing left to connect with; the server has no part in them. */
const OWN_ERRORS = /\b(?:EMFILE|ENFILE|EADDRNOTAVAIL|ENOBUFS|ENOMEM)\b/;

/** Whether a request got no connection for want of a descriptor, a port or a buffer of this machine. */
export function lacksOwnResource({ outcome, detail }: Flight): boolean {
  return outcome === "connect_error" && OWN_ERRORS.test(detail);
}

/** Whether the server counted another number of output tokens than was asked for; false where it counts none. */
export function isLengthOff({ outcome, usageTokens, askedTokens }: Flight): boolean {
  return outcome === "ok" && usageTokens !== NEVER && usageTokens !== askedTokens;
}

/** A finished request as its record says it. */
export function recordOf(flight: Flight): RequestRecord {
  const toUs = (ns: number): number => Math.round(ns / NS_PER_US);
  const since = (atNs: number): number =>
    atNs === NEVER ? NEVER : toUs(atNs - flight.intendedAtNs);
  const gaps = flight.contentEvents - 1;
  return {
    index: flight.index,
    classIndex: flight.classIndex,
    intendedAtUs: toUs(flight.intendedAtRunNs),
    sendDelayUs: toUs(flight.sentAtNs - flight.intendedAtNs),
    ttftUs: since(flight.firstContentAtNs),
    gapMeanUs: gaps > 0 ? toUs((flight.lastContentAtNs - flight.firstContentAtNs) / gaps) : NEVER,
    gapMaxUs: gaps > 0 ? toUs(flight.gapMaxNs) : NEVER,
    e2eUs: since(flight.lastContentAtNs),
    durationUs: toUs(flight.endAtNs - flight.sentAtNs),
    outputTokens: flight.outputTokens,
    inputTokens: Math.max(0, flight.inputTokens),
    contentEvents: flight.contentEvents,
    outcome: flight.outcome,
    status: flight.status,
  };
}
