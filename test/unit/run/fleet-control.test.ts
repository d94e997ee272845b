import assert from "node:assert/strict";
import { test } from "node:test";
import { Roster } from "../../../coordinator/fleet/roster.ts";
import type { FleetLink } from "../../../coordinator/ports.ts";
import { FleetControl } from "../../../coordinator/run/fleet-control.ts";
import { prepareRunOf } from "../../../coordinator/run/prepare-run-of.ts";
import { segmentOf } from "../../../coordinator/run/segment-of.ts";
import type {
  AgentRequest,
  AgentResponse,
  ArmedSegment,
  Hello,
  Lease,
} from "../../../shared/control/control.ts";
import { LoadError } from "../../../shared/errors.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { SimClock } from "../../support/sim-clock.ts";

const MS = 1e6;
const S = 1e9;
const AGENTS = ["a", "b", "c"];
/** To the agent and back, ms. */
const DELAYS: Readonly<Record<string, readonly [number, number]>> = {
  a: [1, 1],
  b: [1, 3],
  c: [2, 0.5],
};
const AHEAD_NS: Readonly<Record<string, number>> = { a: 0, b: 1_500 * MS, c: -900 * MS };

type Answer = (
  agentId: string,
  request: AgentRequest,
  nowNs: number,
) => AgentResponse | "silence" | "gone" | undefined;

/** Agents that answer as they should, unless `answer` knows better. */
function fleet(answer: Answer = () => undefined) {
  const clock = new SimClock(100 * S);
  const roster = new Roster();
  for (const agentId of AGENTS) roster.hear({ agentId, epoch: 1 } as Hello, 0);
  const asked: [string, AgentRequest][] = [];
  const leases: (Lease & { readonly atNs: number })[] = [];
  const after = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      clock.callAt(clock.nowNs() + ms * MS, resolve);
    });
  const link: FleetLink = {
    onHello: () => undefined,
    publishAbort: () => undefined,
    publishLease: (lease) => leases.push({ ...lease, atNs: clock.nowNs() }),
    close: () => Promise.resolve(),
    request: async (agentId, request, timeoutNs) => {
      asked.push([agentId, request]);
      const [there, back] = DELAYS[agentId]!;
      await after(there);
      const given = answer(agentId, request, clock.nowNs());
      const response = given ?? answerOf(request, clock.nowNs() + AHEAD_NS[agentId]!);
      if (response === "gone")
        throw new LoadError("gone", { code: "LL_AGENT_GONE", hint: "", exitCode: 4 });
      if (response === "silence") {
        await after(timeoutNs / MS);
        throw new LoadError("silent", { code: "LL_AGENT_SILENT", hint: "", exitCode: 4 });
      }
      await after(back);
      return response;
    },
  };
  const control = new FleetControl({
    link,
    clock,
    roster,
    runId: "run-1",
    incarnation: 2,
    leaseNs: 3 * S,
    runZeroNs: 40 * S,
  });
  const until = async <T>(work: Promise<T>): Promise<T> => {
    let over = false;
    const watched = work.finally(() => {
      over = true;
    });
    watched.catch(() => undefined);
    await clock.runUntil(() => over);
    return watched;
  };
  return { clock, roster, control, asked, leases, until };
}

function answerOf(request: AgentRequest, nowNs: number): AgentResponse {
  switch (request.kind) {
    case "clock-probe":
      return {
        kind: "clock-probe",
        requestSentAtNs: request.sentAtNs,
        receivedAtNs: nowNs,
        repliedAtNs: nowNs,
      };
    case "prepare-run":
      return { kind: "prepared", epoch: 1 };
    case "arm-segment":
      return { kind: "armed", armed: armedOf(request.armSegment.segment) };
    case "attach":
      return { kind: "attached", epoch: 1, spooledReports: 0 };
    case "stop":
      return { kind: "stopped" };
    case "release":
      return { kind: "released" };
    case "drain":
      return { kind: "leaving", runId: undefined };
  }
}

function armedOf({ number }: Segment, changes: Partial<ArmedSegment> = {}): ArmedSegment {
  return { segmentNumber: number, windowHash: "00ff", ownedCount: 4, totalCount: 12, ...changes };
}

function segment(kind: "open" | "closed" = "open"): Segment {
  return segmentOf({
    request: {
      purpose: "probe",
      mode: kind === "open" ? { kind, ratePerSecond: 10 } : { kind, streams: 3 },
      settleS: 0,
      recordS: 1,
      requestsMax: 0,
    },
    number: 7,
    seed: 1,
    startAtNs: S,
    shares: AGENTS.map((agentId) => ({ agentId, capacity: 1 })),
    arrivalsOf: (ratePerSecond) => ({ kind: "poisson", ratePerSecond }),
  });
}

