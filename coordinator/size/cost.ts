import { assert } from "../../shared/assert.ts";

const SECONDS_PER_HOUR = 3_600;

/** What a load costs at one replica's throughput; null where the tokens were not counted. */
export interface Cost {
  readonly perMillionOutputTokens: number | null;
  /** All of the price laid on the input tokens, not shared with the output. */
  readonly perMillionInputTokens: number | null;
  readonly perThousandRequests: number;
}

/**
 * Price per hour / (throughput per second × 3600) × so many: 3.6 $/h at 1,000 tokens/s are 1 $ a million.
 *
 * @param pricePerHour of everything that carries the throughput. @param options.perSecond above 0.
 */
export function costOf(
  pricePerHour: number,
  options: { readonly perSecond: number; readonly many: number },
): number {
  const { perSecond, many } = options;
  assert(perSecond > 0, "a cost has a throughput above 0");
  return (pricePerHour / (perSecond * SECONDS_PER_HOUR)) * many;
}

/** The costs of a load that is carried for `pricePerHour`. */
export function costAt(
  pricePerHour: number,
  load: {
    readonly requestsPerSecond: number;
    readonly inputTokensPerRequest: number | null;
    readonly outputTokensPerRequest: number | null;
  },
): Cost {
  const ofTokens = (perRequest: number | null): number | null =>
    perRequest === null || perRequest <= 0
      ? null
      : costOf(pricePerHour, { perSecond: load.requestsPerSecond * perRequest, many: 1e6 });
  return {
    perMillionOutputTokens: ofTokens(load.outputTokensPerRequest),
    perMillionInputTokens: ofTokens(load.inputTokensPerRequest),
    perThousandRequests: costOf(pricePerHour, { perSecond: load.requestsPerSecond, many: 1_000 }),
  };
}
