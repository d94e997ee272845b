import { assert } from "../../shared/assert.ts";
import { incompleteBeta } from "../search/binomial.ts";

const HALVINGS = 80;
/** Beyond the 99.9 % quantile of one degree of freedom. */
const T_MAX = 1_000;

/**
 * The t that a Student-distributed value lies within `± t` of 0 with the given probability, found by halving
 * P(|T| > t) = I_{ν/(ν+t²)}(ν/2, ½) (Abramowitz and Stegun 26.7.1).
 *
 * @param degrees of freedom, at least 1.
 */
export function studentBound(confidence: number, degrees: number): number {
  assert(degrees >= 1 && confidence > 0 && confidence <= 0.999, "a bound has degrees of freedom");
  let low = 0;
  let high = T_MAX;
  for (let i = 0; i < HALVINGS; i++) {
    const t = (low + high) / 2;
    const beyond = incompleteBeta(degrees / 2, 0.5, degrees / (degrees + t * t));
    if (beyond > 1 - confidence) low = t;
    else high = t;
  }
  return (low + high) / 2;
}
