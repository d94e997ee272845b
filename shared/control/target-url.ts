import { ExitCode, LoadError } from "../errors.ts";

/** A path segment that already names a version of the API: `v1`, `v4`, `v1beta`. */
const VERSION_SEGMENT = /^v\d/;

/**
 * The base URL of an OpenAI-compatible endpoint, as requests are built from it: scheme, host, port and path, with
 * `/v1` added when the path names no version, and without a slash at its end.
 *
 * @throws LoadError LL_TARGET_URL_INVALID for what is no absolute http(s) URL, or holds what a base URL must not
 * (a user or password, a query, a fragment, the path of one call).
 */
export function normaliseTargetUrl(text: string): string {
  const trimmed = text.trim();
  const url = parseHttpUrl(trimmed);
  if (url.username !== "" || url.password !== "") {
    // The text is not repeated: a password does not belong in a log.
    throw invalid(
      "the target URL holds a user or password",
      "leave it out and name the variable that holds the key: --api-key-env NAME",
    );
  }
  if (url.search !== "" || url.hash !== "" || /[?#]/.test(trimmed)) {
    throw invalid(
      `the target URL ${quote(trimmed)} holds a query or a fragment`,
      "give the base URL only, like http://127.0.0.1:8000/v1",
    );
  }
  const segments = url.pathname.split("/").filter((segment) => segment !== "");
  if (segments.at(-1) === "completions") {
    throw invalid(
      `the target URL ${quote(trimmed)} is the address of one call`,
      "give the base URL (it ends in /v1) and choose the call with --endpoint chat|completions",
    );
  }
  if (!segments.some((segment) => VERSION_SEGMENT.test(segment))) {
    segments.push("v1");
  }
  return `${url.protocol}//${url.host}/${segments.join("/")}`;
}

function parseHttpUrl(text: string): URL {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw invalid(
      `the target ${quote(text)} is not an http:// or https:// URL`,
      "write it with its scheme, host and port, like http://127.0.0.1:8000",
    );
  }
  return new URL(text);
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

function invalid(message: string, hint: string): LoadError {
  return new LoadError(message, {
    code: "LL_TARGET_URL_INVALID",
    hint,
    exitCode: ExitCode.PlanInvalid,
  });
}
