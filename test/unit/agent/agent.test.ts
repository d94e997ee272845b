import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Agent, type HeldRun, type OpenedRun } from "../../../agent/agent.ts";
import type {
  Abort,
  AgentRequest,
  AgentResponse,
  ArmSegment,
  Hello,
  PrepareRun,
  Refusal,
} from "../../../shared/control/control.ts";
import {
  prepareRun as anyPrepareRun,
  segment as anySegment,
} from "../../support/control-arbitraries.ts";
import { SimClock } from "../../support/sim-clock.ts";

const POLICY = {
  targets: ["localhost:*"],
  ratePerSecondMax: 1,
  inFlightMax: 1,
  durationNsMax: 1,
  tokensMax: 1,
};
const REFUSED: Refusal = { code: "LL_POLICY", message: "not here", hint: "elsewhere" };
const [SEGMENT] = fc.sample(anySegment, { numRuns: 1, seed: 1 });
const [PREPARE] = fc.sample(anyPrepareRun, { numRuns: 1, seed: 1 });

function prepareOf(runId: string, incarnation = 1): AgentRequest {
  return { kind: "prepare-run", prepareRun: { ...PREPARE!, runId, incarnation } };
}

function armOf(number: number): AgentRequest & { readonly armSegment: ArmSegment } {
  return {
    kind: "arm-segment",
    armSegment: {
      runId: "r",
      incarnation: 1,
      segment: { ...SEGMENT!, number },
      clockOffset: { aheadNs: 0, errorBoundNs: 0 },
    },
  };
}

/** What was asked of the runs, in order: "1 close" is of the coordinator 1. */
class Opening {
  readonly asked: string[] = [];
  fails: Error | undefined;
  refuses: Refusal | undefined;
  leaseLeftNs = 0;
  armFails: Error | undefined;
  /** Resolved before a run is opened. */
  gate: Promise<void> = Promise.resolve();

  readonly openRun = async ({ incarnation }: PrepareRun): Promise<OpenedRun | Refusal> => {
    await this.gate;
    if (this.fails !== undefined) throw this.fails;
    if (this.refuses !== undefined) return this.refuses;
    return { run: this.#runOf(incarnation), attach: () => 0 };
  };

  #runOf(incarnation: number): HeldRun {
    const note = (what: string) => () => {
      this.asked.push(`${incarnation} ${what}`);
    };
    const noteLater = (what: string) => () => {
      note(what)();
      return Promise.resolve();
    };
    return {
      arm: ({ segment }) => {
        note("arm")();
        if (this.armFails !== undefined) return Promise.reject(this.armFails);
        return Promise.resolve({
          segmentNumber: segment.number,
          windowHash: "",
          ownedCount: 0,
          totalCount: 0,
        });
      },
      disarm: note("disarm"),
      lease: note("lease"),
      leaseLeftNs: () => this.leaseLeftNs,
      stop: note("stop"),
      release: noteLater("release"),
      close: noteLater("close"),
    };
  }
}

function started(opening: Opening): {
  readonly agent: Agent;
  readonly hellos: Hello[];
  readonly abort: (abort: Abort) => void;
  readonly clock: SimClock;
  /** How often it said that its process may end. */
  readonly left: () => number;
} {
  const hellos: Hello[] = [];
  const clock = new SimClock();
  let leftCount = 0;
  let onAbort: (abort: Abort) => void = () => undefined;
  const agent = new Agent({
    identity: {
      agentId: "a",
      epoch: 1,
      version: "0",
      host: "h",
      processId: 1,
      cores: 1,

      cleanRatePerSecond: 0,
      cleanTokensPerSecond: 0,
      floor: undefined,
      policy: POLICY,
    },
    clock,
    link: {
      hello: (hello) => hellos.push(hello),
      onRequest: () => undefined,
      onLease: () => undefined,
      onAbort: (handler) => {
        onAbort = handler;
      },
      close: () => Promise.resolve(),
    },
    openRun: opening.openRun,
    checkSegment: () => undefined,
    onLeft: () => {
      leftCount += 1;
    },
  });
  agent.start();
  return {
    agent,
    hellos,
    clock,
    left: () => leftCount,
    abort: (abort) => {
      onAbort(abort);
    },
  };
}

function codeOf(response: AgentResponse): string {
  return response.kind === "refusal" ? response.refusal.code : response.kind;
}

test("an agent that cannot open a run is free for the next", async () => {
  const opening = new Opening();
  const { agent } = started(opening);
  opening.fails = new Error("no such host");
  assert.equal(codeOf(await agent.handle(prepareOf("r"))), "LL_AGENT_FAILED");
  opening.fails = undefined;
  assert.equal(codeOf(await agent.handle(prepareOf("another"))), "prepared");
});

for (const how of ["throws", "is refused"] as const) {
  test(`a take-over that ${how} leaves the run it would take over as it was`, async () => {
    const opening = new Opening();
    const { agent } = started(opening);
    await agent.handle(prepareOf("r"));
    if (how === "throws") opening.fails = new Error("no such host");
    else opening.refuses = REFUSED;
    const code = codeOf(await agent.handle(prepareOf("r", 2)));
    assert.equal(code, how === "throws" ? "LL_AGENT_FAILED" : "LL_POLICY");
    assert.equal(codeOf(await agent.handle(armOf(1))), "armed");
    assert.deepEqual(opening.asked, ["1 arm"]);
  });
}

