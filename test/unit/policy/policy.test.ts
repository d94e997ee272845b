import assert from "node:assert/strict";
import { test } from "node:test";
import {
  assertPolicy,
  checkPlan,
  checkSegment,
  LOOPBACK_TARGETS,
  type ResolvedTarget,
} from "../../../agent/policy/policy.ts";
import { resolveTargetAddresses } from "../../../agent/policy/resolve.ts";
import type { PolicySummary, PrepareRun } from "../../../shared/control/control.ts";
import type { Segment, SegmentMode } from "../../../shared/segment/segment.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import type { Lengths } from "../../../shared/workload/workload.ts";
import { aTarget } from "../../support/stream-fixtures/target.ts";

function policy(options: Partial<PolicySummary> = {}): PolicySummary {
  return {
    targets: LOOPBACK_TARGETS,
    ratePerSecondMax: 100,
    inFlightMax: 50,
    durationNsMax: 60 * NS_PER_SECOND,
    tokensMax: 1000,
    ...options,
  };
}

function plan(options: { inFlightMax?: number; outputTokens?: Lengths } = {}): PrepareRun {
  return {
    runId: "r",
    incarnation: 1,
    seed: 1,
    target: aTarget({ url: "http://127.0.0.1/v1" }),
    workload: {
      classes: [
        {
          name: "default",
          weight: 1,
          promptTokens: { kind: "fixed", tokens: 100_000 },
          outputTokens: options.outputTokens ?? { kind: "fixed", tokens: 64 },
        },
      ],
    },
    thresholds: [],
    geometry: { significantDigits: 3, lowestTicks: 1, highestTicks: 10 },
    report: { url: "127.0.0.1:1", certificateFingerprint: "" },
    limits: { inFlightMax: options.inFlightMax ?? 10, drainMaxNs: 0, intervalNs: 1, leaseNs: 1 },
    keepRecords: false,
  };
}

function at(addresses: string | readonly string[], host?: string, port = 8000): ResolvedTarget {
  const list = typeof addresses === "string" ? [addresses] : addresses;
  return { host: host ?? list[0] ?? "", port, addresses: list };
}

function verdict(targets: readonly string[], resolved: ResolvedTarget): string {
  return checkPlan(policy({ targets }), plan(), resolved)?.code ?? "allowed";
}

