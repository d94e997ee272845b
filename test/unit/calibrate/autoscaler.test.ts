import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  Autoscaler,
  type AutoscalerOptions,
  replicasByAverage,
  replicasByRatio,
} from "../../../coordinator/calibrate/autoscaler.ts";
import { BEHAVIOR } from "../../../coordinator/calibrate/files/emitted-file.ts";

describe("what a metric asks for", () => {
  test("AverageValue: ceil(total / target), whatever is there", () => {
    assert.equal(replicasByAverage(250, 24, 3), 11);
    assert.equal(replicasByAverage(10, 24, 3), 1);
    assert.equal(replicasByAverage(0, 24, 3), 0);
  });

  test("within a tenth of the target nothing changes", () => {
    assert.equal(replicasByAverage(263, 24, 10), 10);
    assert.equal(replicasByAverage(265, 24, 10), 12);
    assert.equal(replicasByAverage(217, 24, 10), 10);
    assert.equal(replicasByRatio(1.1, { ready: 4, replicas: 4 }), 4);
  });

  test("a mean over pods: ceil(ready × mean / target), held back by pods that start", () => {
    assert.equal(replicasByRatio(1.25, { ready: 4, replicas: 4 }), 5);
    assert.equal(replicasByRatio(1.25, { ready: 4, replicas: 5 }), 5);
    assert.equal(replicasByRatio(0.5, { ready: 4, replicas: 4 }), 2);
  });
});

const OPTIONS: AutoscalerOptions = { minReplicas: 1, maxReplicas: 50, ...BEHAVIOR };

describe("the controller", () => {
  test("goes up at once, by the larger of double and four", () => {
    assert.equal(new Autoscaler(OPTIONS).decide(0, 40, 1), 5);
    assert.equal(new Autoscaler(OPTIONS).decide(0, 40, 10), 20);
  });

  test("what was added within a policy's period counts against it", () => {
    const scaler = new Autoscaler(OPTIONS);
    assert.equal(scaler.decide(0, 40, 10), 20);
    assert.equal(scaler.decide(5, 40, 20), 20);
    assert.equal(scaler.decide(15, 40, 20), 40);
  });

  test("goes down to the highest of five minutes' wishes, a tenth or one a minute", () => {
    const scaler = new Autoscaler(OPTIONS);
    assert.equal(scaler.decide(0, 30, 30), 30);
    for (let atS = 15; atS < 300; atS += 15) assert.equal(scaler.decide(atS, 2, 30), 30);
    assert.equal(scaler.decide(300, 2, 30), 27);
    assert.equal(scaler.decide(315, 2, 27), 27);
    assert.equal(scaler.decide(360, 2, 27), 24);
    assert.equal(new Autoscaler(OPTIONS).decide(0, 1, 5), 4);
  });

  test("stabilisation of scaling up waits for the lowest wish", () => {
    const scaleUp = { ...BEHAVIOR.scaleUp, stabilizationWindowSeconds: 60 };
    const scaler = new Autoscaler({ ...OPTIONS, scaleUp });
    assert.equal(scaler.decide(0, 2, 2), 2);
    assert.equal(scaler.decide(30, 6, 2), 2);
    assert.equal(scaler.decide(61, 6, 2), 6);
  });

  test("never leaves its bounds", () => {
    const bounded = { ...OPTIONS, minReplicas: 2, maxReplicas: 6 };
    assert.equal(new Autoscaler(bounded).decide(0, 40, 5), 6);
    assert.equal(new Autoscaler(bounded).decide(0, 0, 2), 2);
  });
});
