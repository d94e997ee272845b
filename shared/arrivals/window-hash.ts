import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { assert } from "../assert.ts";
import { NS_PER_US } from "../units.ts";
import { placeOfAgent } from "./share.ts";
import { FleetArrivals, type StripeKey } from "./striped.ts";

/** What an agent answers when a segment is armed. */
export interface WindowHash {
  /** SHA-256, hex; empty for a mode without a schedule. */
  readonly hashHex: string;
  /** Arrivals of the recorded window that this agent owns. */
  readonly ownedCount: number;
  /** Arrivals of the recorded window, whoever owns them. */
  readonly totalCount: number;
}

/**
 * Hashes every arrival of a segment's recorded window, in slices, so that firing goes on in between.
 *
 * Equal hashes on all agents prove that they hold the same schedule before the first request leaves; owned counts
 * that add up to the total prove that each arrival has an owner. Hashed are, for each arrival, its index and its
 * offset from the segment's start in µs, each as 64 bits, little end first.
 */
export class WindowHasher {
  private readonly arrivals: FleetArrivals;
  private readonly scheduled: boolean;
  private readonly place: number;
  private readonly fromNs: number;
  private readonly untilNs: number;
  private readonly hash = sha256.create();
  private readonly bytes = new Uint8Array(BATCH_ARRIVALS * ARRIVAL_BYTES);
  private readonly view = new DataView(this.bytes.buffer);
  private filled = 0;
  private ownedCount = 0;
  private totalCount = 0;
  private done: boolean;

  constructor({ segment, seed, agentId }: StripeKey) {
    this.arrivals = new FleetArrivals({ segment, seed });
    this.scheduled = segment.mode.kind === "open";
    this.place = placeOfAgent(segment.shares, agentId);
    this.fromNs = segment.recordFromNs - segment.startAtNs;
    this.untilNs = segment.recordUntilNs - segment.startAtNs;
    this.done = !this.scheduled;
  }

  /** Walks on by at most `arrivalsMax` arrivals, at about 0.2 µs each; true when there is no more to do. */
  step(arrivalsMax: number): boolean {
    assert(arrivalsMax >= 1, "a slice of at least one arrival");
    for (let walked = 0; walked < arrivalsMax && !this.done; walked++) this.walk();
    return this.done;
  }

  /** Only once `step` has returned true. */
  result(): WindowHash {
    assert(this.done, "the whole window is hashed");
    const { ownedCount, totalCount } = this;
    if (!this.scheduled) return { hashHex: "", ownedCount, totalCount };
    // A copy, so that asking twice gives the same answer.
    const digest = this.hash.clone().update(this.bytes.subarray(0, this.filled)).digest();
    return { hashHex: bytesToHex(digest), ownedCount, totalCount };
  }

  private walk(): void {
    const { arrivals } = this;
    if (!arrivals.next() || arrivals.offsetNs >= this.untilNs) {
      this.done = true;
      return;
    }
    if (arrivals.offsetNs < this.fromNs) return;
    this.totalCount++;
    if (arrivals.place === this.place) this.ownedCount++;
    this.write(arrivals.index);
    this.write(arrivals.offsetNs / NS_PER_US);
    if (this.filled < this.bytes.length) return;
    this.hash.update(this.bytes);
    this.filled = 0;
  }

  private write(word: number): void {
    this.view.setUint32(this.filled, word % WORD, true);
    this.view.setUint32(this.filled + 4, Math.floor(word / WORD), true);
    this.filled += 8;
  }
}

const WORD = 2 ** 32;
const ARRIVAL_BYTES = 16;
/** Arrivals gathered before they go into the hash: enough that the call costs nothing beside the hashing. */
const BATCH_ARRIVALS = 64;