function isLoadError(code: string, message: RegExp) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof LoadError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

test("each clock is known to half its round trip, and the widest of them is told", async () => {
  const { control, roster, asked, until } = fleet();
  await until(control.probeClocks(AGENTS));
  for (const agentId of AGENTS) {
    const [there, back] = DELAYS[agentId]!;
    const { aheadNs, errorBoundNs } = roster.get(agentId)!.clockOffset!;
    assert.equal(errorBoundNs, ((there + back) / 2) * MS);
    assert.ok(Math.abs(aheadNs - AHEAD_NS[agentId]!) <= errorBoundNs, agentId);
    assert.ok(asked.filter(([id]) => id === agentId).length >= 8);
  }
  assert.equal(control.worstRoundTripNs, 4 * MS);
});

test("agents are armed with their own offset to the run's clock, and the lease comes after", async () => {
  const { control, roster, asked, leases, until } = fleet();
  for (const agentId of AGENTS) roster.probed(agentId, { aheadNs: 0, errorBoundNs: 0 });
  roster.probed("b", { aheadNs: 1_500 * MS, errorBoundNs: 3 });
  control.startLeases();
  const armed = await until(control.arm(segment()));
  assert.deepEqual(armed.awayIds, []);
  control.lease(7);
  const offsets = asked.map(([agentId, request]) => {
    assert.ok(request.kind === "arm-segment");
    assert.deepEqual([request.armSegment.runId, request.armSegment.incarnation], ["run-1", 2]);
    return [agentId, request.armSegment.clockOffset];
  });
  assert.deepEqual(offsets, [
    ["a", { aheadNs: 40 * S, errorBoundNs: 0 }],
    ["b", { aheadNs: 41.5 * S, errorBoundNs: 3 }],
    ["c", { aheadNs: 40 * S, errorBoundNs: 0 }],
  ]);
  assert.deepEqual(
    leases.map(({ segmentNumber }) => segmentNumber),
    [0, 7],
    "none names the segment before every agent holds it",
  );
});

test("an agent that was started anew since its probe is armed by its new clock, not by none", async () => {
  const { control, roster, asked, until } = fleet();
  await until(control.probeClocks(AGENTS));
  roster.hear({ agentId: "b", epoch: 2 } as Hello, 0);
  assert.equal(roster.get("b")!.clockOffset, undefined);
  await until(control.arm(segment()));
  const armedB = asked.find(([agentId, { kind }]) => agentId === "b" && kind === "arm-segment");
  const request = armedB?.[1];
  assert.ok(request?.kind === "arm-segment");
  const { aheadNs, errorBoundNs } = request.armSegment.clockOffset;
  assert.ok(Math.abs(aheadNs - 40 * S - AHEAD_NS.b!) <= errorBoundNs);
});

test("agents that hold different schedules are refused before any may start", async () => {
  const { control, leases, until } = fleet((agentId, request) =>
    agentId === "b" && request.kind === "arm-segment"
      ? { kind: "armed", armed: armedOf(request.armSegment.segment, { windowHash: "beef" }) }
      : undefined,
  );
  await assert.rejects(
    until(control.arm(segment())),
    isLoadError("LL_SCHEDULE_MISMATCH", /segment 7: 3 agents, 2 different hashes/),
  );
  assert.deepEqual(leases, []);
});

test("parts that do not add up to the whole are refused", async () => {
  for (const ownedCount of [3, 5]) {
    const { control, until } = fleet((agentId, request) =>
      agentId === "c" && request.kind === "arm-segment"
        ? { kind: "armed", armed: armedOf(request.armSegment.segment, { ownedCount }) }
        : undefined,
    );
    await assert.rejects(
      until(control.arm(segment())),
      isLoadError("LL_SCHEDULE_MISMATCH", new RegExp(`${8 + ownedCount} of 12 arrivals owned`)),
    );
  }
});

