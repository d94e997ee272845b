import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parsePlan, type PlanSource } from "../../../coordinator/plan/parse.ts";
import { type Plan, resolveTarget } from "../../../coordinator/plan/plan.ts";
import { LoadError } from "../../../shared/errors.ts";

const TARGET = "http://127.0.0.1:8000";
const FIND = { target: TARGET, slo: ["ttft p99 <= 200ms"] };

function find(flags: Record<string, unknown> = {}, more: Partial<PlanSource> = {}): Plan {
  return parsePlan({ command: "find", flags: { ...FIND, ...flags }, ...more });
}

function run(flags: Record<string, unknown> = {}, more: Partial<PlanSource> = {}): Plan {
  return parsePlan({ command: "run", flags: { target: TARGET, ...flags }, ...more });
}

function errorOf(parse: () => unknown): LoadError {
  try {
    parse();
  } catch (error) {
    assert.ok(error instanceof LoadError, String(error));
    assert.equal(error.exitCode, 2);
    return error;
  }
  return assert.fail("the plan was taken");
}

/** The lines that name a problem. */
function problemsOf(parse: () => unknown): readonly string[] {
  const error = errorOf(parse);
  assert.equal(error.code, "LL_PLAN_INVALID");
  return linesOf(error);
}

function linesOf(error: LoadError): readonly string[] {
  const [, ...lines] = error.message.split("\n");
  return lines.length > 0
    ? lines.map((line) => line.trim())
    : [error.message.replace(/^[^:]*: /, "")];
}

