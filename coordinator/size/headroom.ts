import { assert } from "../../shared/assert.ts";

/**
 * The part of what a replica carries that is planned for it, so that load which grows while another one starts is
 * still carried: 1 / (1 + γ D).
 *
 * @param growth.perSecond γ: the growth to survive, as a part of the load, per second; 0: none.
 * @param growth.reactionS D: from the moment the load grows until another replica serves, s.
 */
export function headroomFraction(growth: {
  readonly perSecond: number;
  readonly reactionS: number;
}): number {
  const { perSecond, reactionS } = growth;
  assert(perSecond >= 0 && reactionS >= 0, "growth and delay are not negative");
  return 1 / (1 + perSecond * reactionS);
}
