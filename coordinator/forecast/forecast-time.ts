const NUMBER = /^\d+(?:\.\d+)?$/;
const CLOCK =
  /^(?:(\d{4})-(\d{2})-(\d{2})[T ])?(\d{1,2}):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?$/;

/**
 * A time in a forecast, s since an origin: seconds, `HH:MM`, `HH:MM:SS`, or `2026-01-31T14:00`. Read by its digits: pure
 * code has no `Date`. The zone is the file's own and the same on every line, so it is not looked at.
 *
 * @returns undefined where it is no time.
 */
export function forecastTimeS(text: string): number | undefined {
  if (NUMBER.test(text)) return Number(text);
  const match = CLOCK.exec(text);
  return match === null ? undefined : clockS(match.slice(1));
}

function clockS(written: readonly (string | undefined)[]): number | undefined {
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = written.map((digits) =>
    Number(digits ?? 0),
  );
  if (hour > 24) return undefined;
  const days = year === 0 ? 0 : daysOf(year, month, day);
  return days * 86_400 + hour * 3_600 + minute * 60 + second;
}

/** Days since an origin. @see Hinnant, "chrono-Compatible Low-Level Date Algorithms" (days_from_civil). */
function daysOf(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return (
    365 * shifted +
    Math.floor(shifted / 4) -
    Math.floor(shifted / 100) +
    Math.floor(shifted / 400) +
    dayOfYear
  );
}
