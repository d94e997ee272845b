import type { SegmentRequest } from "../search/procedure.ts";

/**
 * Each window `pairs` times to either endpoint: A B, B A, A B, … A drift that is even over a pair of pairs then cancels,
 * and one in steps falls on both alike.
 */
export function alternated(
  requests: readonly SegmentRequest[],
  pairs: number,
): readonly SegmentRequest[] {
  return requests.flatMap((request) => {
    const [target, against] = [request, { ...request, against: true as const }];
    return Array.from({ length: pairs }, (_, pair) =>
      pair % 2 === 0 ? [target, against] : [against, target],
    ).flat();
  });
}
