import type { SearchOptions, WindowObserved } from "../procedure.ts";
import { type Anchor, saturatingOf, type Saturating } from "./anchor.ts";
import type { TailState } from "./state.ts";
import { saturateS } from "./timing.ts";

const TRIPPED_RELATIVE_SD = 0.1;

export function saturationSeen(
  options: SearchOptions,
  state: TailState,
  window: WindowObserved,
): Saturating {
  const unloaded = state.unloaded ?? { firstTokenS: 0, endToEndS: 0 };
  return saturatingOf(window.seconds, saturateS(options, unloaded));
}

/** λ_s from the segment that held a backlog; undefined while nothing was measured. */
export function anchorFrom(
  options: SearchOptions,
  state: TailState,
  window: WindowObserved,
): Anchor | undefined {
  const { ratePerSecond, relativeSd } = saturationSeen(options, state, window);
  if (ratePerSecond <= 0) return undefined;
  return { ratePerSecond, relativeSd, isAtLeast: false, raised: 0 };
}

/** What stands in for a saturation that could not be measured: the throughput of the ramp step that tripped. */
export function trippedAnchor({ trippedPerSecond, ratePerSecond }: TailState): Anchor {
  return {
    ratePerSecond: trippedPerSecond ?? ratePerSecond,
    relativeSd: TRIPPED_RELATIVE_SD,
    isAtLeast: false,
    raised: 0,
  };
}
