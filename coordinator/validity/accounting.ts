import type { InFlightBooks } from "./facts.ts";
import { type Finding, invalid, percent } from "./finding.ts";

const DIFFERENCE_FRACTION_MAX = 0.02;
/** Rounding of instants to µs, over many short requests, request-seconds. */
const DIFFERENCE_S_MIN = 0.01;

/**
 * The time integral of requests in flight is the sum of what each request spends in the window. Both sides come from
 * the same agent by different ways: the one by counting up at each send and down at each end, cut at the intervals'
 * bounds and sent in reports; the other from the records of single requests, sent behind them. Reports or records
 * that were lost or taken twice, and a request whose end was never seen, move one side only.
 *
 * The identity behind Little's law; it holds for any traffic whatever.
 * @see Little and Graves, "Little's Law", in: Building Intuition (2008), §5.1.
 */
export function accountingFindings(books: readonly InFlightBooks[]): Finding[] {
  const each = books.flatMap((book) => bookFindings(book));
  if (each.length > 0) return each;
  const sum = (value: (book: InFlightBooks) => number): number =>
    books.reduce((total, book) => total + value(book), 0);
  return bookFindings({
    meteredS: sum((book) => book.meteredS),
    recordedS: sum((book) => book.recordedS),
  });
}

function bookFindings(
  book: Pick<InFlightBooks, "meteredS" | "recordedS"> & { readonly agentId?: string },
): Finding[] {
  const { agentId, meteredS, recordedS } = book;
  const difference = Math.abs(meteredS - recordedS);
  const whole = Math.max(meteredS, recordedS);
  if (difference <= Math.max(DIFFERENCE_FRACTION_MAX * whole, DIFFERENCE_S_MIN)) return [];
  const who = agentId === undefined ? "of all agents together" : `of agent ${agentId}`;
  return [
    invalid(
      agentId,
      `the books ${who} do not agree: ${meteredS.toFixed(2)} request-seconds in flight by its meter, ${recordedS.toFixed(2)} by its records (${percent(difference / whole)} apart, bound 2 %): records were lost; please report it`,
    ),
  ];
}
