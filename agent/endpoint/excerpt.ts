/** As much of a server's answer as a log line should hold. */
const EXCERPT_CHARACTERS_MAX = 200;

/** The start of a text, on one line, without control characters. */
export function excerpt(text: string): string {
  // The text may be 1 MiB; what is cut away need not be cleaned.
  const line = text
    .slice(0, EXCERPT_CHARACTERS_MAX * 4)
    .replace(/[\p{Cc}\s]+/gu, " ")
    .trim();
  return line.length > EXCERPT_CHARACTERS_MAX ? `${line.slice(0, EXCERPT_CHARACTERS_MAX)}…` : line;
}
