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

test("KServe's and KubeRay's manifests are told of rule H and of unknown fields, and are quiet when repaired", () => {
  assert.equal(
    lintText(linted("served", 48)),
    [
      "served.yaml:2: InferenceService llama",
      "  H  a threshold above the knee, at spec.predictor.scaleTarget",
      "     100 requests a replica, and the SLO ends at 48: the fleet grows when it is lost",
      "     to do: take the target of `loadline calibrate`",
      "  -  spec.predictor.scaleTargt is no field of an InferenceService: a cluster drops it",
      "served.yaml:13: RayService llama",
      "  H  a threshold above the knee, at server: target_ongoing_requests",
      "     64 requests a replica, and the SLO ends at 48: the fleet grows when it is lost",
      "     to do: take the target of `loadline calibrate`",
      "  -  spec.serveConfigV2.applications[0].deployments[0].autoscaling_config.target_ongoing_request is no field of a RayService: a cluster drops it",
      "2 findings of rules A to H.",
      "",
    ].join("\n"),
  );
  const repaired = readFileSync(new URL("served.yaml", import.meta.url), "utf8")
    .replace(/ +(scaleTargt|target_ongoing_request): 24\n/g, "")
    .replace("100", "24")
    .replace("64", "24");
  const { manifests } = lint(repaired, { file: "x.yaml", knee: 48 });
  assert.deepEqual(
    manifests.flatMap(({ findings, notes }) => [...findings, ...notes]),
    [],
  );
});

test("every field of the schemas that emitted files are held against is known to lint", () => {
  const propertiesOf = (schema: string, definition: string): Record<string, null> => {
    const url = new URL(`../schemas/${schema}.json`, import.meta.url);
    const { definitions } = JSON.parse(readFileSync(url, "utf8")) as {
      definitions: Record<string, { properties: object }>;
    };
    const names = Object.keys(definitions[definition]!.properties);
    return Object.fromEntries(names.map((name) => [name, null]));
  };
  const ray = (definition: string): object => propertiesOf("ray-serve-2.60", definition);
  const full = [
    {
      kind: "InferenceService",
      spec: {
        ...propertiesOf("kserve-0.21", "V1beta1InferenceServiceSpec"),
        predictor: propertiesOf("kserve-0.21", "V1beta1PredictorSpec"),
      },
    },
    {
      ...ray("ServeDeploySchema"),
      applications: [
        {
          ...ray("ServeApplicationSchema"),
          deployments: [
            { ...ray("DeploymentSchema"), autoscaling_config: ray("AutoscalingConfig") },
          ],
        },
      ],
    },
  ];
  for (const manifest of full)
    assert.deepEqual(lint(JSON.stringify(manifest), { file: "x", knee: 48 }).manifests[0]?.notes, [
      "it follows no metric",
    ]);
});

test("fields of other types than the API's are told of, and break nothing", () => {
  const odd = [
    "kind: ScaledObject\nspec: {triggers: 5}",
    "kind: ScaledObject\nspec: {triggers: [4, null]}",
    "kind: HorizontalPodAutoscaler\nspec: {metrics: [{type: [x]}]}",
    "kind: InferenceService\nspec: {predictor: 7}",
    "applications: [{deployments: 3}, 4]",
    "kind: RayService\nspec: {serveConfigV2: 'applications: 4'}",
  ];
  for (const text of odd) assert.deepEqual(rulesOf(lint(text, { file: "x", knee: 48 })), [], text);
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
  const rayService = (config: string): string =>
    refusal(`kind: RayService\nspec:\n  serveConfigV2: ${config}\n`);
  assert.match(
    rayService('"a: [1"'),
    /spec\.serveConfigV2 of the RayService of line 1 is no YAML: /,
  );
  assert.match(rayService("'[1]'"), /serveConfigV2 of the RayService of line 1 is no object$/);
  assert.match(rayService("7"), /no autoscaler among RayService$/);
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
