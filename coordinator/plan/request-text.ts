import type { Reading } from "./problem.ts";

/** A key in a header would be written to plan.json, and sent to every agent in the clear. */
const KEY_HEADERS = ["authorization", "proxy-authorization", "api-key", "x-api-key", "cookie"];

/** What the client itself sets, or cannot do without. */
const OWN_HEADERS = [
  "host",
  "content-length",
  "content-type",
  "transfer-encoding",
  "connection",
  "accept",
];

/** "Name: value". The text is never repeated, since it may hold a secret. */
export function readHeader(text: string): Reading<readonly [string, string]> {
  const match = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([\t\u0020-\u007e\u0080-\u00ff]*)$/.exec(text.trim());
  const [, name = "", value = ""] = match ?? [];
  if (match === null) {
    return { message: "it is no header", hint: 'write "Name: value", such as "X-Tenant: load"' };
  }
  const lower = name.toLowerCase();
  if (KEY_HEADERS.includes(lower)) {
    return {
      message: `the header ${name} would put a key into the plan`,
      hint: "name the variable that holds the key on the agent: --api-key-env NAME",
    };
  }
  if (OWN_HEADERS.includes(lower)) {
    return { message: `the header ${name} is set by Loadline itself`, hint: "leave it out" };
  }
  return { value: [name, value.trim()] };
}

/** What a request is made of: it comes from the workload, and a run without a stream measures no first token. */
const OWN_FIELDS: Readonly<Record<string, string>> = {
  model: "use --model",
  messages: "prompts come from the workload (--prompt-tokens)",
  prompt: "prompts come from the workload (--prompt-tokens)",
  stream: "requests are always streamed: latencies are those of a stream",
};

type Json = Readonly<Record<string, unknown>>;

/** A JSON object, as text or as a map. */
export function readExtraBody(value: string | Json): Reading<Json> {
  const body = typeof value === "string" ? parseObject(value) : value;
  if (body === undefined) {
    return { message: "it is no JSON object", hint: "write one, such as '{\"temperature\": 0}'" };
  }
  const own = Object.keys(body).find((key) => Object.hasOwn(OWN_FIELDS, key));
  if (own === undefined) return { value: body };
  return { message: `it sets "${own}"`, hint: OWN_FIELDS[own] ?? "leave it out" };
}

function parseObject(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Json)
      : undefined;
  } catch {
    return undefined;
  }
}
