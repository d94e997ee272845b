import { chosen, count, ms, percent, plural, rate, seconds } from "./format.ts";
import type { MaxRateView, ProbeView, Result } from "./result.ts";

/** The answer in one sentence; it never states a number that the validity verdict does not carry. */
export function headline(result: Result): string {
  const { outcome, maxRate } = result;
  if (maxRate !== null) return maxRateSentence(result, maxRate);
  switch (outcome.kind) {
    case "hopeless":
      return `No rate meets ${sloText(result)}: ${outcome.reason}.`;
    case "inconclusive":
      return `No answer within the budget: ${outcome.reason}.`;
    case "interrupted":
      return `Interrupted after ${seconds(result.durationS)}${because(outcome.reason)}; what was measured is saved.`;
    case "agents-lost":
      return `Ended after ${seconds(result.durationS)}${because(outcome.reason)}; what was measured is saved.`;
    case "found":
    case "finished":
      return runSentence(result);
  }
}

/** All clauses in one line. */
export function sloText(result: Result): string {
  return result.slo.map((clause) => clause.text).join(", ");
}

function maxRateSentence(result: Result, maxRate: MaxRateView): string {
  const meets = `meets ${sloText(result)}`;
  const interval =
    maxRate.high === null
      ? `At least ${rate(maxRate.low)} requests/s ${meets}`
      : `${rate(maxRate.requestsPerSecond)} requests/s ` +
        `(${rate(maxRate.low)}–${rate(maxRate.high)}, ${percent(maxRate.confidence)}) ${meets}`;
  const parts = [interval, limit(result, maxRate)];
  if (result.outcome.kind === "interrupted") {
    parts.push(`interrupted after ${seconds(result.durationS)}`);
  }
  if (result.saturation !== null) {
    parts.push(`the server saturates at ${rate(result.saturation.requestsPerSecond)} requests/s`);
  }
  return `${parts.filter((part) => part !== "").join("; ")}.`;
}

function limit(result: Result, maxRate: MaxRateView): string {
  switch (maxRate.limitedBy) {
    case "server":
      // With a single clause the sentence has named it already.
      return maxRate.boundBy === null || result.slo.length === 1
        ? ""
        : `${maxRate.boundBy} binds first`;
    case "max-rate":
      return "--max-rate ended the search, not the server";
    case "generator":
      return "limited by the generator, not the server";
    case "budget":
      return "the time budget ended the search";
  }
}

function runSentence(result: Result): string {
  const { probes } = result;
  const [first] = probes;
  if (first === undefined) return `Nothing was measured${because(result.outcome.reason)}.`;
  const invalid = probes.filter((probe) => probe.validity.verdict === "invalid").length;
  const sentence = sentenceOf(result, first);
  return invalid === 0 ? sentence : `INVALID (see below), so judge no server by it: ${sentence}`;
}

function sentenceOf(result: Result, first: ProbeView): string {
  if (result.command === "sweep") return sweepSentence(result);
  return result.probes.length === 1 ? oneProbe(result, first) : manyProbes(result);
}

function sweepSentence(result: Result): string {
  const { probes, saturation, knee, slo } = result;
  const floor = probes.find(({ mode }) => mode === "serial");
  const met = probes
    .filter(({ verdict, validity }) => verdict === "met" && validity.verdict !== "invalid")
    .flatMap(({ requestsPerSecond }) => requestsPerSecond ?? []);
  const parts = [
    saturation === null
      ? ""
      : `The server carries ${rate(saturation.requestsPerSecond)} requests/s at most`,
    floor === undefined ? "" : `${rate(floor.completedPerSecond)}/s one at a time`,
    knee === null ? "" : `latency turns at ${rate(knee.requestsPerSecond)} requests/s`,
    slo.length === 0 ? "" : metWords(result, met),
  ];
  return `${parts.filter((part) => part !== "").join("; ")}.`;
}

function metWords(result: Result, met: readonly number[]): string {
  if (met.length === 0)
    return `none of ${count(result.probes.length)} windows is shown to meet ${sloText(result)}`;
  return `the highest rate measured that meets ${sloText(result)} is ${rate(Math.max(...met))} requests/s`;
}

