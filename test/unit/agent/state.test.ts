import assert from "node:assert/strict";
import { test } from "node:test";
import { type AgentEvent, type AgentState, isRefusal, transition } from "../../../agent/state.ts";

const HOLDER = { runId: "r1", incarnation: 1 };

function after(...events: AgentEvent[]): AgentState {
  return events.reduce<AgentState>(
    (state, event) => {
      const next = transition(state, event);
      assert.ok(!isRefusal(next), `${event.kind} was refused: ${JSON.stringify(next)}`);
      return next;
    },
    { kind: "registered" },
  );
}

function refusalOf(state: AgentState, event: AgentEvent): string {
  const next = transition(state, event);
  assert.ok(isRefusal(next), `${event.kind} was taken`);
  return next.code;
}

test("an agent goes from registered through firing and draining back to registered", () => {
  const prepare = { kind: "prepare", ...HOLDER } as const;
  const arm = { kind: "arm", segment: 1, ...HOLDER } as const;
  assert.deepEqual(after(prepare), { kind: "prepared", ...HOLDER, next: undefined });
  assert.deepEqual(after(prepare, arm, { kind: "switch", segment: 1 }), {
    kind: "firing",
    ...HOLDER,
    current: 1,
    next: undefined,
  });
  const stop = { kind: "stop", ...HOLDER } as const;
  assert.deepEqual(after(prepare, arm, { kind: "switch", segment: 1 }, stop), {
    kind: "draining",
    ...HOLDER,
    last: 1,
  });
  const release = { kind: "release", ...HOLDER } as const;
  assert.deepEqual(after(prepare, arm, stop, release), { kind: "registered" });
});

test("a busy agent refuses a second coordinator, but not a new incarnation of its own", () => {
  const held = after({ kind: "prepare", ...HOLDER });
  assert.equal(refusalOf(held, { kind: "prepare", runId: "r2", incarnation: 9 }), "LL_AGENT_BUSY");
  assert.equal(refusalOf(held, { kind: "prepare", ...HOLDER }), "LL_AGENT_BUSY");
  const taken = transition(held, { kind: "prepare", runId: "r1", incarnation: 2 });
  assert.ok(!isRefusal(taken));
  assert.equal(
    refusalOf(taken, { kind: "arm", segment: 1, ...HOLDER }),
    "LL_COORDINATOR_SUPERSEDED",
  );
});

test("segments are armed in order, for the run that holds the agent, until it is stopped", () => {
  const held = after({ kind: "prepare", ...HOLDER });
  assert.equal(
    refusalOf({ kind: "registered" }, { kind: "arm", segment: 1, ...HOLDER }),
    "LL_AGENT_NOT_PREPARED",
  );
  const armed = after({ kind: "prepare", ...HOLDER }, { kind: "arm", segment: 2, ...HOLDER });
  assert.equal(refusalOf(armed, { kind: "arm", segment: 2, ...HOLDER }), "LL_SEGMENT_OUT_OF_ORDER");
  assert.equal(
    refusalOf(held, { kind: "arm", segment: 1, runId: "r2", incarnation: 1 }),
    "LL_AGENT_NOT_PREPARED",
  );
  const stopped = after({ kind: "prepare", ...HOLDER }, { kind: "stop", ...HOLDER });
  assert.equal(refusalOf(stopped, { kind: "arm", segment: 3, ...HOLDER }), "LL_RUN_STOPPED");
});

test("a segment whose lease came too late is given up, and the one before goes on", () => {
  const missed = after(
    { kind: "prepare", ...HOLDER },
    { kind: "arm", segment: 1, ...HOLDER },
    { kind: "switch", segment: 1 },
    { kind: "arm", segment: 2, ...HOLDER },
    { kind: "miss", segment: 2 },
  );
  assert.deepEqual(missed, { kind: "firing", ...HOLDER, current: 1, next: undefined });
});
