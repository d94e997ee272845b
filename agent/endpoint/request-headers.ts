/** Of the connection and the message, not of the request; `request-bytes.ts` writes them. */
const FRAMING = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "transfer-encoding",
]);

/**
 * The headers of every request to a target, as a flat list of names and values. The user's headers replace ours, but
 * not those that frame the message. `identity`: a compressed stream would be timed by its decompressor.
 */
export function requestHeaders(options: {
  readonly headers: Readonly<Record<string, string>>;
  readonly apiKey: string | undefined;
  readonly accept: string;
}): readonly string[] {
  const { headers, apiKey, accept } = options;
  const all = new Map<string, string>([
    ["accept", accept],
    ["accept-encoding", "identity"],
    ["content-type", "application/json"],
    ["user-agent", "loadline"],
  ]);
  if (apiKey !== undefined && apiKey !== "") {
    all.set("authorization", `Bearer ${apiKey}`);
  }
  for (const [name, value] of Object.entries(headers)) {
    if (!FRAMING.has(name.toLowerCase())) {
      all.set(name.toLowerCase(), value);
    }
  }
  return [...all].flat();
}
