import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { type IScaledObject, ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1";
import { type IService, Service } from "@kubernetes-models/knative/serving.knative.dev/v1";
import {
  HorizontalPodAutoscaler,
  type IHorizontalPodAutoscaler,
} from "kubernetes-models/autoscaling/v2";
import { parse } from "yaml";
import { calibrate, type CalibrationOptions } from "../../../coordinator/calibrate/calibration.ts";
import { calibrationText } from "../../../coordinator/calibrate/calibration-text.ts";
import { AUTOSCALERS, emitFiles } from "../../../coordinator/calibrate/files/emit.ts";
import {
  annotationsOf,
  type Deployment,
} from "../../../coordinator/calibrate/files/emitted-file.ts";
import { ongoingMax } from "../../../coordinator/calibrate/files/ray.ts";
import { limitsOf } from "../../../coordinator/calibrate/validity-limits.ts";
import { renderJson } from "../../../coordinator/show/json.ts";
import { type SchemaName, schemaProblems } from "../../support/closed-schema.ts";
import { BATCH_16, BATCH_64, resultOfServer } from "../../support/measured-server.ts";

const OPTIONS: CalibrationOptions = {
  delay: {
    scrapeS: 15,
    pollS: 15,
    periodS: 15,
    stabilisationS: 0,
    provisioningS: 0,
    startupS: 138,
  },
  growthPerSecond: 0.2 / 60,
};
const DEPLOYMENT: Deployment = {
  namespace: "llm",
  workload: "llama",
  model: 'meta-llama/Llama "3.1"',
  engine: "vllm",
  prometheusUrl: "http://prometheus:9090",
  minReplicas: 2,
  maxReplicas: 20,
};

const RESULT = resultOfServer(BATCH_64);
const CALIBRATION = calibrate(RESULT, OPTIONS);
const LIMITS = limitsOf(RESULT, { hardware: "1 × H100", engine: undefined });
const FILES = emitFiles(
  {
    calibration: CALIBRATION,
    deployment: DEPLOYMENT,
    limits: LIMITS,
  },
  { autoscalers: AUTOSCALERS, slo: RESULT.slo },
);

function sameAsApproved(url: URL, text: string): void {
  // UPDATE_GOLDEN=1 approves what is written now; read the difference before committing it.
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(url, text);
  assert.equal(text, readFileSync(url, "utf8"));
}

for (const { name, text } of FILES)
  test(`${name} is as it was approved`, () => {
    sameAsApproved(new URL(name, import.meta.url), text);
  });

test("the decision in words is as it was approved", () => {
  sameAsApproved(new URL("decision.txt", import.meta.url), calibrationText(CALIBRATION));
});

test("the example runs of the documentation are these servers' results", () => {
  for (const server of [BATCH_64, BATCH_16])
    sameAsApproved(
      new URL(`../../../docs/examples/${server.name}/result.json`, import.meta.url),
      renderJson(resultOfServer(server)),
    );
});

function fileOf(name: string): string {
  return FILES.find((file) => file.name === name)!.text;
}

/**
 * Validators generated from KEDA's, Knative's and Kubernetes' own API types (kubernetes-models). They let unknown fields
 * pass, as a cluster prunes them, so the same objects are also written out here: the compiler knows every field.
 */
describe("against the API's own types", () => {
  const annotations = annotationsOf({
    calibration: CALIBRATION,
    deployment: DEPLOYMENT,
    limits: LIMITS,
  });
  const metadata = { name: "llama", namespace: "llm", annotations };
  const behavior = {
    scaleUp: {
      stabilizationWindowSeconds: 0,
      policies: [
        { type: "Percent", value: 100, periodSeconds: 15 },
        { type: "Pods", value: 4, periodSeconds: 15 },
      ],
      selectPolicy: "Max",
    },
    scaleDown: {
      stabilizationWindowSeconds: 300,
      policies: [
        { type: "Percent", value: 10, periodSeconds: 60 },
        { type: "Pods", value: 1, periodSeconds: 60 },
      ],
      selectPolicy: "Max",
    },
  };

  test("KEDA's ScaledObject", () => {
    const labels = String.raw`{namespace="llm",model_name="meta-llama/Llama \"3.1\""}`;
    const expected: IScaledObject = {
      apiVersion: "keda.sh/v1alpha1",
      kind: "ScaledObject",
      metadata,
      spec: {
        scaleTargetRef: { name: "llama" },
        minReplicaCount: 2,
        maxReplicaCount: 20,
        pollingInterval: 15,
        fallback: { failureThreshold: 3, replicas: 2, behavior: "currentReplicasIfHigher" },
        advanced: { horizontalPodAutoscalerConfig: { behavior } },
        triggers: [
          {
            type: "prometheus",
            metricType: "AverageValue",
            metadata: {
              serverAddress: "http://prometheus:9090",
              query: `sum(vllm:num_requests_running${labels}) + sum(vllm:num_requests_waiting${labels})`,
              threshold: "24",
              ignoreNullValues: "false",
            },
          },
        ],
      },
    };
    assert.deepEqual(parse(fileOf("keda-scaledobject.yaml")), expected);
    new ScaledObject(expected).validate();
  });

  test("Kubernetes' HorizontalPodAutoscaler v2", () => {
    const expected: IHorizontalPodAutoscaler = {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata,
      spec: {
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "llama" },
        minReplicas: 2,
        maxReplicas: 20,
        metrics: [
          {
            type: "External",
            external: {
              metric: { name: "loadline_llama_requests" },
              target: { type: "AverageValue", averageValue: "24" },
            },
          },
        ],
        behavior,
      },
    };
    assert.deepEqual(parse(fileOf("hpa.yaml")), expected);
    new HorizontalPodAutoscaler(expected).validate();
  });

  test("Knative's Service", () => {
    const expected: IService = {
      apiVersion: "serving.knative.dev/v1",
      kind: "Service",
      metadata,
      spec: {
        template: {
          metadata: {
            annotations: {
              "autoscaling.knative.dev/metric": "concurrency",
              "autoscaling.knative.dev/target-utilization-percentage": "50",
              "autoscaling.knative.dev/min-scale": "2",
              "autoscaling.knative.dev/max-scale": "20",
            },
          },
          spec: { containerConcurrency: 48, containers: [{ name: "server", image: "IMAGE" }] },
        },
      },
    };
    assert.deepEqual(parse(fileOf("knative-service.yaml")), expected);
    new Service(expected).validate();
  });

  test("a manifest that is wrong is told to be: the validators look", () => {
    const wrong = parse(
      fileOf("keda-scaledobject.yaml").replace("pollingInterval: 15", "pollingInterval: soon"),
    ) as IScaledObject;
    assert.throws(() => {
      new ScaledObject(wrong).validate();
    }, /pollingInterval must be integer/);
  });
});

