import { readWhole } from "../coordinator/plan/quantities.ts";
import { type Hardware, readPrice, replicaPricePerHour } from "../coordinator/size/price.ts";
import { valueOf } from "./flag-invalid.ts";

const GPUS_MAX = 100_000;

/** What `--price` and `--gpus` say of a replica. @throws LoadError LL_FLAG_INVALID */
export function hardwareOfTexts(price: string | undefined, gpuText: string | undefined): Hardware {
  const bounds = { min: 1, max: GPUS_MAX };
  const gpus = gpuText === undefined ? 1 : valueOf("--gpus", readWhole(gpuText, bounds));
  if (price === undefined) return { gpus, pricePerHour: null, currency: "$" };
  const read = valueOf("--price", readPrice(price));
  return { gpus, pricePerHour: replicaPricePerHour(read, gpus), currency: read.currency };
}