function oneProbe(result: Result, probe: ProbeView): string {
  const parts = [`${load(probe)} for ${seconds(probe.durationS)}: ${verdictWords(result, probe)}`];
  const { p50, p99 } = probe.ttftMs;
  if (p50 !== null) {
    parts.push(`TTFT p50 ${ms(p50)} ms${p99 === null ? "" : `, p99 ${ms(p99)} ms`}`);
  }
  parts.push(failures(probe));
  return `${parts.filter((part) => part !== "").join("; ")}.`;
}

function verdictWords(result: Result, probe: ProbeView): string {
  switch (probe.verdict) {
    case null:
      return `${rate(probe.achievedPerSecond)} requests/s achieved`;
    case "met":
      return `meets ${sloText(result)}`;
    case "violated":
      return `violates ${clausesThat(probe, "violated") || sloText(result)}`;
    case "undecided":
      return `undecided on ${clausesThat(probe, "undecided") || sloText(result)}`;
  }
}

function clausesThat(probe: ProbeView, verdict: "violated" | "undecided"): string {
  return probe.clauses
    .filter((clause) => clause.verdict === verdict)
    .map((clause) => clause.text)
    .join(", ");
}

function manyProbes(result: Result): string {
  const { probes } = result;
  const met = probes.filter(
    (probe) => probe.verdict === "met" && probe.validity.verdict !== "invalid",
  );
  const ended = result.outcome.reason === "" ? "" : ` ${result.outcome.reason}.`;
  if (result.slo.length === 0) {
    const turns = result.against === undefined ? "" : " on two endpoints in turn";
    return `${count(probes.length)} windows measured, ${loads(probes)}${turns}.${ended}`;
  }
  if (met.length === 0)
    return `None of ${count(probes.length)} windows meets ${sloText(result)}.${ended}`;
  return `${count(met.length)} of ${count(probes.length)} windows meet ${sloText(result)}: ${loads(met)}.${ended}`;
}

/** Each load once. */
function loads(probes: readonly ProbeView[]): string {
  return [...new Set(probes.map(load))].join(", ");
}

/** The load of a window, in words. */
export function load(probe: ProbeView): string {
  if (probe.requestsPerSecond !== null) return `${chosen(probe.requestsPerSecond)} requests/s`;
  if (probe.mode === "serial") return "one request at a time";
  return probe.streams === null ? probe.mode : plural(probe.streams, "stream");
}

function failures(probe: ProbeView): string {
  const failed = failedCount(probe);
  const { fired } = probe.countsByOutcome;
  return failed === 0
    ? ""
    : `${count(failed)} of ${count(fired)} requests failed (${failureKinds(probe).join(", ")})`;
}

/** Each kind of failure with its count, HTTP errors by status. */
function failureKinds({ countsByOutcome, httpErrorsByStatus }: ProbeView): string[] {
  const { connect_error, stream_error, timeout } = countsByOutcome;
  const kinds: readonly (readonly [name: string, failed: number])[] = [
    ...Object.entries(httpErrorsByStatus).map(([status, n]) => [`HTTP ${status}`, n] as const),
    ["no connection", connect_error],
    ["stream broken", stream_error],
    ["timed out", timeout],
  ];
  return kinds.filter(([, failed]) => failed > 0).map(([name, n]) => `${name}: ${count(n)}`);
}

/** Requests that ended badly, and arrivals that never left. */
export function failedCount(probe: ProbeView): number {
  const counts = probe.countsByOutcome;
  return counts.http_error + counts.connect_error + counts.stream_error + counts.timeout;
}

/** Scheduled arrivals that were dropped, for whatever reason. */
export function droppedCount(probe: ProbeView): number {
  const counts = probe.countsByOutcome;
  return counts.dropped_in_flight_bound + counts.dropped_socket + counts.dropped_policy;
}

function because(reason: string): string {
  return reason === "" ? "" : `: ${reason}`;
}
