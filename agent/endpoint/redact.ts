/** A server may repeat the key it was given; it must not get into a log. */
export function redact(text: string, apiKey: string | undefined): string {
  return apiKey === undefined || apiKey === "" ? text : text.replaceAll(apiKey, "[key]");
}
