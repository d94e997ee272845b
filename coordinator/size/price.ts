import type { Reading } from "../plan/problem.ts";

/** What something costs for an hour. */
export interface Price {
  readonly perHour: number;
  /** Of a whole replica, or of each of its GPUs. */
  readonly per: "replica" | "gpu";
  /** "$", "€" or "£". */
  readonly currency: string;
}

const SHAPE = /^([$€£]?)\s*(\d+(?:\.\d+)?|\.\d+)\s*(?:\/\s*(gpu-)?([a-z]+))?$/i;
const HINT = "write it as 3.2/h for a replica, or 3.2/gpu-h for each of its GPUs (with --gpus N)";

/** `3.2/h`, `$3.2/gpu-h`. A price without its unit may be of a month, or of a node: it is refused. */
export function readPrice(text: string): Reading<Price> {
  const match = SHAPE.exec(text.trim());
  if (match === null) return { message: `"${text}" is no price`, hint: HINT };
  const [, currency = "", digits = "", gpu, unit] = match;
  if (unit === undefined) return { message: `"${text}" has no unit`, hint: HINT };
  if (!["h", "hour", "hr"].includes(unit.toLowerCase())) {
    return { message: `"${unit}" is no unit of a price`, hint: HINT };
  }
  const perHour = Number(digits);
  if (perHour <= 0) return { message: `"${text}" is no price above 0`, hint: HINT };
  return {
    value: { perHour, per: gpu === undefined ? "replica" : "gpu", currency: currency || "$" },
  };
}

/** Of a replica with so many GPUs, an hour. */
export function replicaPricePerHour(price: Price, gpus: number): number {
  return price.per === "gpu" ? price.perHour * gpus : price.perHour;
}

/** What a replica stands on, as its user says. */
export interface Hardware {
  readonly gpus: number;
  /** Of the whole replica, an hour. */
  readonly pricePerHour: number | null;
  readonly currency: string;
}
