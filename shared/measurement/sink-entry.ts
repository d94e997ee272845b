/** What a null sink logged of one answer; instants are of the host's monotonic clock, ns. */
export interface SinkEntry {
  /** The request's own number, as its prompt begins with it ("#12 …"); -1 without one. */
  readonly number: number;
  /** The read that completed the request came back. */
  readonly receivedAtNs: number;
  /** For each token: when its event had been handed to the socket. */
  readonly writtenAtNs: readonly number[];
}
