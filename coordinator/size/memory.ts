import type { Reading } from "../plan/problem.ts";

const UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};
const HINT = "write it with its unit, such as 80GB (10^9 bytes) or 80GiB (2^30), 320KB, 320KiB";

/** `80GB`, `80GiB`, `320 KB`, in bytes. */
export function readMemory(text: string): Reading<number> {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*([a-z]*)$/i.exec(text.trim());
  if (match === null) return { message: `"${text}" is no amount of memory`, hint: HINT };
  const [, digits = "", unit = ""] = match;
  if (unit === "") return { message: `"${text}" has no unit`, hint: HINT };
  const factor = UNITS[unit.toLowerCase()];
  if (factor === undefined) return { message: `"${unit}" is no unit of memory`, hint: HINT };
  const bytes = Number(digits) * factor;
  return bytes > 0 ? { value: bytes } : { message: `"${text}" is nothing`, hint: HINT };
}

/** An amount as people read it: GB of 10^9 bytes. */
export function memoryText(bytes: number): string {
  if (bytes >= 1e9) return `${Number((bytes / 1e9).toFixed(1))} GB`;
  if (bytes >= 1e6) return `${Number((bytes / 1e6).toFixed(1))} MB`;
  return `${Number((bytes / 1e3).toFixed(1))} KB`;
}
