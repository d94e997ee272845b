import assert from "node:assert/strict";
import { test } from "node:test";
import { Moves } from "../../../coordinator/run/moves.ts";
import { NS_PER_MS } from "../../../shared/units.ts";
import { SimClock } from "../../support/sim-clock.ts";

interface Waiting {
  readonly clock: SimClock;
  readonly moves: Moves;
  readonly isOver: () => boolean;
}

function waitingFor(agentId?: string, interrupt = new AbortController()): Waiting {
  const clock = new SimClock();
  const moves = new Moves({ clock, interrupt: interrupt.signal });
  let over = false;
  void moves.next(agentId).then(() => {
    over = true;
  });
  return { clock, moves, isOver: () => over };
}

test("who waits for one agent is woken by its report, and by no other's", async () => {
  const { clock, moves, isOver } = waitingFor("slowest");
  moves.moved("another");
  await clock.advance(0);
  assert.equal(isOver(), false);
  moves.moved("slowest");
  await clock.advance(0);
  assert.equal(isOver(), true);
});

test("news of no agent's report wakes whoever waits, and so does any report where none is waited for", async () => {
  for (const [waitsFor, moved] of [
    ["slowest", undefined],
    [undefined, "another"],
  ]) {
    const { clock, moves, isOver } = waitingFor(waitsFor);
    moves.moved(moved);
    await clock.advance(0);
    assert.equal(isOver(), true);
  }
});

test("nobody waits for longer than a moment, and not at all when the run is interrupted", async () => {
  const silent = waitingFor("slowest");
  await silent.clock.advance(99 * NS_PER_MS);
  assert.equal(silent.isOver(), false);
  await silent.clock.advance(NS_PER_MS);
  assert.equal(silent.isOver(), true);
  const interrupt = new AbortController();
  const stopped = waitingFor("slowest", interrupt);
  interrupt.abort();
  await stopped.clock.advance(0);
  assert.equal(stopped.isOver(), true);
});
