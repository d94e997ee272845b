const SECONDS = /^\d+(?:\.\d+)?$/;
const CLOCK =
  /^(?:(\d{4})-(\d{2})-(\d{2})[T ])?(\d{1,2}):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$/;

/**
 * An instant of a file, s: `90`, `HH:MM`, `HH:MM:SS` or ISO 8601, whose origin is midnight or 1970. It is read by its
 * digits, since pure code has no `Date`: the zone is the file's own, and the same on every line.
 *
 * @returns NaN where it is no time.
 */
export function secondsOf(text: string): number {
  if (SECONDS.test(text)) return Number(text);
  const match = CLOCK.exec(text);
  if (match === null) return NaN;
  const part = (index: number): number => Number(match[index] ?? 0);
  const hour = part(4);
  if (hour > 24) return NaN;
  const days = match[1] === undefined ? 0 : daysOf(part(1), part(2), part(3));
  return days * 86_400 + hour * 3_600 + part(5) * 60 + part(6);
}

/** Days since 1970-01-01 of the Gregorian calendar. @see Hinnant, chrono-compatible low-level date algorithms. */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
