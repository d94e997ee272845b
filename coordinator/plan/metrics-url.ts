import type { Reading } from "./problem.ts";

const EXAMPLE = "write one such as http://10.0.0.7:8000/metrics";

/** A Prometheus endpoint; its path is /metrics when it has none. The text is not repeated: it may hold a secret. */
export function readMetricsUrl(text: string): Reading<string> {
  const reading = readHttpUrl(text);
  if (!("value" in reading)) return reading;
  const url = new URL(reading.value);
  if (url.pathname === "/") url.pathname = "/metrics";
  return { value: url.href };
}

/** An address without a secret in it. */
export function readHttpUrl(text: string): Reading<string> {
  const trimmed = text.trim();
  if (!/^https?:\/\//i.test(trimmed) || !URL.canParse(trimmed))
    return { message: "it is no http:// or https:// URL", hint: EXAMPLE };
  const url = new URL(trimmed);
  if (url.username !== "" || url.password !== "")
    return { message: "the URL holds a user or password", hint: `leave it out; ${EXAMPLE}` };
  if (url.hash !== "") return { message: "the URL holds a fragment", hint: EXAMPLE };
  return { value: url.href };
}
