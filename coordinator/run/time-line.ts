import { NS_PER_SECOND } from "../../shared/units.ts";
import type { SegmentView } from "../show/result.ts";
import { loadOf } from "./probe-view.ts";
import type { RunEnd } from "./run-contract.ts";

/** Every segment of a run: each ends where the next one took over, the last where its load did. */
export function timeLineOf({ driven, sealedUntilNs }: RunEnd): readonly SegmentView[] {
  const firstNs = driven[0]?.segment.startAtNs ?? 0;
  const secondsOf = (atNs: number): number =>
    Math.round(((atNs - firstNs) / NS_PER_SECOND) * 1_000) / 1_000;
  return driven.map(({ request, segment, isCutOff }, place) => {
    const next = driven[place + 1]?.segment.startAtNs ?? Infinity;
    const endNs = Math.min(segment.endByNs, next, Math.max(sealedUntilNs, segment.startAtNs));
    return {
      segment: segment.number,
      purpose: request.purpose,
      ...loadOf(request.mode),
      startS: secondsOf(segment.startAtNs),
      endS: secondsOf(endNs),
      isCutOff,
    };
  });
}