test("an agent that is on its way to another server is asked again, one that is gone is not for long", async () => {
  const startNs = 100 * S;
  const back = fleet((agentId, _, nowNs) =>
    agentId === "b" && nowNs < startNs + 2 * S ? "gone" : undefined,
  );
  assert.deepEqual((await back.until(back.control.arm(segment()))).awayIds, []);
  const armsOfA = back.asked.filter(
    ([agentId, { kind }]) => agentId === "a" && kind === "arm-segment",
  );
  assert.equal(armsOfA.length, 1);

  const gone = fleet((agentId) => (agentId === "b" ? "gone" : undefined));
  const armed = await gone.until(gone.control.arm(segment()));
  assert.deepEqual(armed.awayIds, ["b"]);
  assert.deepEqual(gone.leases, [], "the segment starts nowhere");
  assert.ok(gone.clock.nowNs() - startNs < 6 * S);

  let isLost = true;
  const lost = fleet((agentId) => {
    if (agentId !== "b" || !isLost) return undefined;
    isLost = false;
    return "silence";
  });
  assert.deepEqual((await lost.until(lost.control.arm(segment()))).awayIds, []);
});

test("a mode without a schedule has nothing to agree on", async () => {
  const { control, until } = fleet((agentId, request) =>
    request.kind === "arm-segment"
      ? { kind: "armed", armed: armedOf(request.armSegment.segment, { windowHash: agentId }) }
      : undefined,
  );
  assert.deepEqual((await until(control.arm(segment("closed")))).awayIds, []);
});

test("an agent that refuses a segment is named, with its own code", async () => {
  const { control, leases, until } = fleet((agentId, request) =>
    agentId === "b" && request.kind === "arm-segment"
      ? {
          kind: "refusal",
          refusal: { code: "LL_POLICY_RATE", message: "too fast", hint: "slow down" },
        }
      : undefined,
  );
  await assert.rejects(
    until(control.arm(segment())),
    isLoadError("LL_POLICY_RATE", /agent b refuses: too fast/),
  );
  assert.deepEqual(leases, []);
});

test("all refusals of a run are told at once", async () => {
  const { control, asked, until } = fleet((agentId, request) =>
    agentId !== "b" && request.kind === "prepare-run"
      ? { kind: "refusal", refusal: { code: "LL_X", message: `not on ${agentId}`, hint: "h" } }
      : undefined,
  );
  const prepared = control.prepare(AGENTS, (agentId) =>
    prepareRunOf(RUN_OPTIONS, {
      agentId,
      agentIds: AGENTS,
      report: { url: "r:1", certificateFingerprint: "" },
    }),
  );
  await assert.rejects(until(prepared), isLoadError("LL_X", /a: not on a; c: not on c$/));
  const inFlight = asked.map(([, request]) =>
    request.kind === "prepare-run" ? request.prepareRun.limits.inFlightMax : 0,
  );
  assert.deepEqual(inFlight, [4, 3, 3], "10 in flight over the fleet");
});

test("a lease is published each second until they are stopped", async () => {
  const { control, clock, leases } = fleet();
  control.startLeases();
  await clock.advance(2.5 * S);
  control.stopLeases();
  await clock.advance(5 * S);
  assert.deepEqual(
    leases.map(({ atNs }) => atNs - 100 * S),
    [0, S, 2 * S],
  );
  const { runId, incarnation, expiresInNs } = leases[0]!;
  assert.deepEqual([runId, incarnation, expiresInNs], ["run-1", 2, 3 * S]);
  assert.equal(clock.pendingCalls(), 0);
});

test("stop and release reach every agent, though one is silent and one refuses", async () => {
  const { control, asked, until } = fleet((agentId) => {
    if (agentId === "a") return "silence";
    if (agentId === "b")
      return { kind: "refusal", refusal: { code: "LL_X", message: "", hint: "" } };
    return undefined;
  });
  await until(control.stop(AGENTS, "finished"));
  await until(control.release(AGENTS));
  assert.deepEqual(
    [...new Set(asked.map(([agentId, { kind }]) => `${kind} ${agentId}`))],
    ["stop a", "stop b", "stop c", "release a", "release b", "release c"],
  );
});

const RUN_OPTIONS = {
  runId: "run-1",
  incarnation: 2,
  seed: 1,
  agentsMin: 3,
  gatherNs: 15e9,
  onAgentLoss: "continue",
  target: {
    url: "http://server.test/v1",
    endpoint: "chat",
    model: "m",
    apiKeyEnv: undefined,
    headers: {},
    extraBody: {},
    timeoutNs: S,
    caPem: undefined,
    tlsInsecure: false,
    forceOutput: false,
  },
  workload: { classes: [] },
  slo: [],
  arrivalsOf: (ratePerSecond: number) => ({ kind: "poisson", ratePerSecond }) as const,
  inFlightMax: 10,
  drainMaxS: 1,
  lastDrainMaxS: 1,
  keepRecords: false,
  intervalNs: S,
  armLeadNs: S,
} as const;
