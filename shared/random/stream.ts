import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";
import { assert } from "../assert.ts";
import { KeyMixer } from "./key-mixer.ts";

/** A stream of random numbers that replays. */
export interface Prng {
  /** Uniform in [0, 1), a multiple of 2⁻⁵³: may be 0, is never 1. */
  nextUnit(): number;
}

/**
 * What a stream is for. Each purpose has a stream of its own, so that drawing more for one moves no other.
 * The position is part of the key: append only, or every seed means another run.
 */
export const PURPOSES = ["arrivals", "class", "prompt-tokens", "output-tokens", "nonce"] as const;
export type Purpose = (typeof PURPOSES)[number];

/** The one key that everything random derives from. */
export interface StreamKey {
  /** The run's seed: a safe integer, at least 0. */
  readonly seed: number;
  /** The segment's number: a whole number below 2³². */
  readonly segment: number;
  readonly purpose: Purpose;
  /** Which arrival (or, of a closed mode, the request's ordinal): a safe integer; 0 where the purpose has no such thing. */
  readonly index?: number;
  /** 0 where requests belong to the schedule; 1 + the agent's place where they belong to the agent (closed modes). */
  readonly lane?: number;
}

/**
 * The stream of a key: xoroshiro128+, its 128 bits of state being the MurmurHash3 of the key. A few tens of ns, so
 * that each arrival can have streams of its own and any agent can draw the i-th request without the ones before it.
 */
export function randomStream(key: StreamKey): Prng {
  const { seed, segment, index = 0, lane = 0 } = key;
  assert(Number.isSafeInteger(seed) && seed >= 0, "a seed is a safe integer, at least 0");
  assert(Number.isSafeInteger(index) && index >= 0, "an index is a safe integer, at least 0");

  const state = new KeyMixer()
    .absorb([seed, seed / WORD, segment, PURPOSES.indexOf(key.purpose)])
    .absorb([index, index / WORD, lane, 0])
    .finish();
  // Only a state of 128 zeros would be stuck, which one key in 2^128 gives.
  return new XoroshiroPrng(xoroshiro128plusFromState(state));
}

const WORD = 2 ** 32;
const UNITS = 2 ** -53;

class XoroshiroPrng implements Prng {
  private readonly generator: RandomGenerator;

  constructor(generator: RandomGenerator) {
    this.generator = generator;
  }

  nextUnit(): number {
    // 27 and 26 bits, from the top of each word: the lowest bits of xoroshiro128+ are its weak ones.
    const high = this.generator.next() >>> 5;
    const low = this.generator.next() >>> 6;
    return (high * 2 ** 26 + low) * UNITS;
  }
}
