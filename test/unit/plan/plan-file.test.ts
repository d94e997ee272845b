import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import fc from "fast-check";
import { parsePlan } from "../../../coordinator/plan/parse.ts";
import type { Plan } from "../../../coordinator/plan/plan.ts";
import { planJsonSchema } from "../../../coordinator/plan/schema.ts";
import { LoadError } from "../../../shared/errors.ts";

const SEARCH = "target: http://127.0.0.1:8000\nslo: ttft p99 <= 200ms\n";

function parse(
  text: string,
  flags: Record<string, unknown> = {},
  command: "find" | "run" = "find",
): Plan {
  return parsePlan({ command, flags, planFile: { name: "plan.yaml", text } });
}

function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof LoadError, String(error));
    assert.equal(error.code, "LL_PLAN_INVALID");
    const [, ...lines] = error.message.split("\n");
    return lines.length > 0
      ? lines.map((line) => line.trim())
      : [error.message.replace("the plan is wrong: ", "")];
  }
  return assert.fail("the plan was taken");
}

describe("a plan file", () => {
  test("says what flags say, in YAML's own types", () => {
    const fromFile = parse(
      [
        "target: http://127.0.0.1:8000",
        "rate: [1, 4rps, 8]",
        "slo:",
        "  - ttft p99 <= 200ms",
        "  - error_rate <= 0.1%",
        "header:",
        "  X-Tenant: load",
        "extra-body:",
        "  temperature: 0.5",
        "http: 1.1",
        "seed: 7",
        "duration: 10s",
        "records: false",
        "force-output: true",
      ].join("\n"),
      {},
      "run",
    );
    const fromFlags = parsePlan({
      command: "run",
      flags: {
        target: "http://127.0.0.1:8000",
        rate: "1,4,8",
        slo: ["ttft p99 <= 200ms", "error_rate <= 0.1%"],
        header: ["X-Tenant: load"],
        extraBody: '{"temperature":0.5}',
        http: "1.1",
        seed: "7",
        duration: "10s",
        records: false,
        forceOutput: true,
      },
    });
    assert.deepEqual(fromFile, fromFlags);
  });

  test("may be JSON", () => {
    assert.equal(parse('{"target": "http://a", "slo": ["ttft p99 <= 1s"], "seed": 3}').seed, 3);
  });

  test("mixes classes of traffic, each with lengths and clauses of its own", () => {
    const { workload, slo } = parse(
      [
        "target: http://127.0.0.1:8000",
        "slo: 'rag: ttft p99 <= 1s'",
        "output-tokens: 32",
        "classes:",
        "  - { name: chat, weight: 80%, prompt-tokens: 'uniform:64:256' }",
        "  - { name: rag, weight: 20%, prompt-tokens: 2000, output-tokens: 200 }",
      ].join("\n"),
    );
    assert.deepEqual(workload.classes, [
      {
        name: "chat",
        weight: 80,
        promptTokens: { kind: "uniform", low: 64, high: 256 },
        outputTokens: { kind: "fixed", tokens: 32 },
      },
      {
        name: "rag",
        weight: 20,
        promptTokens: { kind: "fixed", tokens: 2_000 },
        outputTokens: { kind: "fixed", tokens: 200 },
      },
    ]);
    assert.deepEqual(slo, ["rag: ttft p99 <= 1s"]);
  });
});

describe("flags win over the file", () => {
  test("field by field", () => {
    const plan = parse(`${SEARCH}seed: 3\nmin-rate: 2\n`, { seed: "4" });
    assert.equal(plan.seed, 4);
    assert.ok(plan.load.kind === "find");
    assert.equal(plan.load.rateMinPerSecond, 2);
  });

  test("and take back what the file says in another way", () => {
    const file = `${SEARCH}rate: 5\narrivals: constant\nduration: 9s\nagents: 2\n`;
    const plan = parse(
      file,
      { concurrency: "4", requests: "100", nats: "nats://h:4222", sloPreset: "rag" },
      "run",
    );
    assert.ok(plan.load.kind === "run");
    assert.equal(plan.load.profile.kind, "concurrency");
    assert.equal(plan.load.until.kind, "requests");
    assert.equal(plan.placement.kind, "fleet");
    assert.deepEqual(plan.slo, ["ttft p99 <= 300ms", "itl p99 <= 100ms", "e2e p99 <= 3s"]);
  });

  test("but commander's own default for --no-records does not", () => {
    assert.equal(parse(`${SEARCH}records: false\n`, { records: true }).records, false);
  });

  test("and a wrong value in the file that a flag replaces is no problem", () => {
    assert.equal(parse(`${SEARCH}seed: many\n`, { seed: "4" }).seed, 4);
  });
});

