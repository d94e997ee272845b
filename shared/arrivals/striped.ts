import type { Segment } from "../segment/segment.ts";
import type { ArrivalSchedule } from "./arrivals.ts";
import { openSchedule } from "./schedule.ts";
import { placeOfAgent, shareMap } from "./share.ts";

/** Which agent walks which segment of which run. */
export interface StripeKey {
  readonly segment: Segment;
  readonly seed: number;
  readonly agentId: string;
}

/** An agent's walk over a segment's arrivals. Fields are of the arrival that the last `next()` came to. */
export interface AgentArrivals {
  /** Of the whole fleet's schedule, from 0. */
  readonly index: number;
  /** Run clock, ns. */
  readonly intendedAtNs: number;
  /** Goes to the next arrival; false when the segment has no more, and ever after. */
  next(): boolean;
}

/**
 * The arrivals that an agent owns, in order, up to the segment's end or its `requestsMax`.
 *
 * It walks every arrival of the fleet and keeps its own: no agent needs another, or the coordinator, to know its
 * part, and the parts of any number of agents are one and the same schedule. A mode without a schedule has no
 * arrivals, and neither has an agent without a share.
 */
export function agentArrivals(key: StripeKey): AgentArrivals {
  return new OwnArrivals(key);
}

/** Every arrival of a segment, whoever owns it. */
export class FleetArrivals {
  index = -1;
  /** From the segment's start, ns. */
  offsetNs = 0;
  /** The owner's position in the segment's shares. */
  place = 0;

  private readonly schedule: ArrivalSchedule | undefined;
  private readonly map: Uint16Array;
  private readonly lengthNs: number;
  private readonly indexEnd: number;
  private turn = -1;

  constructor(options: { readonly segment: Segment; readonly seed: number }) {
    const { mode, number, shares, startAtNs, endByNs, requestsMax } = options.segment;
    const key = { seed: options.seed, segment: number };
    this.schedule = mode.kind === "open" ? openSchedule(mode.arrivals, key) : undefined;
    this.map = mode.kind === "open" ? shareMap(shares) : new Uint16Array();
    this.lengthNs = endByNs - startAtNs;
    this.indexEnd = requestsMax === 0 ? Infinity : requestsMax;
  }

  /** Goes to the next arrival; false when the segment has no more, and ever after. */
  next(): boolean {
    if (this.schedule === undefined || this.index + 1 >= this.indexEnd) return false;
    const offsetNs = this.schedule.nextAtNs();
    // The schedule has moved on past an arrival that does not exist; one after it does not exist either.
    if (offsetNs >= this.lengthNs) return false;
    this.offsetNs = offsetNs;
    this.index++;
    this.turn = this.turn + 1 === this.map.length ? 0 : this.turn + 1;
    this.place = this.map[this.turn] ?? 0;
    return true;
  }
}

class OwnArrivals implements AgentArrivals {
  index = -1;
  intendedAtNs = 0;

  private readonly fleet: FleetArrivals;
  private readonly place: number;
  private readonly startAtNs: number;
  private readonly owns: boolean;

  constructor({ segment, seed, agentId }: StripeKey) {
    this.fleet = new FleetArrivals({ segment, seed });
    this.place = placeOfAgent(segment.shares, agentId);
    this.startAtNs = segment.startAtNs;
    // An agent that owns nothing would walk the whole segment in its first call.
    this.owns = (segment.shares[this.place]?.capacity ?? 0) > 0;
  }

  next(): boolean {
    while (this.owns && this.fleet.next()) {
      if (this.fleet.place !== this.place) continue;
      this.index = this.fleet.index;
      this.intendedAtNs = this.startAtNs + this.fleet.offsetNs;
      return true;
    }
    return false;
  }
}