const cases: readonly [
  name: string,
  targets: readonly string[],
  resolved: ResolvedTarget,
  verdict: string,
][] = [
  ["loopback by default", LOOPBACK_TARGETS, at("127.0.0.1"), "allowed"],
  ["all of 127/8 by default", LOOPBACK_TARGETS, at("127.8.9.1"), "allowed"],
  ["IPv6 loopback by default", LOOPBACK_TARGETS, at("::1"), "allowed"],
  ["loopback in IPv6's clothes", LOOPBACK_TARGETS, at("::ffff:127.0.0.1"), "allowed"],
  ["localhost by default", LOOPBACK_TARGETS, at(["127.0.0.1", "::1"], "localhost"), "allowed"],
  ["a name that is loopback", LOOPBACK_TARGETS, at("127.0.0.1", "gpu1"), "allowed"],
  ["nothing else by default", LOOPBACK_TARGETS, at("10.0.0.1"), "LL_POLICY_TARGET"],
  ["not this host's any-address", LOOPBACK_TARGETS, at("0.0.0.0"), "LL_POLICY_TARGET"],
  [
    "a name with one address elsewhere",
    LOOPBACK_TARGETS,
    at(["127.0.0.1", "10.0.0.1"], "gpu1"),
    "LL_POLICY_TARGET",
  ],
  ["no address at all", ["*:*"], { host: "x", port: 1, addresses: [] }, "LL_POLICY_TARGET"],
  ["a name and its port", ["gpu1:8000"], at("10.0.0.1", "gpu1"), "allowed"],
  ["a name in capitals", ["GPU1:8000"], at("10.0.0.1", "gpu1"), "allowed"],
  ["a name and another port", ["gpu1:8001"], at("10.0.0.1", "gpu1"), "LL_POLICY_TARGET"],
  ["a name and any port", ["gpu1:*"], at("10.0.0.1", "gpu1"), "allowed"],
  ["another name", ["gpu1:*"], at("10.0.0.1", "gpu11"), "LL_POLICY_TARGET"],
  ["an allowed list replaces the default", ["gpu1:*"], at("127.0.0.1"), "LL_POLICY_TARGET"],
  ["a network", ["10.0.0.0/8:8000"], at("10.9.9.9"), "allowed"],
  ["a network and another port", ["10.0.0.0/8:80"], at("10.9.9.9"), "LL_POLICY_TARGET"],
  ["outside of a network", ["10.0.0.0/8:*"], at("11.0.0.1"), "LL_POLICY_TARGET"],
  ["an IPv6 network", ["[fd00::/8]:*"], at("fd12::1"), "allowed"],
  [
    "two networks for two addresses",
    ["10.0.0.0/8:*", "[fd00::/8]:*"],
    at(["10.0.0.1", "fd00::1"], "gpu1"),
    "allowed",
  ],
  ["any host", ["*:8000"], at("10.0.0.1", "gpu1"), "allowed"],
  [
    "metadata, though any host is allowed",
    ["*:*"],
    at("169.254.169.254"),
    "LL_POLICY_TARGET_FORBIDDEN",
  ],
  [
    "metadata by its network",
    ["169.254.0.0/16:*"],
    at("169.254.1.1"),
    "LL_POLICY_TARGET_FORBIDDEN",
  ],
  [
    "metadata by a name",
    ["gpu1:*"],
    at(["10.0.0.1", "169.254.169.254"], "gpu1"),
    "LL_POLICY_TARGET_FORBIDDEN",
  ],
  [
    "metadata in IPv6's clothes",
    ["*:*"],
    at("::ffff:169.254.169.254"),
    "LL_POLICY_TARGET_FORBIDDEN",
  ],
  ["metadata by a translator", ["*:*"], at("64:ff9b::a9fe:a9fe"), "LL_POLICY_TARGET_FORBIDDEN"],
  ["link-local", ["*:*"], at("fe80::1"), "LL_POLICY_TARGET_FORBIDDEN"],
  ["AWS metadata on IPv6", ["*:*"], at("fd00:ec2::254"), "LL_POLICY_TARGET_FORBIDDEN"],
  ["Alibaba metadata", ["*:*"], at("100.100.100.200"), "LL_POLICY_TARGET_FORBIDDEN"],
];
for (const [name, targets, resolved, expected] of cases) {
  test(`the policy decides: ${name}`, () => {
    assert.equal(verdict(targets, resolved), expected);
  });
}

test("a refusal says what to allow", () => {
  const refusal = checkPlan(policy(), plan(), at("fd12::1"));
  assert.match(refusal?.message ?? "", /fd12::1:8000 .*127\.0\.0\.0\/8/);
  assert.match(refusal?.hint ?? "", /--allow \[fd12::1\]:8000$/);
});

for (const text of [
  "gpu1",
  "gpu1:0",
  "gpu1:70000",
  "10.0.0.0/33:*",
  "10.0.0.0/x:*",
  "::1:80",
  "[gpu1]:80",
  ":80",
  "http://a:80",
  "a b:80",
]) {
  test(`${JSON.stringify(text)} is no pattern of a policy`, () => {
    assert.throws(
      () => {
        assertPolicy(policy({ targets: [text] }));
      },
      { code: "LL_POLICY_PATTERN_INVALID", exitCode: 2 },
    );
  });
}

test("in flight and tokens are held to the policy, at the bound and one past it", () => {
  const code = (prepareRun: PrepareRun): string | undefined =>
    checkPlan(policy(), prepareRun, at("127.0.0.1"))?.code;
  assert.equal(code(plan({ inFlightMax: 50 })), undefined);
  assert.equal(code(plan({ inFlightMax: 51 })), "LL_POLICY_IN_FLIGHT");

  const tokens = (outputTokens: Lengths): string | undefined => code(plan({ outputTokens }));
  assert.equal(tokens({ kind: "fixed", tokens: 1000 }), undefined);
  assert.equal(tokens({ kind: "fixed", tokens: 1001 }), "LL_POLICY_TOKENS");
  assert.equal(tokens({ kind: "uniform", low: 1, high: 1001 }), "LL_POLICY_TOKENS");
  assert.equal(tokens({ kind: "normal", mean: 400, standardDeviation: 100 }), undefined);
  assert.equal(tokens({ kind: "normal", mean: 401, standardDeviation: 100 }), "LL_POLICY_TOKENS");
  assert.equal(tokens({ kind: "empirical", values: [1, 1001, 2] }), "LL_POLICY_TOKENS");
  // CV 0.5: σ = 0.4724, so six of them are a factor of 15.2.
  assert.equal(tokens({ kind: "lognormal", mean: 60, coefficientOfVariation: 0.5 }), undefined);
  assert.equal(
    tokens({ kind: "lognormal", mean: 70, coefficientOfVariation: 0.5 }),
    "LL_POLICY_TOKENS",
  );
});

