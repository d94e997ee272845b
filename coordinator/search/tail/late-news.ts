import { errorBurstOf } from "../overload.ts";
import type { WindowObserved } from "../procedure.ts";
import { blockOf } from "./block.ts";
import type { Move } from "./move.ts";
import { changed } from "./move.ts";
import { anchorFrom } from "./saturation.ts";

/** A switch takes between these, s; anything else is a fleet that was held up. */
const LATENCY_MIN_S = 0.3;
const LATENCY_MAX_S = 6;

/**
 * Takes in what the current observation says of the segment before: its window went on after the next segment was asked
 * for, and its youngest requests are decided only now. A window that turned out void is taken out.
 */
export function withLateNews(move: Move): Move {
  const { options, state, observation } = move;
  const learnt = state.askedAtS === null ? move : withLatency(move, state.askedAtS);
  const { previous } = observation;
  if (previous === undefined) return learnt;
  if (previous.request.purpose === "saturate") return withAnchor(learnt, previous);
  const known = state.blocks.find(({ segment }) => segment === previous.segment);
  if (known === undefined) return learnt;
  const renewed = previous.validity === "invalid" ? [] : [blockOf(options, previous, known.kind)];
  return changed(learnt, {
    blocks: state.blocks.flatMap((block) => (block === known ? renewed : [block])),
  });
}

function withAnchor(move: Move, previous: WindowObserved): Move {
  const { options, state } = move;
  const isUsable = previous.validity !== "invalid" && errorBurstOf(previous.seconds) === undefined;
  const anchor = isUsable ? anchorFrom(options, state, previous) : undefined;
  return anchor === undefined ? move : changed(move, { anchor });
}

/** How long the fleet took from the wish to the start. */
function withLatency(move: Move, askedAtS: number): Move {
  const { elapsedS, observedS } = move.observation;
  const tookS = elapsedS - observedS - askedAtS;
  const latencyS = Math.max(LATENCY_MIN_S, Math.min(LATENCY_MAX_S, tookS));
  return changed(move, { latencyS, askedAtS: null });
}