interface Checked {
  readonly file: string;
  readonly schema: SchemaName;
  readonly kind: string;
  /** A field's name as the file writes it, spelt wrongly here; and what the schema then says. */
  readonly misspelt: readonly [right: string, wrong: string, said: RegExp];
  /** A value of another type, or out of its bounds. */
  readonly mistyped: readonly [right: string, wrong: string, said: RegExp];
}

/** What each schema is, and is not, stands in its file's $comment and in docs/calibration.md. */
const CHECKED: readonly Checked[] = [
  {
    file: "kserve-inferenceservice.yaml",
    schema: "kserve-0.21",
    kind: "InferenceService",
    misspelt: ["scaleTarget:", "scaleTargets:", /"scaleTargets"\n.* spec\.predictor/],
    mistyped: ["minReplicas: 2", "minReplicas: two", /spec\.predictor\.minReplicas/],
  },
  {
    file: "ray-serve.yaml",
    schema: "ray-serve-2.60",
    kind: "ray-serve",
    misspelt: ["max_ongoing_requests:", "max_ongoing_request:", /"max_ongoing_request"/],
    mistyped: ["max_ongoing_requests: 32", "max_ongoing_requests: 0", /max_ongoing_requests/],
  },
  {
    file: "ray-serve.yaml",
    schema: "ray-serve-2.60",
    kind: "ray-serve",
    misspelt: ["target_ongoing_requests:", "target_ongoing_request:", /autoscaling_config/],
    mistyped: ["min_replicas: 2", "min_replicas: two", /autoscaling_config/],
  },
  {
    file: "sagemaker-scalable-target.json",
    schema: "application-autoscaling-2016-02-06",
    kind: "sagemaker-scalable-target",
    misspelt: ["MaxCapacity", "MaximumCapacity", /"MaximumCapacity"/],
    mistyped: [
      "sagemaker:variant:DesiredInstanceCount",
      "sagemaker:DesiredInstanceCount",
      /ScalableDimension/,
    ],
  },
  {
    file: "sagemaker-scaling-policy.json",
    schema: "application-autoscaling-2016-02-06",
    kind: "sagemaker-scaling-policy",
    misspelt: ["ScaleInCooldown", "ScaleInCoolDown", /"ScaleInCoolDown"/],
    mistyped: ['"ScaleOutCooldown": 0', '"ScaleOutCooldown": "0"', /ScaleOutCooldown/],
  },
];

for (const { file, schema, kind, misspelt, mistyped } of CHECKED)
  describe(`${file} against ${schema}`, () => {
    const problemsOf = (text: string): string => schemaProblems(schema, kind, parse(text));
    test("it is valid", () => {
      assert.equal(problemsOf(fileOf(file)), "");
    });
    for (const [right, wrong, said] of [misspelt, mistyped])
      test(`${wrong} is not`, () => {
        const text = fileOf(file).replace(right, wrong);
        assert.notEqual(text, fileOf(file), "nothing was planted");
        assert.match(problemsOf(text), said);
      });
  });

const PROMTOOL = "/usr/bin/promtool";

test("Prometheus takes the rules, and the queries in them", {
  skip: existsSync(PROMTOOL) ? false : "no promtool on this machine",
}, () => {
  const path = fileURLToPath(new URL("prometheus-rules.yaml", import.meta.url));
  const { status, stdout, stderr } = spawnSync(PROMTOOL, ["check", "rules", path], {
    encoding: "utf8",
  });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /3 rules found/);
});

test("KServe, Ray and SageMaker get the numbers of the table in docs/calibration.md", () => {
  assert.match(
    fileOf("kserve-inferenceservice.yaml"),
    /scaleMetric: concurrency\n +scaleTarget: 24\n +containerConcurrency: 48\n/,
  );
  assert.match(fileOf("ray-serve.yaml"), /max_ongoing_requests: 32\n/);
  assert.match(fileOf("ray-serve.yaml"), /target_ongoing_requests: 24\n/);
  const planned = Math.floor(60 * CALIBRATION.plannedPerSecond);
  assert.match(fileOf("sagemaker-scaling-policy.json"), new RegExp(`"TargetValue": ${planned},`));
});

test("Ray's bound on ongoing requests is never past the knee, nor below the target", () => {
  assert.equal(ongoingMax({ value: 10, knee: 40 }), 13);
  assert.equal(ongoingMax({ value: 10, knee: 11 }), 11);
  assert.equal(ongoingMax({ value: 10, knee: 9 }), 10);
});