function segment(mode: SegmentMode, seconds = 10): Segment {
  return {
    number: 3,
    mode,
    startAtNs: NS_PER_SECOND,
    recordFromNs: NS_PER_SECOND,
    recordUntilNs: NS_PER_SECOND,
    endByNs: (1 + seconds) * NS_PER_SECOND,
    requestsMax: 0,
    shares: [
      { agentId: "a", capacity: 1 },
      { agentId: "b", capacity: 3 },
    ],
  };
}

test("rate, streams and duration are held to the policy by the agent's own share", () => {
  const code = (mode: SegmentMode, agentId: string, seconds?: number): string | undefined =>
    checkSegment(policy(), segment(mode, seconds), agentId)?.code;
  const poisson = (ratePerSecond: number): SegmentMode => ({
    kind: "open",
    arrivals: { kind: "poisson", ratePerSecond },
  });
  assert.equal(code(poisson(400), "a"), undefined);
  assert.equal(code(poisson(401), "a"), "LL_POLICY_RATE");
  assert.equal(code(poisson(400), "b"), "LL_POLICY_RATE");
  assert.equal(code(poisson(133), "b"), undefined);
  assert.equal(code(poisson(1e9), "not in it"), undefined);
  const ramp = (from: number, to: number): SegmentMode => ({
    kind: "open",
    arrivals: { kind: "ramp", fromRatePerSecond: from, toRatePerSecond: to, durationNs: 1 },
  });
  assert.equal(code(ramp(1, 401), "a"), "LL_POLICY_RATE");
  assert.equal(code(ramp(401, 1), "a"), "LL_POLICY_RATE");

  assert.equal(code({ kind: "closed", streams: 66 }, "b"), undefined);
  assert.equal(code({ kind: "closed", streams: 70 }, "b"), "LL_POLICY_IN_FLIGHT");
  assert.equal(code({ kind: "backlog", waitingMax: 70 }, "b"), "LL_POLICY_IN_FLIGHT");
  assert.equal(code({ kind: "serial", agentId: "a" }, "a"), undefined);

  assert.equal(code({ kind: "idle" }, "a", 60), undefined);
  assert.equal(code({ kind: "idle" }, "a", 61), "LL_POLICY_DURATION");
});

test("a target's addresses are asked for once, by name only", async () => {
  const asked: string[] = [];
  const resolve = (host: string): Promise<readonly string[]> => {
    asked.push(host);
    return Promise.resolve(host === "gpu1" ? ["10.0.0.1", "10.0.0.1", "fd00::1"] : []);
  };
  assert.deepEqual(await resolveTargetAddresses("https://gpu1/v1", resolve), {
    host: "gpu1",
    port: 443,
    addresses: ["10.0.0.1", "fd00::1"],
  });
  assert.deepEqual(await resolveTargetAddresses("http://[::1]:8000/v1", resolve), at("::1"));
  // A number is an address however it is written.
  assert.deepEqual(
    await resolveTargetAddresses("http://2130706433:8000/v1", resolve),
    at("127.0.0.1"),
  );
  assert.deepEqual(asked, ["gpu1"]);
  await assert.rejects(resolveTargetAddresses("http://gpu2/v1", resolve), {
    code: "LL_TARGET_NAME_UNKNOWN",
  });
  const failing = (): Promise<never> => Promise.reject(new Error("ENOTFOUND"));
  await assert.rejects(resolveTargetAddresses("http://gpu2/v1", failing), {
    code: "LL_TARGET_NAME_UNKNOWN",
    exitCode: 3,
  });
});
