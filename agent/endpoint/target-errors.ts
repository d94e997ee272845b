import { ExitCode, LoadError } from "../../shared/errors.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { excerpt } from "./excerpt.ts";
import { Http1Error } from "./http1-reader.ts";
import { ANSWER_TIMEOUT_NS, type PlainAnswer, type TargetAccess } from "./plain-exchange.ts";
import { redact } from "./redact.ts";
import { describeError, errorCode } from "./socket-error.ts";

/** What was asked of the target, for the error that says what came of it. */
export interface Asked {
  readonly access: TargetAccess;
  /** Like "GET /models". */
  readonly what: string;
}

/** A target that cannot be used, as the command line says it. */
export function targetError(code: string, message: string, hint: string): LoadError {
  return new LoadError(message, { code, hint, exitCode: ExitCode.TargetUnusable });
}

/** Throws unless a status below 300 and, where the answer is whole, everything after it came. */
export function assertAnswered({ access, what }: Asked, answer: PlainAnswer): void {
  const asked = `asked ${access.url} for ${what}`;
  if (answer.status === 0) {
    throw unanswered({ asked, access, failure: answer.failure });
  }
  if (answer.status >= 300) {
    throw refused({ asked, access, answer });
  }
  if (answer.failure === "timeout") {
    throw timedOut(asked, access);
  }
}

function unanswered(options: {
  readonly asked: string;
  readonly access: TargetAccess;
  readonly failure: PlainAnswer["failure"];
}): LoadError {
  const { asked, access, failure } = options;
  if (failure === "timeout") {
    return timedOut(asked, access);
  }
  if (failure === undefined) {
    return notHttp(asked, "an answer without a status");
  }
  const said = describeError(failure);
  if (failure instanceof Http1Error) {
    return notHttp(asked, said);
  }
  if (isTlsError(failure)) {
    return targetError(
      "LL_TARGET_TLS",
      `${asked}, and the TLS connection failed: ${said}`,
      "give the authority that signed its certificate with --ca FILE, or accept any with --insecure; for a server without TLS write http://",
    );
  }
  return targetError(
    "LL_TARGET_UNREACHABLE",
    `${asked}, and there is no connection: ${said}`,
    "start the server, or correct host and port of --target",
  );
}

function notHttp(asked: string, said: string): LoadError {
  return targetError(
    "LL_TARGET_NOT_HTTP",
    `${asked}, and what answers does not speak HTTP/1.1: ${said}`,
    "check the port; for a server with TLS write https://",
  );
}

function timedOut(asked: string, access: TargetAccess): LoadError {
  const seconds = (access.timeoutNs ?? ANSWER_TIMEOUT_NS) / NS_PER_SECOND;
  return targetError(
    "LL_TARGET_TIMEOUT",
    `${asked}, and the answer was not whole after ${seconds} s`,
    "see that the server is ready and not full of other requests, or give it longer with --timeout",
  );
}

function refused(options: {
  readonly asked: string;
  readonly access: TargetAccess;
  readonly answer: PlainAnswer;
}): LoadError {
  const { asked, access, answer } = options;
  const said = redact(excerpt(bodyText(answer)), access.apiKey);
  const where = answer.headers.get("location");
  const more = where === undefined ? said : `redirects to ${excerpt(where)}`;
  return targetError(
    "LL_TARGET_REFUSES",
    `${asked}, and it answered HTTP ${answer.status}${more === "" ? "" : `: ${more}`}`,
    refusalHint(answer.status),
  );
}

function refusalHint(status: number): string {
  if (status < 400) {
    return "redirects are not followed: give --target the URL it leads to";
  }
  if (status === 401 || status === 403) {
    return "name the variable that holds the key with --api-key-env NAME";
  }
  if (status === 404) {
    return "check the path of --target, the --endpoint and the --model";
  }
  return status === 429 || status >= 500
    ? "the server is overloaded or broken: see its log"
    : "the server does not take the request: see what it says, and --extra-body and --force-output";
}

/** Node's and OpenSSL's codes for a certificate or a handshake that does not hold. */
function isTlsError(error: Error): boolean {
  const code = errorCode(error);
  return (
    code.startsWith("ERR_TLS") || code.startsWith("ERR_SSL") || /CERT|SIGNATURE|CRL/.test(code)
  );
}

export function bodyText(answer: PlainAnswer): string {
  return Buffer.concat(answer.parts.map((part) => part.bytes)).toString();
}
