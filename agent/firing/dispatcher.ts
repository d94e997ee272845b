import type { Clock } from "../../shared/time/clock.ts";
import type { Endpoint, RequestOrder } from "../ports.ts";
import type { Flight } from "../recording/flight.ts";
import type { NotSent, Recorder } from "../recording/recorder.ts";

/** A request that is ready to leave. */
export interface Load {
  readonly index: number;
  readonly classIndex: number;
  readonly order: RequestOrder;
}

export interface DispatcherOptions {
  readonly clock: Clock;
  readonly endpoint: Endpoint;
  readonly recorder: Recorder;
  /** Of this agent; an arrival over it is dropped and counted, never queued. */
  readonly inFlightMax: number;
  /** Why nothing may leave now (a lapsed lease, a stop, a policy); undefined when it may. */
  readonly heldBack: (nowNs: number) => NotSent | undefined;
}

/** A request on its way, and how to give it up. */
interface Pending {
  readonly flight: Flight;
  readonly giveUp: (outcome: "timeout" | "censored") => void;
}

/** Sends requests, holds the in-flight bound, and gives up those whose segment is long over. Time-outs are the endpoint's. */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #pending = new Map<Flight, Pending>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  /** Sends now, or counts why not. `intendedAtNs`: run clock; `nowNs`: agent's clock, as the batch read it. */
  dispatch(load: Load, intendedAtNs: number, nowNs: number): boolean {
    const { clock, endpoint, recorder, inFlightMax, heldBack } = this.#options;
    const held = heldBack(nowNs);
    if (held !== undefined || recorder.inFlight >= inFlightMax) {
      recorder.notSent(load, intendedAtNs, held ?? "droppedInFlightBound");
      return false;
    }
    // Read anew: the last of a large batch leaves later than the first, and its send delay must say so.
    const flight = recorder.fired(load, intendedAtNs, clock.nowNs());
    const giveUp = endpoint.send(load.order, flight);
    if (flight.ended) return true;
    this.#pending.set(flight, { flight, giveUp });
    return true;
  }

  /** Whether a request handed over now would not be sent. */
  blocked(nowNs: number): boolean {
    const { recorder, inFlightMax, heldBack } = this.#options;
    return heldBack(nowNs) !== undefined || recorder.inFlight >= inFlightMax;
  }

  /** The recorder says that a request is over. */
  ended(flight: Flight): void {
    this.#pending.delete(flight);
  }

  /** Gives up every open request for which `which` holds. */
  censor(which: (flight: Flight) => boolean): void {
    for (const { flight, giveUp } of [...this.#pending.values()])
      if (which(flight)) giveUp("censored");
  }

  close(): void {
    this.censor(() => true);
  }
}
