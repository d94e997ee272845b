import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { calibrate, type CalibrationOptions } from "../../../coordinator/calibrate/calibration.ts";
import { type Forecast, readForecast } from "../../../coordinator/forecast/forecast.ts";
import { type Replay, replay } from "../../../coordinator/calibrate/replay.ts";
import { readRule, ruleText } from "../../../coordinator/calibrate/scaling-rule.ts";
import type { ScalingRule } from "../../../coordinator/calibrate/simulation.ts";
import type { Result } from "../../../coordinator/show/result.ts";
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
const BIG = resultOfServer(BATCH_64);
const SMALL = resultOfServer(BATCH_16);
const DAY = readForecast(
  readFileSync(new URL("../../../docs/examples/day.csv", import.meta.url), "utf8"),
  { place: "day.csv", spacing: "loose" },
);

interface Changes {
  readonly rules?: readonly ScalingRule[];
  readonly maxReplicas?: number;
  readonly seed?: number;
}

function replayed(result: Result, forecast: Forecast, changes: Changes = {}): Replay {
  const outcome = replay(result, calibrate(result, OPTIONS), {
    forecast,
    rules: [],
    minReplicas: 1,
    maxReplicas: 100,
    seed: 1,
    ...changes,
  });
  assert.ok("simulations" in outcome);
  return outcome;
}

describe("a day's load", () => {
  const rules: ScalingRule[] = [
    { signal: "waiting", target: 5 },
    { signal: "throughput", target: 0.8 },
    { signal: "gpu", target: 0.8 },
  ];
  for (const [name, result] of [
    ["large batches", BIG],
    ["small batches", SMALL],
  ] as const)
    test(`${name}: the calibrated number meets the SLO, the tutorials' numbers miss it or pay for every replica there is`, () => {
      for (const seed of [1, 2, 3]) {
        const [ours, waiting, throughput, gpu] = replayed(result, DAY, { rules, seed }).simulations;
        assert.equal(ours!.meetsSlo, true);
        assert.ok(ours!.minutesWithinFraction > 0.999, `${ours!.minutesWithinFraction}`);
        assert.equal(waiting!.meetsSlo, false);
        assert.ok(waiting!.replicaHours > ours!.replicaHours && waiting!.flapCount > 50);
        assert.equal(throughput!.meetsSlo, false);
        // Busy is busy at a twentieth of what the GPU can do, so nothing is ever taken away.
        assert.ok(gpu!.replicaHours > 2.5 * ours!.replicaHours);
        assert.equal(gpu!.replicasMax, 100);
      }
    });

  test("the same seed gives the same day, another one another", () => {
    const hours = [1, 1, 2].map(
      (seed) => replayed(BIG, DAY, { seed }).simulations[0]!.replicaHours,
    );
    assert.equal(hours[0], hours[1]);
    assert.notEqual(hours[0], hours[2]);
  });
});

test("growth as planned for is survived, and the number at the knee is not: headroom is what the delay costs", () => {
  // 20 % a minute of what it was at first, for ten minutes.
  const rise = readForecast("0,120\n600,120\n1200,360\n1800,360", {
    place: "rise.csv",
    spacing: "loose",
  });
  const knee = calibrate(BIG, OPTIONS).target.knee;
  const [ours, tight] = replayed(BIG, rise, {
    rules: [{ signal: "running+waiting", target: knee }],
  }).simulations;
  assert.equal(ours!.meetsSlo, true);
  assert.equal(tight!.meetsSlo, false);
});

test("a queue that cannot be served is past the SLO until it is gone, and replicas come after D", () => {
  const step = readForecast("0,20\n60,20\n120,200\n180,200\n240,200\n300,200\n360,200\n420,200", {
    place: "step.csv",
    spacing: "loose",
  });
  const [ours] = replayed(BIG, step).simulations;
  assert.equal(ours!.meetsSlo, false);
  // The load has risen by 1:00-2:00; nothing ordered then serves before 2:18 later.
  const served = ours!.minutes.map(({ ready }) => ready);
  assert.equal(served[1], served[0]);
  assert.ok(served.at(-1)! > served[0]!);
  assert.equal(ours!.minutes[2]!.meetsSlo, false);
  assert.ok(ours!.minutes.some(({ overFraction }) => overFraction === 1));
});

test("too few replicas are told, and miss", () => {
  const { simulations, notes } = replayed(BIG, DAY, { maxReplicas: 5 });
  assert.equal(simulations[0]!.meetsSlo, false);
  assert.equal(simulations[0]!.replicasMax, 5);
  assert.match(notes.join("\n"), /the peak asks for \d+ replicas, and --max-replicas is 5/);
});

test("replica-hours count what starts, and perfect foresight is less", () => {
  const flat = readForecast("0,24.8\n3600,24.8", { place: "flat.csv", spacing: "loose" });
  const { simulations, leastReplicaHours } = replayed(BIG, flat);
  assert.equal(leastReplicaHours, 2);
  assert.ok(simulations[0]!.replicaHours >= 2);
});

test("what the run did not measure cannot be replayed, and clauses that cannot are named", () => {
  const blind = resultOfServer(BATCH_64, { metrics: false });
  const options = { forecast: DAY, minReplicas: 1, maxReplicas: 9, seed: 1 };
  const rules: ScalingRule[] = [{ signal: "waiting", target: 5 }];
  assert.deepEqual(replay(blind, calibrate(blind, OPTIONS), { ...options, rules }), {
    unmeasured: "waiting",
  });
  const goodput = { ...BIG.slo[0]!, text: "goodput >= 99%", metric: "goodput", stat: "fraction" };
  const { notes } = replayed({ ...BIG, slo: [...BIG.slo, goodput] }, DAY);
  assert.match(notes.join("\n"), /"goodput >= 99%" is not replayed/);
});

test("the fitted curve of a search is taken where there is one", () => {
  const { text } = BIG.slo[0]!;
  const points = [5, 10, 20].map((requestsPerSecond) => ({
    requestsPerSecond,
    overFraction: 0.5,
    low: 0,
    high: 1,
  }));
  const curve = [{ clause: text, limitFraction: 0.01, points }];
  const [simulation] = replayed({ ...BIG, curve }, DAY).simulations;
  assert.ok(simulation!.clauses[0]!.overFraction > 0.4);
});

test("a rule is read as it is written, and refused with what to write", () => {
  const rules = ["waiting=5", "gpu=80%", "running+waiting = 12.5"].map(readRule);
  assert.deepEqual(
    rules.map((reading) => "value" in reading && ruleText(reading.value)),
    ["waiting 5", "gpu 80 %", "running+waiting 12.5"],
  );
  for (const wrong of [
    "",
    "cpu=3",
    "waiting",
    "waiting=0",
    "waiting=5%",
    "gpu=80",
    "gpu=120%",
    "kv-use=x%",
  ])
    assert.ok("message" in readRule(wrong), wrong);
});
