import { readFraction } from "../coordinator/plan/quantities.ts";
import { flagInvalid, valueOf } from "./flag-invalid.ts";

/** Beyond doubling each second nothing scales. */
const GROWTH = { min: 0, max: 100 };
const SECONDS_PER: Readonly<Record<string, number>> = { s: 1, min: 60, m: 60, h: 3_600 };

/** `20%/min`, `0.5%/s`, `100%/h`: growth as a part of the load in a second. @throws LoadError LL_FLAG_INVALID */
export function growthFlag(text: string): number {
  const [part = "", unit = ""] = text.split("/");
  const unitS = SECONDS_PER[unit.trim().toLowerCase()];
  if (unitS === undefined)
    throw flagInvalid(`--growth is ${text}, without a time`, "write it as 20%/min or 0.5%/s");
  return valueOf("--growth", readFraction(part, GROWTH)) / unitS;
}
