import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoadError } from "../../../shared/errors.ts";
import { SIMULATOR_FLAGS, parseSimulatorOptions } from "../../../simulator/options.ts";

const MS = 1e6;

function problemsOf(raw: Record<string, string>): string {
  try {
    parseSimulatorOptions(raw);
  } catch (error) {
    assert.ok(error instanceof LoadError);
    assert.equal(error.code, "LL_SIMULATOR_OPTIONS");
    assert.equal(error.exitCode, 2);
    return error.message;
  }
  throw new assert.AssertionError({ message: `no problem with ${JSON.stringify(raw)}` });
}

test("without a flag: eight slots of 30 ms in the mean, tokens every 10 ms after the service", () => {
  const options = parseSimulatorOptions({});
  assert.deepEqual(options.scheduler, {
    kind: "fifo",
    slots: 8,
    service: { kind: "exponential", meanNs: 30 * MS },
    spread: { kind: "after-service", gapNs: 10 * MS },
  });
  assert.deepEqual([options.host, options.port, options.model], ["127.0.0.1", 8000, "sim"]);
  assert.equal(options.shape.name, "openai");
  assert.deepEqual(options.faults, { requests: {}, time: [] });
});

test("the defaults that the flags tell are those that hold", () => {
  const told = SIMULATOR_FLAGS.filter((flag) => flag.name !== "tokens").map(
    (flag) => [flag.name, flag.default] as const,
  );
  assert.deepEqual(parseSimulatorOptions(Object.fromEntries(told)), parseSimulatorOptions({}));
});

describe("the scheduler", () => {
  const schedulerOf = (raw: Record<string, string>) => parseSimulatorOptions(raw).scheduler;

  test("fixed and lognormal service, tokens inside or over a fraction of it", () => {
    assert.deepEqual(
      schedulerOf({ slots: "1", service: "fixed:20ms", tokens: "inside", itl: "0" }),
      {
        kind: "fifo",
        slots: 1,
        service: { kind: "fixed", meanNs: 20 * MS },
        spread: { kind: "in-service", gapNs: 0 },
      },
    );
    assert.deepEqual(schedulerOf({ service: "lognormal:1s:0.8", tokens: "fraction:0.25" }), {
      kind: "fifo",
      slots: 8,
      service: { kind: "lognormal", meanNs: 1000 * MS, coefficientOfVariation: 0.8 },
      spread: { kind: "within-service", firstTokenFraction: 0.25 },
    });
  });

  test("--ttft holds the slot for ttft + itl × (tokens − 1)", () => {
    assert.deepEqual(schedulerOf({ ttft: "100ms", itl: "20ms", slots: "4" }), {
      kind: "fifo",
      slots: 4,
      service: { kind: "fixed", meanNs: 100 * MS },
      spread: { kind: "in-service", gapNs: 20 * MS },
    });
  });

  test("--batching, with and without its budget", () => {
    assert.deepEqual(schedulerOf({ batching: "8ms:50us:40us:256:512" }), {
      kind: "batching",
      stepBaseNs: 8 * MS,
      perSequenceNs: 50_000,
      perPromptTokenNs: 40_000,
      sequencesMax: 256,
      stepTokensMax: 512,
    });
    const scheduler = schedulerOf({ batching: "8ms:0:0:4" });
    assert.ok(scheduler.kind === "batching" && scheduler.stepTokensMax === 2048);
  });
});

test("every problem is told at once, each with its flag", () => {
  const message = problemsOf({
    port: "70000",
    slots: "0",
    service: "exp:30",
    itl: "-3ms",
    tokens: "somewhere",
    shape: "vlm",
    fault: "cut:fraction=2; stall:every=1s; nonsense",
    seed: "x",
    model: "a b",
    stopAfter: "normal:1",
    context: "1",
    surprise: "1",
  });
  for (const expected of [
    '--port: "70000"',
    '--slots: "0"',
    "--service: ",
    "--itl: ",
    "--tokens: ",
    '--shape: "vlm" is no shape',
    "cut.fraction",
    "stall.for",
    "nonsense",
    '--seed: "x"',
    '--model: "a b"',
    "--stop-after: ",
    "--context: ",
    'there is no option "surprise"',
  ]) {
    assert.ok(message.includes(expected), `${expected} is not in: ${message}`);
  }
});

test("flags that exclude each other are named", () => {
  const message = problemsOf({ batching: "8ms:50us:50us:4", slots: "4", itl: "1ms" });
  assert.ok(message.includes("--slots is for slots"));
  assert.ok(message.includes("--itl is for slots"));
  assert.ok(problemsOf({ ttft: "1ms", service: "exp:1ms" }).includes("--ttft and --service"));
});

for (const service of ["exp", "exp:1ms:2", "lognormal:1ms", "lognormal:1ms:0", "poisson:1ms", ""]) {
  test(`"${service}" is no service time`, () => {
    problemsOf({ service });
  });
}

for (const batching of [
  "8ms:1us:1us",
  "8ms:1us:1us:0",
  "8ms:1us:1us:4:0",
  "8:1us:1us:4",
  "a:b:c:d:e:f",
]) {
  test(`"${batching}" is no batching`, () => {
    problemsOf({ batching });
  });
}

test("faults: their times in ns, their fields with defaults", () => {
  const { faults } = parseSimulatorOptions({
    fault:
      "stall:for=500ms,at=10s,every=30s; slow-start:factor=2,decay=20s; drift:factor=1.1,over=15min; " +
      "error:fraction=0.01; reject:waiting=64,retry-after=2; cut:fraction=0.05,after=3; " +
      "stream-error:fraction=0.02; silent:fraction=0.03; hold-slots",
  });
  assert.deepEqual(faults.time, [
    { kind: "stall", atNs: 10e9, durationNs: 0.5e9, everyNs: 30e9 },
    { kind: "slow-start", atNs: 0, factor: 2, decayNs: 20e9 },
    { kind: "drift", atNs: 0, factor: 1.1, overNs: 900e9 },
  ]);
  assert.deepEqual(faults.requests, {
    error: { fraction: 0.01, status: 500 },
    reject: { waiting: 64, retryAfterS: 2 },
    cut: { fraction: 0.05, after: 3 },
    streamError: { fraction: 0.02, after: 1 },
    silent: { fraction: 0.03 },
    holdSlots: true,
  });
});

test("a stall longer than its period is refused", () => {
  assert.ok(problemsOf({ fault: "stall:for=2s,every=1s" }).includes("is longer than the stall"));
  assert.ok(problemsOf({ fault: "stall:for=0" }).includes("is above 0"));
  assert.ok(problemsOf({ fault: "cut:fraction" }).includes("is no name=value"));
});

test("a shape's changes hold for both endpoints, and unknown ones are told with those there are", () => {
  const { shape } = parseSimulatorOptions({
    shape: "vllm,usage=every,headers=first-token,empty=4",
  });
  for (const form of [shape.chat, shape.completions]) {
    assert.deepEqual([form.usage, form.headers, form.emptyEvery], ["every", "first-token", 4]);
  }
  const message = problemsOf({ shape: "vllm,usage=often,colour" });
  assert.ok(message.includes('"usage=often"') && message.includes('"colour"'));
  assert.ok(message.includes("usage=own|finish|every|never"));
});
