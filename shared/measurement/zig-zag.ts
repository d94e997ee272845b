/**
 * HdrHistogram's LEB128-64b9B: zig-zag integers in 7-bit groups, least significant first, of at most nine bytes, the
 * ninth of which holds 8 bits. Not protobuf's varint, which takes ten.
 *
 * Arithmetic, not bit operations: those of JavaScript end at 32 bits.
 */
const GROUP = 0x80;
const NINTH = 8;

/** Appends one integer; `value` is safe (|value| < 2^53), so that nine bytes always do. */
export function writeZigZag(bytes: number[], value: number): void {
  // 2·|value| may need 54 bits, but is even or followed by -1: halve before it gets inexact.
  let rest = Math.abs(value);
  let group: number;
  if (value < 0) {
    // 2·rest − 1 = 2·(rest − 1) + 1
    rest -= 1;
    group = (rest % 64) * 2 + 1;
  } else {
    group = (rest % 64) * 2;
  }
  rest = Math.floor(rest / 64);
  while (rest > 0) {
    bytes.push(group + GROUP);
    group = rest % GROUP;
    rest = Math.floor(rest / GROUP);
  }
  bytes.push(group);
}

/** Reads one integer and moves the cursor past it; undefined when it is cut off or not a safe integer. */
export function readZigZag(bytes: Uint8Array, cursor: { at: number }): number | undefined {
  const first = bytes[cursor.at];
  if (first === undefined) return undefined;
  cursor.at += 1;
  const isNegative = first % 2 === 1;
  let magnitude = Math.floor((first % GROUP) / 2);
  let weight = 64;
  let byte = first;
  for (let place = 1; byte >= GROUP; place += 1) {
    const next = bytes[cursor.at];
    // The ninth byte's top bit is data and says not that more follows, but a value that has it is beyond 2^53.
    if (next === undefined || place > NINTH) return undefined;
    cursor.at += 1;
    magnitude += (next % GROUP) * weight;
    weight *= GROUP;
    byte = next;
  }
  if (isNegative) magnitude += 1;
  return Number.isSafeInteger(magnitude) ? (isNegative ? -magnitude : magnitude) : undefined;
}
