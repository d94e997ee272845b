import { exchangePlainly, type TargetAccess } from "../agent/endpoint/plain-exchange.ts";
import { requestHeaders } from "../agent/endpoint/request-headers.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { sleepUntil } from "../shared/time/clock.ts";
import { NS_PER_SECOND } from "../shared/units.ts";

const ASK_EVERY_NS = 0.5 * NS_PER_SECOND;
/** A server that is loading may take a connection and say nothing on it. */
const ANSWER_MAX_NS = 5 * NS_PER_SECOND;

/**
 * Asks `GET /v1/models` until the target answers: a refused connection, silence, 429 and 5xx (a model that is
 * loading) are waited out; any other status is an answer, which whoever asks next may judge.
 *
 * @throws LoadError LL_TARGET_NOT_READY when `waitS` is over.
 */
export async function waitUntilReady(access: TargetAccess, waitS: number): Promise<void> {
  const { clock } = access;
  const untilNs = clock.nowNs() + waitS * NS_PER_SECOND;
  for (;;) {
    const last = await askOnce(access, untilNs);
    if (last === "ready") return;
    const nextNs = clock.nowNs() + ASK_EVERY_NS;
    if (nextNs >= untilNs) throw notReady(access.url, waitS, last);
    await sleepUntil(clock, nextNs);
  }
}

/** "ready", or what came instead of an answer. */
async function askOnce(access: TargetAccess, untilNs: number): Promise<string> {
  const { answer } = await exchangePlainly(
    { ...access, timeoutNs: Math.min(ANSWER_MAX_NS, untilNs - access.clock.nowNs()) },
    {
      method: "GET",
      path: "/models",
      headers: requestHeaders({
        headers: access.headers ?? {},
        apiKey: access.apiKey,
        accept: "application/json",
      }),
    },
  );
  const { status, failure } = answer;
  if (status === 0) return failure instanceof Error ? failure.message : "no answer";
  return status === 429 || status >= 500 ? `HTTP ${status}` : "ready";
}

function notReady(url: string, waitS: number, last: string): LoadError {
  return new LoadError(
    `waited ${waitS} s for ${url} to answer GET /models, and the last answer was: ${last}`,
    {
      code: "LL_TARGET_NOT_READY",
      hint: "start the server, correct host and port of --target, or give it longer with --wait-ready",
      exitCode: ExitCode.TargetUnusable,
    },
  );
}
