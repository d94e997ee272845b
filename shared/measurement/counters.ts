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