describe("mistakes in a plan file", () => {
  test("are all named, each with its line and column", () => {
    const text = [
      "target: localhost:8000", // 1
      "promptTokens: 12", // 2
      "rate: [1, fast]", // 3
      "slo:", // 4
      "  - ttft p99 <= 200ms", // 5
      "  - itl p99 <= -3ms", // 6
      "duration: 30", // 7
      "max-rate: 4", // 8
      "seed: {}", // 9
      "rate: 5", // 10
    ].join("\n");
    const places = problemsOf(() => parse(text, {}, "run")).map(
      (line) => /^[^ ]+ ?(\(.*?\))?/.exec(line)![0],
    );
    assert.deepEqual(places.toSorted(), [
      "plan.yaml:10:1: ",
      "plan.yaml:1:9 (target)",
      "plan.yaml:2:1: ",
      "plan.yaml:3:11 (rate)",
      "plan.yaml:6:5 (slo)",
      "plan.yaml:7:11 (duration)",
      "plan.yaml:8:11 (max-rate)",
      "plan.yaml:9:7 (seed)",
    ]);
  });

  test("in a name come with the name that was meant, however it was spelled", () => {
    const meant = ["promptTokens", "prompt_tokens", "prompt-token", "time-buget"].map(
      (name) =>
        /did you mean (\S+)\?/.exec(problemsOf(() => parse(`${SEARCH}${name}: 1\n`))[0]!)?.[1],
    );
    assert.deepEqual(meant, ["prompt-tokens", "prompt-tokens", "prompt-tokens", "time-budget"]);
    assert.match(
      problemsOf(() => parse(`${SEARCH}frobnicate: 1\n`))[0]!,
      /it may have name, target, .*method/,
    );
  });

  test("within a class are found where they stand", () => {
    const text = `${SEARCH}classes:\n  - name: a\n    weight: none\n  - name: b\n    wieght: 2\n`;
    const problems = problemsOf(() => parse(text));
    assert.match(problems.join("\n"), /plan.yaml:5:13 \(classes\): "none" is no weight/);
    assert.match(problems.join("\n"), /plan.yaml:7:13 \(classes\): there is no "wieght" here/);
    assert.match(problems.join("\n"), /plan.yaml:6:5 \(classes\): .*weight/);
    const twins = `${SEARCH}classes:\n  - { name: a, weight: 1 }\n  - { name: a, weight: 2 }\n`;
    assert.match(problemsOf(() => parse(twins))[0]!, /two classes are named "a"/);
  });

  test("in the YAML itself end the reading there, and nothing behind is guessed at", () => {
    const problems = problemsOf(() => parse(`${SEARCH}sead: 1\nheader: [a\nbogus: 2\n`));
    assert.match(problems.join("\n"), /plan.yaml:\d+:\d+: this is no YAML/);
    assert.match(problems.join("\n"), /plan.yaml:3:1: a plan has no "sead"; did you mean seed\?/);
    assert.equal(problems.length, 2);
  });

  test("of the whole file name the file", () => {
    assert.match(problemsOf(() => parse("- a\n- b\n"))[0]!, /^plan.yaml: it is no map/);
    assert.match(
      problemsOf(() => parse(`${SEARCH}#${"x".repeat(1_100_000)}`))[0]!,
      /^plan.yaml: it is longer than/,
    );
  });

  test("made of aliases neither hang nor multiply", () => {
    const bomb = `${SEARCH}extra-body: &a { x: [*a, *a] }\n`;
    assert.match(problemsOf(() => parse(bomb))[0]!, /plan.yaml:3:\d+: a plan has no aliases/);
  });
});

test("whatever a plan file holds, it is a plan or a LoadError", () => {
  const names = fc.constantFrom(
    "target",
    "slo",
    "rate",
    "classes",
    "header",
    "extra-body",
    "seed",
    "arrivals",
    "quick",
    "x",
  );
  const values = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string());
  fc.assert(
    fc.property(fc.array(fc.tuple(names, values), { maxLength: 6 }), fc.string(), (pairs, tail) => {
      const text =
        pairs.map(([name, value]) => `${name}: ${JSON.stringify(value)}`).join("\n") + tail;
      try {
        parse(text, {}, "run");
      } catch (error) {
        assert.ok(error instanceof LoadError, String(error));
      }
    }),
  );
});

test("the published JSON Schema is the parser's own; npm run generate writes it", () => {
  const committed = readFileSync(
    new URL("../../../docs/plan.schema.json", import.meta.url),
    "utf8",
  );
  assert.deepEqual(JSON.parse(committed), planJsonSchema());
});
