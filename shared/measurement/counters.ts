/**
 * Where every scheduled arrival and every fired request went. A monoid under addition.
 *
 *     scheduled = fired + dropped(in-flight bound | socket | policy) + notOffered(superseded | aborted)
 *     fired     = ok + http errors + connect errors + stream errors + timeouts + censored + open
 *
 * `open` is carried beside the counters, since it is a state and not a count of events.
 */
export interface Counters {
  readonly scheduled: number;
  readonly fired: number;
  readonly droppedInFlightBound: number;
  readonly droppedSocket: number;
  readonly droppedPolicy: number;
  readonly notOfferedSuperseded: number;
  readonly notOfferedAborted: number;
  readonly ok: number;
  /** By HTTP status. */
  readonly httpErrors: ReadonlyMap<number, number>;
  readonly connectErrors: number;
  readonly streamErrors: number;
  readonly timeouts: number;
  readonly censored: number;
}

const NAMES = [
  "scheduled",
  "fired",
  "droppedInFlightBound",
  "droppedSocket",
  "droppedPolicy",
  "notOfferedSuperseded",
  "notOfferedAborted",
  "ok",
  "connectErrors",
  "streamErrors",
  "timeouts",
  "censored",
] as const satisfies readonly Exclude<keyof Counters, "httpErrors">[];

export function zeroCounters(): Counters {
  return {
    scheduled: 0,
    fired: 0,
    droppedInFlightBound: 0,
    droppedSocket: 0,
    droppedPolicy: 0,
    notOfferedSuperseded: 0,
    notOfferedAborted: 0,
    ok: 0,
    httpErrors: new Map(),
    connectErrors: 0,
    streamErrors: 0,
    timeouts: 0,
    censored: 0,
  };
}

export function addCounters(a: Counters, b: Counters): Counters {
  const httpErrors = new Map(a.httpErrors);
  for (const [status, count] of b.httpErrors) {
    httpErrors.set(status, (httpErrors.get(status) ?? 0) + count);
  }
  const sum = { ...a, httpErrors };
  for (const name of NAMES) sum[name] = a[name] + b[name];
  return sum;
}

/** HTTP errors of every status. */
export function httpErrorCount(counters: Counters): number {
  let count = 0;
  for (const ofStatus of counters.httpErrors.values()) count += ofStatus;
  return count;
}

/** Requests that ended, and not well; censored ones did not end. */
export function failedCount(counters: Counters): number {
  const { connectErrors, streamErrors, timeouts } = counters;
  return httpErrorCount(counters) + connectErrors + streamErrors + timeouts;
}

export function droppedCount(counters: Counters): number {
  return counters.droppedInFlightBound + counters.droppedSocket + counters.droppedPolicy;
}

/**
 * What is wrong with the books, in words; empty when every scheduled arrival and fired request is accounted for.
 *
 * @param open requests fired and not ended at the same instant.
 */
export function conservationProblems(counters: Counters, open: number): readonly string[] {
  const problems = countProblems(counters, open);
  const dropped = droppedCount(counters);
  const notOffered = counters.notOfferedSuperseded + counters.notOfferedAborted;
  if (counters.scheduled !== counters.fired + dropped + notOffered) {
    problems.push(
      `${counters.scheduled} arrivals were scheduled, but ${counters.fired} fired, ` +
        `${dropped} dropped and ${notOffered} not offered`,
    );
  }
  const failed = failedCount(counters);
  if (counters.fired !== counters.ok + failed + counters.censored + open) {
    problems.push(
      `${counters.fired} requests were fired, but ${counters.ok} ended well, ${failed} failed, ` +
        `${counters.censored} were censored and ${open} are open`,
    );
  }
  return problems;
}

function countProblems(counters: Counters, open: number): string[] {
  const counts: [string, number][] = NAMES.map((name) => [name, counters[name]]);
  for (const [status, count] of counters.httpErrors) counts.push([`HTTP ${status}`, count]);
  counts.push(["open", open]);
  return counts
    .filter(([, count]) => !Number.isSafeInteger(count) || count < 0)
    .map(([name, count]) => `${name} is ${count}, which is no count`);
}
