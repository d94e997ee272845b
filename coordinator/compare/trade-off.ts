/** One variant of the trade-off between quality, latency and cost; null where it is not known. */
export interface TradeOffRow {
  readonly name: string;
  /** Higher is better. */
  readonly quality: number | null;
  /** p95 at one rate for all, ms; lower is better. */
  readonly latencyMs: number | null;
  /** At the SLO, a million output tokens; lower is better. */
  readonly cost: number | null;
}

/**
 * Who is at least as good in everything that is known of all rows, and better in something; undefined for a row that
 * none beats (it is on the Pareto front).
 */
export function dominatorOf(row: TradeOffRow, rows: readonly TradeOffRow[]): string | undefined {
  const goods = GOODS.filter((good) => rows.every((each) => good(each) !== null));
  return rows.find(
    (other) =>
      other !== row &&
      goods.every((good) => (good(other) ?? 0) >= (good(row) ?? 0)) &&
      goods.some((good) => (good(other) ?? 0) > (good(row) ?? 0)),
  )?.name;
}

/** Each a figure whose higher value is better. */
const GOODS: readonly ((row: TradeOffRow) => number | null)[] = [
  ({ quality }) => quality,
  ({ latencyMs }) => (latencyMs === null ? null : -latencyMs),
  ({ cost }) => (cost === null ? null : -cost),
];
