import { type Move, shown } from "./move.ts";

/** For a target that overload has killed. */
export function deadReason({ state }: Move): string {
  const passed = state.blocks
    .filter(({ kind, segment }) => kind === "ramp" && segment < lastRampSegment(state.blocks))
    .reduce((highest, { ratePerSecond }) => Math.max(highest, ratePerSecond), 0);
  return (
    `after saturation at ${shown(state.anchor?.ratePerSecond ?? state.ratePerSecond)} requests/s the target did not come back; ` +
    `restart it, and search with --max-rate ${shown(passed > 0 ? passed : state.ratePerSecond / 2)}, which the ramp passed`
  );
}

function lastRampSegment(blocks: Move["state"]["blocks"]): number {
  return Math.max(0, ...blocks.filter(({ kind }) => kind === "ramp").map(({ segment }) => segment));
}
