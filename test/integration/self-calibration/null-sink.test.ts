import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { openaiEndpoint } from "../../../agent/endpoint/openai.ts";
import { orderEncoder } from "../../../agent/endpoint/order-encoder.ts";
import { startNullSinkProcess } from "../../../cli/null-sink-process.ts";
import type { Target } from "../../../shared/control/control.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";

const TOKENS = 24;

function targetAt(url: string): Target {
  return {
    url,
    endpoint: "chat",
    model: "null",
    apiKeyEnv: undefined,
    headers: {},
    extraBody: {},
    timeoutNs: 0,
    caPem: undefined,
    tlsInsecure: false,
    forceOutput: false,
  };
}

interface Answer {
  readonly outcome: string;
  readonly events: number;
  readonly usage: number;
}

async function ask(context: TestContext, url: string, count: number): Promise<readonly Answer[]> {
  const target = targetAt(url);
  const endpoint = openaiEndpoint({ target, clock: new SystemClock(), apiKey: undefined });
  context.after(() => endpoint.close());
  const encode = orderEncoder(target);
  const answers = Array.from(
    { length: count },
    (_, number) =>
      new Promise<Answer>((resolve) => {
        let events = 0;
        let usage = -1;
        endpoint.send(encode(`#${number} a word`, TOKENS), {
          onHeaders: () => undefined,
          onContent: (_atNs, more) => (events += more),
          onBytes: () => undefined,
          onUsage: (_input, output) => (usage = output),
          onEnd: (...[, outcome]) => {
            resolve({ outcome, events, usage });
          },
        });
      }),
  );
  return Promise.all(answers);
}

test("the null sink answers like a chat endpoint, and logs when it read and wrote", async (context) => {
  const sink = await startNullSinkProcess();
  context.after(() => {
    sink.close();
  });
  const answers = await ask(context, sink.url, 50);
  for (const answer of answers)
    assert.deepEqual(answer, { outcome: "ok", events: TOKENS, usage: TOKENS });
  const log = await sink.takeLog();
  assert.deepEqual(
    log.map(({ number }) => number).sort((a, b) => a - b),
    answers.map((_, number) => number),
  );
  for (const { receivedAtNs, writtenAtNs } of log) {
    assert.equal(writtenAtNs.length, TOKENS);
    const instants = [receivedAtNs, ...writtenAtNs];
    assert.deepEqual(
      instants,
      [...instants].sort((a, b) => a - b),
    );
  }
  assert.deepEqual(await sink.takeLog(), [], "a log is taken once");
});
