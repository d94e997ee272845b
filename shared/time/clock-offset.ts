/** A four-timestamp exchange; each side reads its own monotonic clock, ns. */
export interface ClockProbe {
  readonly sentAtNs: number;
  readonly receivedAtNs: number;
  readonly repliedAtNs: number;
  readonly answeredAtNs: number;
}

/** The other clock minus ours is within `aheadNs ± errorBoundNs`. */
export interface ClockOffset {
  readonly aheadNs: number;
  readonly errorBoundNs: number;
}

/**
 * How far the other clock is ahead of ours, and how wrong that may be.
 *
 * Takes the probe with the shortest round trip and places the answer at its midpoint. The true offset lies
 * within `± errorBoundNs`, half that round trip, however lopsided the two directions were; more probes can
 * only tighten it. Assumes no drift across the probes.
 *
 * @param probes at least one, in any order.
 * @see RFC 5905 §8 (NTP's on-wire protocol).
 */
export function estimateClockOffset(probes: readonly ClockProbe[]): ClockOffset {
  let best: ClockOffset | undefined;
  for (const probe of probes) {
    const turnaroundNs = probe.repliedAtNs - probe.receivedAtNs;
    const roundTripNs = Math.max(0, probe.answeredAtNs - probe.sentAtNs - turnaroundNs);
    const errorBoundNs = roundTripNs / 2;
    if (best !== undefined && errorBoundNs >= best.errorBoundNs) continue;
    const aheadNs =
      (probe.receivedAtNs - probe.sentAtNs + (probe.repliedAtNs - probe.answeredAtNs)) / 2;
    best = { aheadNs, errorBoundNs };
  }
  if (best === undefined) throw new Error("estimateClockOffset needs at least one probe");
  return best;
}