describe("a plan from flags", () => {
  test("needs little, and its defaults are those of the manual", () => {
    assert.deepEqual(find(), {
      command: "find",
      name: "find",
      target: {
        url: "http://127.0.0.1:8000/v1",
        endpoint: "chat",
        model: undefined,
        apiKeyEnv: undefined,
        headers: {},
        extraBody: {},
        timeoutNs: 120e9,
        tlsInsecure: false,
        forceOutput: false,
        caFile: undefined,
      },
      workload: {
        classes: [
          {
            name: "default",
            weight: 1,
            promptTokens: { kind: "fixed", tokens: 128 },
            outputTokens: { kind: "fixed", tokens: 64 },
          },
        ],
      },
      slo: ["ttft p99 <= 200ms"],
      seed: 1,
      placement: { kind: "local", agents: undefined },
      load: {
        kind: "find",
        rateMinPerSecond: undefined,
        rateMaxPerSecond: undefined,
        precisionFraction: 0.1,
        confidence: 0.95,
        timeBudgetS: 300,
        method: "tail",
        quick: false,
        confirm: false,
        rateGatePerSecond: undefined,
        arrivals: { kind: "poisson" },
      },
      maxInFlight: 20_000,
      maxInFlightAsked: false,
      beyondCleanRate: false,
      onAgentLoss: "continue",
      waitReadyS: undefined,
      records: true,
      outDir: undefined,
      json: false,
      dryRun: false,
    });
    assert.deepEqual(run({ rate: "20" }).load, {
      kind: "run",
      profile: { kind: "rates", ratesPerSecond: [20], arrivals: { kind: "poisson" } },
      until: { kind: "duration", durationS: 30 },
      warmupS: 0,
      cooldownS: 0,
    });
  });

  test("a first answer is the tail search's alone", () => {
    const problems = problemsOf(() => find({ method: "bisect", quick: true }));
    assert.match(problems[0]!, /--quick: only the tail search has a first answer/);
    assert.equal(problems.length, 1);
  });

  test("takes everything a search can be told", () => {
    const plan = find({
      minRate: "2",
      maxRate: "400rps",
      minRateGate: "40",
      precision: "5%",
      confidence: "0.9",
      timeBudget: "45s",
      method: "tail",
      quick: true,
      confirm: true,
      arrivals: "gamma:2",
      sloPreset: "chatbot",
      slo: ["error_rate <= 0.1%"],
    });
    assert.deepEqual(plan.load, {
      kind: "find",
      rateMinPerSecond: 2,
      rateMaxPerSecond: 400,
      precisionFraction: 0.05,
      confidence: 0.9,
      timeBudgetS: 45,
      method: "tail",
      quick: true,
      confirm: true,
      rateGatePerSecond: 40,
      arrivals: { kind: "gamma", coefficientOfVariation: 2 },
    });
    assert.deepEqual(plan.slo, ["ttft p99 <= 200ms", "itl p99 <= 50ms", "error_rate <= 0.1%"]);
    assert.equal(plan.maxInFlight, 20_000);
  });

  test("takes every load a run can be told", () => {
    const profile = (flags: Record<string, unknown>): unknown => {
      const { load } = run(flags);
      assert.ok(load.kind === "run");
      return load.profile;
    };
    assert.deepEqual(profile({ rate: "1,4, 8", arrivals: "constant" }), {
      kind: "rates",
      ratesPerSecond: [1, 4, 8],
      arrivals: { kind: "constant" },
    });
    assert.deepEqual(profile({ arrivals: "ramp:0:50" }), {
      kind: "rates",
      ratesPerSecond: [25],
      arrivals: { kind: "ramp", fromRatePerSecond: 0, toRatePerSecond: 50 },
    });
    assert.deepEqual(profile({ concurrency: "1,2,4" }), {
      kind: "concurrency",
      streams: [1, 2, 4],
    });
    assert.deepEqual(profile({ profile: "synchronous" }), { kind: "synchronous" });
    assert.deepEqual(profile({ profile: "throughput", maxInFlight: "96" }), {
      kind: "throughput",
      streams: 96,
    });
    assert.deepEqual(profile({ rate: "inf", maxInFlight: "64" }), {
      kind: "throughput",
      streams: 64,
    });
  });

  test("bounds what is in flight by a minute's arrivals at the highest rate, or by its streams", () => {
    assert.equal(run({ rate: "1,8.5" }).maxInFlight, 510);
    assert.equal(run({ rate: "0.001" }).maxInFlight, 1);
    assert.equal(run({ rate: "900" }).maxInFlight, 20_000);
    assert.equal(run({ arrivals: "ramp:10:2" }).maxInFlight, 600);
    assert.equal(run({ rate: "900", maxInFlight: "30000" }).maxInFlight, 30_000);
    assert.equal(run({ concurrency: "1,32,4" }).maxInFlight, 32);
    assert.equal(run({ profile: "synchronous" }).maxInFlight, 1);
    assert.equal(find({ maxRate: "50" }).maxInFlight, 3_000);
  });

  test("takes what requests look like, and who sends them", () => {
    const plan = run({
      rate: "20",
      requests: "500",
      warmup: "5s",
      cooldown: "250ms",
      waitReady: "5m",
      forceOutput: true,
      insecure: true,
      ca: "ca.pem",
      timeout: "1m",
      header: ["X-Tenant: a:b", "X-Empty:"],
      extraBody: '{"temperature":0}',
      endpoint: "completions",
      apiKeyEnv: "OPENAI_API_KEY",
      http: "1.1",
      nats: "tls://nats.example:4222",
      identity: "keys",
      minAgents: "50",
      fleet: "prod",
      reportListen: "0.0.0.0:7400",
      reportAdvertise: "10.0.0.7:7400",
      records: false,
      out: "runs/x",
      name: "nightly",
      seed: "7",
    });
    assert.deepEqual(plan.target.headers, { "X-Tenant": "a:b", "X-Empty": "" });
    assert.deepEqual(plan.target.extraBody, { temperature: 0 });
    assert.equal(plan.target.timeoutNs, 60e9);
    assert.equal(plan.target.endpoint, "completions");
    assert.equal(plan.target.caFile, "ca.pem");
    assert.equal(plan.target.tlsInsecure && plan.target.forceOutput, true);
    assert.deepEqual(plan.placement, {
      kind: "fleet",
      natsUrl: "tls://nats.example:4222",
      identityDir: "keys",
      fleet: "prod",
      minAgents: 50,
      reportListen: "0.0.0.0:7400",
      reportAdvertise: "10.0.0.7:7400",
    });
    assert.ok(plan.load.kind === "run");
    assert.deepEqual(plan.load.until, { kind: "requests", requests: 500 });
    assert.deepEqual([plan.load.warmupS, plan.load.cooldownS, plan.waitReadyS], [5, 0.25, 300]);
    assert.deepEqual(
      [plan.records, plan.outDir, plan.name, plan.seed],
      [false, "runs/x", "nightly", 7],
    );
  });

  test("is plain JSON data", () => {
    const plan = run({ rate: "20" });
    assert.deepEqual(
      JSON.parse(JSON.stringify(plan)),
      JSON.parse(JSON.stringify(structuredClone(plan))),
    );
  });

  test("becomes the agents' target once the model is known and the CA is read", () => {
    const { target } = find({ ca: "ca.pem", model: "m" });
    const resolved = resolveTarget(target, { model: "llama", caPem: "PEM" });
    assert.equal(resolved.model, "llama");
    assert.equal(resolved.caPem, "PEM");
    assert.equal("caFile" in resolved, false);
  });
});

