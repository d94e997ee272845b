import assert from "node:assert/strict";
import { test } from "node:test";
import { Roster } from "../../../coordinator/fleet/roster.ts";
import type { Hello } from "../../../shared/control/control.ts";

const S = 1e9;
const SILENCE_NS = 3 * S;

function hello(agentId: string, changes: Partial<Hello> = {}): Hello {
  return {
    agentId,
    epoch: 5,
    version: "1",
    host: "h",
    processId: 1,
    cores: 2,
    inFlightMax: 10,
    cleanRatePerSecond: 0,
    cleanTokensPerSecond: 0,
    floor: undefined,
    policy: { targets: [], ratePerSecondMax: 1, inFlightMax: 10, durationNsMax: S, tokensMax: 1 },
    runId: undefined,
    state: "registered",
    ...changes,
  };
}

function rosterOf(...hellos: readonly Hello[]): Roster {
  const roster = new Roster();
  for (const each of hellos) roster.hear(each, 0);
  return roster;
}

test("members come in the order of their ids, whoever spoke first", () => {
  const ids = rosterOf(hello("c"), hello("a"), hello("b")).members();
  assert.deepEqual(
    ids.map((member) => member.hello.agentId),
    ["a", "b", "c"],
  );
});

test("free are those that no run holds and that were heard of lately", () => {
  const roster = rosterOf(hello("a"), hello("b", { runId: "other" }), hello("c"));
  roster.hear(hello("c"), 2 * S);
  const free = (nowNs: number) =>
    roster.takers("run-1", nowNs, SILENCE_NS).map((member) => member.hello.agentId);
  assert.deepEqual(free(3 * S), ["a", "c"]);
  assert.deepEqual(free(3 * S + 1), ["c"]);
});

test("an agent that is silent for too long is missing, and so is one never heard of", () => {
  const roster = rosterOf(hello("a"), hello("b"));
  assert.deepEqual(roster.missing(["a", "b", "z"], SILENCE_NS, SILENCE_NS), ["z"]);
  roster.alive("b", 2 * S);
  assert.deepEqual(roster.missing(["a", "b"], SILENCE_NS + 1, SILENCE_NS), ["a"]);
});

test("a new epoch of an agent that holds a run: it is lost, and its clock unknown", () => {
  const roster = rosterOf(hello("a", { runId: "r" }));
  roster.probed("a", { aheadNs: 7, errorBoundNs: 1 });
  roster.hear(hello("a", { runId: "r" }), S);
  assert.deepEqual(roster.missing(["a"], S, SILENCE_NS), []);
  assert.deepEqual(roster.get("a")?.clockOffset, { aheadNs: 7, errorBoundNs: 1 });

  roster.hear(hello("a", { epoch: 6 }), S);
  assert.deepEqual(roster.missing(["a"], S, SILENCE_NS), ["a"]);
  assert.equal(roster.get("a")?.clockOffset, undefined);
  roster.hear(hello("a", { epoch: 6 }), 2 * S);
  assert.equal(roster.get("a")?.lost, true, "saying hello again brings nothing back");
});

test("an agent that was free when it was started anew is free again", () => {
  const roster = rosterOf(hello("a"));
  roster.hear(hello("a", { epoch: 6 }), S);
  assert.equal(roster.get("a")?.lost, false);
  assert.equal(roster.takers("run-1", S, SILENCE_NS).length, 1);
});

test("a late hello of an earlier epoch is not news", () => {
  const roster = rosterOf(hello("a", { epoch: 6 }));
  roster.hear(hello("a", { epoch: 5, host: "old" }), S);
  const member = roster.get("a");
  assert.deepEqual([member?.hello.host, member?.heardAtNs, member?.lost], ["h", 0, false]);
});

test("an agent whose wall clock was set back before it was started anew is the newer one once the other is silent", () => {
  const roster = rosterOf(hello("a", { epoch: 6, runId: "r" }));
  const back = hello("a", { epoch: 5, processId: 2 });
  roster.hear(back, SILENCE_NS);
  assert.equal(roster.get("a")?.hello.epoch, 6, "it may be late word of an earlier process");
  assert.equal(roster.get("a")?.heardAtNs, 0, "which keeps nobody alive");
  roster.hear(back, SILENCE_NS + 1);
  const member = roster.get("a");
  assert.deepEqual([member?.hello.epoch, member?.heardAtNs], [5, SILENCE_NS + 1]);
  assert.equal(member?.lost, true, "the run that it held is gone from it");
  assert.equal(member.clockOffset, undefined);
  // Two processes of one name: the later one is heard, as long as it speaks.
  roster.hear(hello("a", { epoch: 6 }), 2 * SILENCE_NS);
  assert.equal(roster.get("a")?.hello.epoch, 6);
  roster.hear(back, 2 * SILENCE_NS + 1);
  assert.equal(roster.get("a")?.hello.epoch, 6);
});

test("an agent that was free when its clock was set back and it was started anew takes part again", () => {
  const roster = rosterOf(hello("a", { epoch: 6 }));
  const taken = (nowNs: number) => {
    roster.hear(hello("a", { epoch: 5 }), nowNs);
    return roster.takers("run-1", nowNs, SILENCE_NS).map((member) => member.hello.epoch);
  };
  assert.deepEqual(taken(S), [6]);
  assert.deepEqual(taken(4 * S), [5]);
});

test("lost stays lost, whatever is heard of it later", () => {
  const roster = rosterOf(hello("a"));
  roster.markLost("a");
  roster.hear(hello("a"), S);
  roster.alive("a", S);
  assert.deepEqual(roster.missing(["a"], S, SILENCE_NS), ["a"]);
});

test("news of an unknown agent makes nobody known", () => {
  const roster = new Roster();
  roster.alive("a", S);
  roster.markLost("a");
  assert.deepEqual(roster.members(), []);
});

test("an agent that leaves is not free, though no run holds it", () => {
  const roster = rosterOf(hello("a", { state: "leaving" }), hello("b"));
  assert.deepEqual(
    roster.takers("run-1", 0, SILENCE_NS).map((member) => member.hello.agentId),
    ["b"],
  );
});

test("a clock has moved by what both its measurements could not be wrong by, whichever way", () => {
  const roster = rosterOf(hello("a"), hello("b"));
  const movedTo = (aheadNs: number): number | undefined => {
    roster.probedAgain("a", { aheadNs, errorBoundNs: 3 });
    return roster.get("a")?.clockMovedNs;
  };
  assert.equal(movedTo(1), 0, "there is no first one");
  roster.probed("a", { aheadNs: 100, errorBoundNs: 2 });
  assert.deepEqual([125, 105, 95, 75].map(movedTo), [20, 0, 0, 20]);
  assert.deepEqual(roster.get("a")?.clockOffset, { aheadNs: 100, errorBoundNs: 2 });
});
