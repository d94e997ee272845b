import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { lint, type LintReport } from "../../../coordinator/calibrate/lint/lint.ts";
import { lintText } from "../../../coordinator/calibrate/lint/lint-text.ts";
import {
  isOneSeries,
  operandsOf,
  selectorsOf,
} from "../../../coordinator/calibrate/lint/promql.ts";
import { RULES } from "../../../coordinator/calibrate/lint/rules.ts";
import { LoadError } from "../../../shared/errors.ts";

function linted(name: string, knee?: number): LintReport {
  const text = readFileSync(new URL(`${name}.yaml`, import.meta.url), "utf8");
  return lint(text, { file: `${name}.yaml`, knee });
}

function rulesOf({ manifests }: LintReport): string[] {
  return manifests.flatMap(({ findings }) => findings.map(({ rule }) => rule));
}

describe("each rule has a manifest that breaks it, and only it, and one that does not", () => {
  for (const rule of Object.keys(RULES))
    test(`${rule}: ${RULES[rule as keyof typeof RULES]}`, () => {
      assert.deepEqual([...new Set(rulesOf(linted(`${rule}-fails`)))], [rule]);
      assert.deepEqual(rulesOf(linted(`${rule}-passes`)), []);
    });
});

test("the manifests that calibrate writes break no rule", () => {
  for (const name of ["keda-scaledobject", "hpa", "knative-service", "kserve-inferenceservice"])
    assert.deepEqual(rulesOf(linted(`../calibrate/${name}`)), [], name);
  assert.deepEqual(rulesOf(linted("../calibrate/ray-serve", 48)), []);
});

test("several documents, lists, other kinds and unknown fields are each told of", () => {
  const report = linted("several");
  assert.equal(
    lintText(report),
    [
      "several.yaml:2: ConfigMap settings",
      "  -  is no autoscaler that is known here: not checked",
      "several.yaml:7: ScaledObject llama",
      "  H  a threshold above the knee, at spec.triggers[0]",
      "     100 requests a replica, and the SLO ends at 48: the fleet grows when it is lost",
      "     to do: take the target of `loadline calibrate`",
      "  -  spec.cooldownperiod is no field of a ScaledObject: a cluster drops it",
      "several.yaml:35: Service llama",
      "  H  a threshold above the knee, at spec.template.spec.containerConcurrency",
      "     64 requests a replica, and the SLO ends at 48: the fleet grows when it is lost",
      "     to do: take the target of `loadline calibrate`",
      "several.yaml:35: Service plain",
      "  -  is no autoscaler that is known here: not checked",
      "2 findings of rules A to H.",
      "",
    ].join("\n"),
  );
});

test("a knee that is stated wins over the manifest's, and without one rule H says that it was not checked", () => {
  assert.deepEqual(rulesOf(linted("H-passes", 30)), ["H"]);
  const [hpa] = linted("G-passes").manifests;
  assert.match(hpa!.notes.join("\n"), /^rule H .* was not checked: give --calibration or --knee$/m);
  assert.deepEqual(rulesOf(linted("G-passes", 20)), ["H"]);
});

test("what is no manifest is refused with its line", () => {
  const refusal = (text: string): string => {
    try {
      lint(text, { file: "x.yaml", knee: undefined });
    } catch (error) {
      assert.ok(error instanceof LoadError);
      assert.equal(error.code, "LL_MANIFEST_INVALID");
      assert.equal(error.exitCode, 2);
      return error.message;
    }
    return assert.fail("it was taken");
  };
  assert.match(refusal("kind: A\n---\na: [1\nb: 2\n"), /^x\.yaml: line [34] is no YAML: /);
  assert.equal(refusal("kind: Pod\n---\n- 1\n"), "x.yaml: line 3 begins no object");
  assert.equal(
    refusal("kind: Pod\n---\na: 1\n"),
    "x.yaml: no autoscaler among Pod, an object without a kind",
  );
  assert.match(refusal("kind: *gone\n"), /^x\.yaml: the document of line 1 cannot be read: .*gone/);
  assert.equal(refusal("# nothing\n"), "x.yaml: it is empty");
});

describe("queries are read", () => {
  const ONE = [
    "sum(a)",
    '(sum(a{x="("}) + sum(b))',
    "sum(a) / 2",
    "avg(a) * on() max(b)",
    "histogram_quantile(0.9, sum(rate(a_bucket[1m])) by (le))",
    "ceil(sum(a))",
    "max(a or b)",
    "scalar(a)",
    "sum by () (a)",
  ];
  const MANY = [
    "a",
    "sum by (pod) (a)",
    "sum(a) by (pod)",
    "sum(a) + b",
    "(sum(a) + b) / 2",
    "rate(a[1m])",
    "topk(1, a)",
    "histogram_quantile(0.9, rate(a_bucket[1m]))",
    "sum without (pod) (a)",
  ];
  const oneSeries = (query: string): boolean => operandsOf(query).every(isOneSeries);
  test("one series", () => {
    for (const query of ONE) assert.equal(oneSeries(query), true, query);
  });
  test("more than one", () => {
    for (const query of MANY) assert.equal(oneSeries(query), false, query);
  });
  test("metrics with their selectors, and nothing else", () => {
    assert.deepEqual(
      selectorsOf(
        'sum by (pod) (rate(vllm:a_total{x="y(z)"}[5m])) + on (pod) group_left (b) avg(c) or vector(0)',
      ),
      [
        { metric: "vllm:a_total", matchers: '{x="y(z)"}' },
        { metric: "c", matchers: "" },
      ],
    );
  });
});
