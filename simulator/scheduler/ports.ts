import type { Work } from "./config.ts";

/** What happens to requests, in the order of the instants. Tokens count from 1. */
export interface SchedulerEvents<Request> {
  /** It left the waiting line. */
  onStart(request: Request, atNs: number): void;
  onToken(request: Request, atNs: number, k: number): void;
  /** Its last token came. Nothing more is told of it. */
  onDone(request: Request, atNs: number): void;
}

/** A request in a scheduler, to give it up by. */
export interface Job<Request> {
  readonly request: Request;
}

/**
 * A server over virtual time. It knows no clock: the caller says what time it is. The caller advances to an
 * instant before it lets a request arrive or leave at it; instants never go back.
 */
export interface Scheduler<Request extends Work> {
  /** The request joins the line. Nothing is told of it before the next `advance`, not even its start. */
  arrive(atNs: number, request: Request): Job<Request>;
  /** The client left: out of the line, or its slot (its place in the batch) is free from `atNs` on. */
  cancel(atNs: number, job: Job<Request>): void;
  /** When `advance` has something to tell next; Infinity while nothing is on its way. */
  nextEventAtNs(): number;
  /** Tells everything up to and with `toNs`; Infinity serves everyone who is there to the end. */
  advance(toNs: number, events: SchedulerEvents<Request>): void;
  /** Started and not done. */
  running(): number;
  waiting(): number;
  /** Part of the slots (of the places in the batch) in use, 0 to 1. */
  occupancy(): number;
}