test("a take-over closes the run it takes over once the new one is open", async () => {
  const opening = new Opening();
  const { agent } = started(opening);
  await agent.handle(prepareOf("r"));
  assert.equal(codeOf(await agent.handle(prepareOf("r", 2))), "prepared");
  assert.deepEqual(opening.asked, ["1 close"]);
});

test("a run that is aborted while it is being opened is closed, and its agent free", async () => {
  const opening = new Opening();
  let open: () => void = () => undefined;
  opening.gate = new Promise((resolve) => {
    open = resolve;
  });
  const { agent, abort } = started(opening);
  const answer = agent.handle(prepareOf("r"));
  abort({ runId: "r", reason: "" });
  open();
  assert.equal(codeOf(await answer), "LL_RUN_STOPPED");
  assert.deepEqual(opening.asked, ["1 close"]);
  assert.equal(codeOf(await agent.handle(prepareOf("another"))), "prepared");
});

test("a segment that could not be armed is given up, and may be armed again", async () => {
  const opening = new Opening();
  const { agent } = started(opening);
  await agent.handle(prepareOf("r"));
  opening.armFails = new Error("out of memory");
  assert.equal(codeOf(await agent.handle(armOf(1))), "LL_AGENT_FAILED");
  assert.deepEqual(opening.asked, ["1 arm", "1 disarm"]);
  opening.armFails = undefined;
  assert.equal(codeOf(await agent.handle(armOf(1))), "armed");
});

test("an agent that is drained ends once its run is over, and takes no other", async () => {
  const { agent, hellos, clock, left } = started(new Opening());
  await agent.handle(prepareOf("r"));
  assert.deepEqual(await agent.handle({ kind: "drain" }), { kind: "leaving", runId: "r" });
  assert.equal(hellos.at(-1)?.state, "leaving");
  await clock.advance(10e9);
  assert.equal(left(), 0, "the run holds it");
  assert.equal(
    codeOf(await agent.handle(prepareOf("r", 2))),
    "prepared",
    "a new coordinator of it",
  );
  await agent.handle({ kind: "release", runId: "r", incarnation: 2 });
  assert.equal(codeOf(await agent.handle(prepareOf("another"))), "LL_AGENT_LEAVING");
  assert.equal(left(), 0, "its last answer is on its way");
  await clock.advance(12e9);
  assert.ok(left() > 0);
});

test("a free agent that is drained ends at once", async () => {
  const { agent, clock, left } = started(new Opening());
  assert.deepEqual(await agent.handle({ kind: "drain" }), { kind: "leaving", runId: undefined });
  await clock.advance(1.5e9);
  assert.ok(left() > 0);
});

test("a request that is asked again, its answer lost, is carried out once and answered the same", async () => {
  const opening = new Opening();
  const { agent, abort } = started(opening);
  const both = await Promise.all([agent.handle(prepareOf("r")), agent.handle(prepareOf("r"))]);
  assert.deepEqual(both.map(codeOf), ["prepared", "prepared"]);
  assert.equal(codeOf(await agent.handle(prepareOf("other"))), "LL_AGENT_BUSY");
  assert.equal(codeOf(await agent.handle(armOf(1))), "armed");
  assert.equal(codeOf(await agent.handle(armOf(1))), "armed");
  assert.deepEqual(opening.asked, ["1 arm"]);
  abort({ runId: "r", reason: "" });
  assert.equal(codeOf(await agent.handle(armOf(1))), "LL_AGENT_NOT_PREPARED", "not of an old run");
});

test("while the coordinator of a run is heard of, no other one of it is let in", async () => {
  const opening = new Opening();
  const { agent } = started(opening);
  await agent.handle(prepareOf("r"));
  const attach = { kind: "attach", runId: "r", incarnation: 2, report: PREPARE!.report } as const;
  opening.leaseLeftNs = 1;
  assert.equal(codeOf(await agent.handle(attach)), "LL_COORDINATOR_ALIVE");
  assert.equal(codeOf(await agent.handle(prepareOf("r", 2))), "LL_COORDINATOR_ALIVE");
  assert.deepEqual(opening.asked, [], "the run that it holds goes on");
  opening.leaseLeftNs = 0;
  assert.equal(codeOf(await agent.handle(attach)), "attached");
  assert.deepEqual(opening.asked, ["1 stop"]);
  const older = { ...attach, incarnation: 1 };
  assert.equal(codeOf(await agent.handle(older)), "LL_COORDINATOR_SUPERSEDED");
});

test("an abort ends the run that it names, or any; one of another run changes nothing", async () => {
  const opening = new Opening();
  const { agent, abort, hellos } = started(opening);
  await agent.handle(prepareOf("r"));
  abort({ runId: "another", reason: "" });
  assert.deepEqual(opening.asked, []);
  assert.equal(hellos.at(-1)?.runId, "r");
  abort({ runId: "r", reason: "" });
  assert.deepEqual(opening.asked, ["1 close"]);
  await agent.handle(prepareOf("s"));
  abort({ runId: "", reason: "" });
  assert.deepEqual(opening.asked, ["1 close", "1 close"]);
});