describe("a wrong plan", () => {
  test("names every problem at once, each with its flag", () => {
    const problems = problemsOf(() =>
      parsePlan({
        command: "find",
        flags: {
          target: "127.0.0.1:8000",
          slo: ["ttft p99 <= -3ms", "itl p99 <= 50"],
          timeBudget: "300",
          precision: "10",
          promtTokens: "5",
          duration: "5s",
        },
      }),
    );
    assert.deepEqual(problems, [
      '--promt-tokens: a plan has no "promt-tokens"; did you mean prompt-tokens?',
      '--target: the target "127.0.0.1:8000" is not an http:// or https:// URL; write it with its scheme, host and port, like http://127.0.0.1:8000',
      '--slo: the SLO asks for "ttft p99 <= -3ms", but nothing can take -3ms; limits of time go from 1us to 60min',
      '--slo: the SLO asks for "itl p99 <= 50", but "50" has no unit; write 50us, 50ms, 50s or 50min',
      '--time-budget: "300" has no unit; write 300s, 300m or 300h',
      '--precision: "10" has no unit; write a percentage from 0.5% to 50%, such as 10%',
      "--duration: it belongs to `loadline run`, and this is `loadline find`; leave it out",
    ]);
  });

  test("says what is missing", () => {
    assert.match(
      problemsOf(() => parsePlan({ command: "find", flags: {} })).join("\n"),
      /--target: it is missing[^]*--slo: it is missing/,
    );
    assert.match(problemsOf(() => run())[0]!, /^--rate: the plan does not say what load to send/);
  });

  const CONTRADICTIONS: readonly [Record<string, unknown>, RegExp][] = [
    [{ rate: "1", concurrency: "2" }, /^--concurrency: the load is named twice/],
    [
      { concurrency: "2", arrivals: "constant" },
      /^--arrivals: with --concurrency .* no arrival process/,
    ],
    [{ rate: "inf", arrivals: "poisson" }, /^--arrivals: with --rate/],
    [{ rate: "inf,4" }, /^--rate: "inf" is no rate/],
    [{ rate: "0" }, /^--rate: "0" is no rate that can be offered/],
    [{ rate: "10000001" }, /^--rate: "10000001" is no rate that can be offered/],
    [{ rate: "4", arrivals: "ramp:1:5" }, /^--rate: a ramp brings its own rates/],
    [{ arrivals: "ramp:1:5", requests: "5" }, /^--requests: a ramp rises over a duration/],
    [{ rate: "4", requests: "5", duration: "5s" }, /^--requests: a window ends after/],
    [{ concurrency: "8", maxInFlight: "4" }, /^--max-in-flight: it allows 4 .* 8 streams/],
    [{ rate: "4", minAgents: "4" }, /^--min-agents: it is for a fleet/],
    [{ rate: "4", agents: "4", nats: "nats://h:1" }, /^--agents: it is for local agents/],
    [
      { rate: "4", slo: ["ttft p99 <= 1s", "ttft p99 <= 2s"] },
      /^--slo: .*already limits the same thing/,
    ],
    [{ rate: "4", slo: ["chat: ttft p99 <= 1s"] }, /^--slo: .*about the class "chat", which/],
  ];
  for (const [flags, expected] of CONTRADICTIONS) {
    test(`is one that contradicts itself: ${JSON.stringify(flags)}`, () => {
      const problems = problemsOf(() => run(flags));
      assert.equal(problems.length, 1, problems.join("\n"));
      assert.match(problems[0]!, expected);
    });
  }

  test("is a search from above its highest rate, or over a ramp", () => {
    assert.match(
      problemsOf(() => find({ minRate: "9", maxRate: "4" }))[0]!,
      /^--min-rate: .*9.*4 requests/,
    );
    assert.match(
      problemsOf(() => find({ arrivals: "ramp:1:5" }))[0]!,
      /^--arrivals: a search chooses its own/,
    );
  });

  const VALUES: readonly [string, string, RegExp][] = [
    ["rate", "0", /no rate that can be offered/],
    ["rate", "-4", /"-4" is no rate/],
    ["rate", "4,,8", /"" is no rate/],
    ["concurrency", "1.5", /no whole number from 1/],
    ["duration", "5 fortnights", /"fortnights" is no unit of time/],
    ["duration", "0s", /out of range; write a duration from 100ms to 168h/],
    ["arrivals", "poison", /did you mean poisson\?/],
    ["arrivals", "gamma", /gamma has other parameters/],
    ["arrivals", "gamma:0", /coefficient of variation must be from 0.001/],
    ["arrivals", "ramp:0:0", /must start or end above 0/],
    ["endpoint", "chatt", /did you mean chat\?/],
    ["seed", "-1", /no whole number/],
    ["agents", "0", /no whole number from 1 to 1024/],
    ["name", "../x", /not of the right form/],
    ["promptTokens", "uniform:9:4", /its low end is above its high end/],
    ["sloPreset", "chatbott", /did you mean "chatbot"\?/],
    ["profile", "burst", /none of them; write synchronous or throughput/],
    ["extraBody", "[1]", /no JSON object/],
    ["extraBody", '{"stream":false}', /sets "stream"; requests are always streamed/],
    ["reportListen", "7400", /write HOST:PORT/],
  ];
  for (const [flag, value, expected] of VALUES) {
    test(`is one with --${flag} ${value}`, () => {
      const load = ["rate", "concurrency", "profile", "arrivals"].includes(flag)
        ? {}
        : { rate: "1" };
      const problems = problemsOf(() => run({ ...load, [flag]: value }));
      assert.match(problems[0]!, expected);
    });
  }

  test("never repeats what may be a secret", () => {
    const { message } = errorOf(() =>
      run({
        rate: "1",
        target: "http://user:hunter2@host",
        header: ["Authorization: Bearer hunter2", "hunter2"],
        apiKeyEnv: "sk-hunter2",
        nats: "nats://user:hunter2@host:4222",
        extraBody: '{"x": "hunter2',
      }),
    );
    assert.doesNotMatch(message, /hunter2/);
    assert.match(message, /--header: the header Authorization would put a key into the plan/);
    assert.equal(message.split("\n").length, 7);
  });
});

