import type { Prng } from "../../shared/random/stream.ts";
import { drawExponential, drawLognormal } from "../../shared/random/samplers.ts";
import type { ServiceTime } from "./config.ts";

export function drawServiceNs(service: ServiceTime, prng: Prng): number {
  switch (service.kind) {
    case "fixed":
      return service.meanNs;
    case "exponential":
      return drawExponential(prng) * service.meanNs;
    case "lognormal":
      return drawLognormal(prng, {
        mean: service.meanNs,
        coefficientOfVariation: service.coefficientOfVariation,
      });
  }
}
