/** Four words of 32 bits; only their low 32 bits count. */
export type KeyBlock = readonly [number, number, number, number];

/**
 * MurmurHash3_x86_128 (Austin Appleby, public domain) with seed 0, over whole blocks of four words of 32 bits.
 *
 * Its result is as wide as a generator's state, and each bit of the key turns about half of its bits, so
 * generators of different keys start at unrelated points. Not a cryptographic hash, and need not be one.
 *
 * @see https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
 */
export class KeyMixer {
  private h1 = 0;
  private h2 = 0;
  private h3 = 0;
  private h4 = 0;
  private bytes = 0;

  absorb(block: KeyBlock): this {
    // By position, not destructured: that would go through the array's iterator, in code that runs per request.
    const h1 = rotate(this.h1 ^ scramble(block[0], { by: C1, turn: 15, then: C2 }), 19) + this.h2;
    this.h1 = (Math.imul(h1, 5) + 0x561ccd1b) | 0;
    const h2 = rotate(this.h2 ^ scramble(block[1], { by: C2, turn: 16, then: C3 }), 17) + this.h3;
    this.h2 = (Math.imul(h2, 5) + 0x0bcaa747) | 0;
    const h3 = rotate(this.h3 ^ scramble(block[2], { by: C3, turn: 17, then: C4 }), 15) + this.h4;
    this.h3 = (Math.imul(h3, 5) + 0x96cd1c35) | 0;
    const h4 = rotate(this.h4 ^ scramble(block[3], { by: C4, turn: 18, then: C1 }), 13) + this.h1;
    this.h4 = (Math.imul(h4, 5) + 0x32ac3b17) | 0;
    this.bytes += 16;
    return this;
  }

  /** Four words of 32 bits, signed. */
  finish(): KeyBlock {
    let h1 = this.h1 ^ this.bytes;
    let h2 = this.h2 ^ this.bytes;
    let h3 = this.h3 ^ this.bytes;
    let h4 = this.h4 ^ this.bytes;
    h1 = (h1 + h2 + h3 + h4) | 0;
    h2 = finalise(h2 + h1);
    h3 = finalise(h3 + h1);
    h4 = finalise(h4 + h1);
    h1 = (finalise(h1) + h2 + h3 + h4) | 0;
    return [h1, (h2 + h1) | 0, (h3 + h1) | 0, (h4 + h1) | 0];
  }
}

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

function scramble(word: number, step: { by: number; turn: number; then: number }): number {
  return Math.imul(rotate(Math.imul(word, step.by), step.turn), step.then);
}

function rotate(word: number, turn: number): number {
  return (word << turn) | (word >>> (32 - turn));
}

/** The reference's fmix32. */
function finalise(word: number): number {
  let mixed = word ^ (word >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
