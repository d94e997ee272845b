/** A shorter beginning of a key tells nothing, and may be a word by itself. */
const BEGINNING_CHARACTERS_MIN = 6;

/** A server may repeat the key it was given; it must not get into a log, nor its beginning where an excerpt cut it. */
export function redact(text: string, apiKey: string | undefined): string {
  if (apiKey === undefined || apiKey === "") return text;
  const redacted = text.replaceAll(apiKey, "[key]");
  for (let length = apiKey.length - 1; length >= BEGINNING_CHARACTERS_MIN; length -= 1) {
    const beginning = apiKey.slice(0, length);
    if (redacted.endsWith(beginning)) return `${redacted.slice(0, -length)}[key]`;
    if (redacted.includes(`${beginning}…`)) return redacted.replaceAll(`${beginning}…`, "[key]…");
  }
  return redacted;
}
