import assert from "node:assert/strict";
import { test } from "node:test";
import { diagnose, type FleetFacts, type Finding } from "../../../coordinator/fleet/diagnosis.ts";
import type { SurveyedAgent } from "../../../coordinator/fleet/survey.ts";
import type { Hello } from "../../../shared/control/control.ts";
import { NS_PER_MS } from "../../../shared/units.ts";

const HELLO: Hello = {
  agentId: "left",
  epoch: 1,
  version: "1.0.0",
  host: "gpu-1",
  processId: 7,
  cores: 8,
  inFlightMax: 100,
  cleanRatePerSecond: 0,
  cleanTokensPerSecond: 0,
  floor: undefined,
  policy: {
    targets: ["10.0.0.0/8:8000"],
    ratePerSecondMax: 100,
    inFlightMax: 100,
    durationNsMax: 1e12,
    tokensMax: 100,
  },
  runId: undefined,
  state: "registered",
};

const AGENT: SurveyedAgent = {
  hello: HELLO,
  processes: ["gpu-1 (process 7)"],
  clockErrorBoundNs: 0.2 * NS_PER_MS,
};

const FACTS: FleetFacts = {
  fleet: "gpu",
  agents: [AGENT],
  expectedIds: ["left"],
  version: "1.0.0",
  host: "laptop",
  certificateDaysLeft: 300,
  openSecrets: [],
};

const withHello = (change: Partial<Hello>): SurveyedAgent => ({
  ...AGENT,
  hello: { ...HELLO, ...change },
});

function only(facts: Partial<FleetFacts>): Finding {
  const findings = diagnose({ ...FACTS, ...facts });
  assert.equal(findings.length, 1, JSON.stringify(findings));
  return findings[0]!;
}

test("a fleet that is well has no findings", () => {
  assert.deepEqual(diagnose(FACTS), []);
  assert.deepEqual(diagnose({ ...FACTS, expectedIds: [], certificateDaysLeft: undefined }), []);
});

test("each thing that is wrong is found, with what to do", () => {
  const cases: readonly [Partial<FleetFacts>, RegExp][] = [
    [{ agents: [], expectedIds: [] }, /no agent says hello in the fleet "gpu"/],
    [{ expectedIds: ["left", "right", "third"] }, /not there: right, third/],
    [{ agents: [withHello({ version: "0.9.0" })] }, /left runs version 0.9.0, and this is 1.0.0/],
    [{ agents: [{ ...AGENT, clockErrorBoundNs: undefined }] }, /does not answer/],
    [
      { agents: [{ ...AGENT, processes: ["a (process 1)", "b (process 2)"] }] },
      /is 2 processes: a/,
    ],
    [{ certificateDaysLeft: -1 }, /have expired/],
  ];
  for (const [facts, what] of cases) {
    const finding = only(facts);
    assert.match(finding.what, what);
    assert.equal(finding.severity, "wrong");
    assert.notEqual(finding.toDo, "");
  }
});

test("what may hurt is a warning", () => {
  const cases: readonly [Partial<FleetFacts>, RegExp][] = [
    [{ agents: [{ ...AGENT, clockErrorBoundNs: 7 * NS_PER_MS }] }, /± 7.0 ms only: over 5 ms/],
    [{ certificateDaysLeft: 29.5 }, /expire in 29 days/],
    [{ openSecrets: ["keys/nkey.seed"] }, /may read keys\/nkey.seed/],
    [
      {
        agents: [withHello({ policy: { ...HELLO.policy, targets: ["127.0.0.0/8:*", "[::1]:*"] } })],
      },
      /left on gpu-1 may fire only at its own machine/,
    ],
  ];
  for (const [facts, what] of cases) {
    const finding = only(facts);
    assert.match(finding.what, what);
    assert.equal(finding.severity, "warning");
  }
});

test("bounds are bounds: at 5 ms and at 30 days there is nothing to say", () => {
  const agents = [{ ...AGENT, clockErrorBoundNs: 5 * NS_PER_MS }];
  assert.deepEqual(diagnose({ ...FACTS, agents, certificateDaysLeft: 30 }), []);
});

test("an agent on this machine may well fire at this machine only", () => {
  const policy = { ...HELLO.policy, targets: ["localhost:*"] };
  assert.deepEqual(diagnose({ ...FACTS, agents: [withHello({ host: "laptop", policy })] }), []);
});

test("what is wrong comes first, and a long list is cut", () => {
  const expectedIds = Array.from({ length: 15 }, (_, place) => `agent-${place}`);
  const findings = diagnose({ ...FACTS, openSecrets: ["k"], expectedIds });
  assert.deepEqual(
    findings.map(({ severity }) => severity),
    ["wrong", "warning"],
  );
  assert.match(findings[0]!.what, /agent-9 and 5 more$/);
});