describe("what is not built yet", () => {
  const NOT_YET: readonly [Record<string, unknown>, RegExp][] = [
    [{ dataset: "x.jsonl" }, /--dataset/],
    [{ tokenizer: "t.json" }, /--tokenizer/],
    [{ prefixTokens: "64" }, /--prefix-tokens/],
    [{ prefixGroups: "4" }, /--prefix-groups/],
    [{ dashboard: true }, /--dashboard/],
    [{ http: "2" }, /--http: "2"/],
    [{ arrivals: "trace:azure.csv" }, /--arrivals: .*"trace"/],
    [{ arrivals: "steps:1:2" }, /--arrivals: .*"steps"/],
    ...["responses", "messages", "generate", "http"].map(
      (endpoint) =>
        [{ endpoint }, new RegExp(`--endpoint: "${endpoint}"`)] as [
          Record<string, unknown>,
          RegExp,
        ],
    ),
  ];
  for (const [flags, expected] of NOT_YET) {
    test(`is refused by its name: ${JSON.stringify(flags)}`, () => {
      const error = errorOf(() => find(flags));
      assert.equal(error.code, "LL_NOT_YET");
      assert.match(error.message, expected);
    });
  }

  test("is refused in run too", () => {
    assert.equal(errorOf(() => run({ scenario: "mlperf-server", rate: "1" })).code, "LL_NOT_YET");
  });

  test("that is turned off is no matter", () => {
    find({ prefixTokens: "0" }, { planFile: { name: "p", text: "dashboard: false" } });
  });

  test("beside a mistake is one of the problems", () => {
    const problems = problemsOf(() => find({ dashboard: true, seed: "x" }));
    assert.equal(problems.length, 2);
  });
});

describe("lengths from a file", () => {
  const readText = (path: string): string => {
    if (path === "lengths.txt") return "10, 20\n30";
    if (path === "bad.txt") return "ten";
    throw new Error("ENOENT");
  };

  test("are read by whoever may read files", () => {
    const plan = find({ outputTokens: "empirical:lengths.txt" }, { readText });
    assert.deepEqual(plan.workload.classes[0]?.outputTokens, {
      kind: "empirical",
      values: [10, 20, 30],
    });
  });

  test("that cannot be read, or hold something else, are a problem of their flag", () => {
    assert.match(
      problemsOf(() => find({ promptTokens: "empirical:no.txt" }, { readText }))[0]!,
      /^--prompt-tokens: the file "no.txt" cannot be read/,
    );
    assert.match(
      problemsOf(() => find({ promptTokens: "empirical:bad.txt" }, { readText }))[0]!,
      /^--prompt-tokens: .*"ten"/,
    );
    assert.match(
      problemsOf(() => find({ promptTokens: "empirical:lengths.txt" }))[0]!,
      /cannot be read/,
    );
  });
});
