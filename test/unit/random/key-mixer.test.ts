import assert from "node:assert/strict";
import { test } from "node:test";
import { type KeyBlock, KeyMixer } from "../../../shared/random/key-mixer.ts";

const mixed = (first: KeyBlock, second: KeyBlock): string[] =>
  new KeyMixer()
    .absorb(first)
    .absorb(second)
    .finish()
    .map((word) => (word >>> 0).toString(16).padStart(8, "0"));

test("a key mixes as the reference MurmurHash3_x86_128 mixes its 32 bytes", () => {
  // From the reference's C++ by way of the Python package mmh3 5.2, words packed little end first.
  assert.deepEqual(mixed([0, 0, 0, 0], [0, 0, 0, 0]), [
    "84654c50",
    "4e8b044d",
    "cf27490c",
    "5269b5f0",
  ]);
  assert.deepEqual(mixed([1, 0, 1, 0], [0, 0, 0, 0]), [
    "046184d0",
    "0a0ee808",
    "499ff7c0",
    "df4bc4f7",
  ]);
  assert.deepEqual(mixed([0xffffffff, 0x1fffff, 7, 4], [123456789, 1, 3, 0]), [
    "a3b122d1",
    "a3aa69fb",
    "f49de0c0",
    "4383ea66",
  ]);
});

test("one bit of the key turns about half of the bits", () => {
  const base: KeyBlock = [7, 0, 3, 1];
  const reference = new KeyMixer().absorb(base).finish();
  for (const [word, bit] of [
    [0, 0],
    [1, 31],
    [2, 5],
    [3, 16],
  ] as const) {
    const key: [number, number, number, number] = [...base];
    key[word] ^= 1 << bit;
    const turned = new KeyMixer()
      .absorb(key)
      .finish()
      .map((value, i) => bitsIn(value ^ reference[i]!))
      .reduce((sum, bits) => sum + bits, 0);
    // Binomial(128, 1/2): 64 ± 5.7; these bounds are more than 4 of those.
    assert.ok(turned > 40 && turned < 88, `${turned} of 128 bits for word ${word}, bit ${bit}`);
  }
});

function bitsIn(word: number): number {
  return (word >>> 0).toString(2).replaceAll("0", "").length;
}
