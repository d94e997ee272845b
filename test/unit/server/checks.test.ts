import assert from "node:assert/strict";
import { test } from "node:test";
import { checkServer, type CheckedWindow } from "../../../coordinator/server/checks.ts";
import { each, logOf, scraped, stretch } from "./scraped.ts";

/** 20 requests/s that take half a second each: 10 at the server, of which 2 wait. */
function windowWith(
  said: { running?: (s: number) => number; perSecond?: number; takesS?: number } = {},
  ours: Partial<CheckedWindow> = {},
): CheckedWindow {
  const { running = () => 8, perSecond = 20, takesS = 0.5 } = said;
  const entries = each(30).map((s) =>
    scraped(s, {
      running: running(s),
      waiting: 2,
      completed: perSecond * s,
      e2e: { count: perSecond * s, sumS: perSecond * s * takesS },
    }),
  );
  return {
    load: "20 requests/s",
    window: stretch(0, 30),
    server: logOf(entries),
    inFlightMean: 10.3,
    endToEndMeanS: 0.51,
    completedPerSecond: 20,
    completions: { theirs: 580, oursMin: 560, oursMax: 600 },
    ...ours,
  };
}

function holds(windows: readonly CheckedWindow[]): Record<string, boolean> {
  return Object.fromEntries(checkServer(windows).checks.map(({ name, holds }) => [name, holds]));
}

test("accounts that agree hold, and say both figures", () => {
  const { checks, unchecked } = checkServer([windowWith()]);
  assert.deepEqual(unchecked, []);
  assert.ok(checks.every(({ holds }) => holds));
  assert.deepEqual(
    checks.map(({ text }) => text),
    [
      "at 20 requests/s the server holds 10.0 requests (running + waiting), and its rate times their time is 10.0 (within ± 1.0 they agree)",
      "in flight here minus running + waiting there is 0.3 requests (network and gateway); at 20 requests/s: 10.3 here, 10.0 there (within ± 1.0 they agree)",
      "between the first and the last scrape of each window the server completed 580 requests by its own count, and 560 to 600 ended here",
    ],
  );
});

test("one window that does not add up is enough, and is the one that is told", () => {
  const off = windowWith({ takesS: 0.25 }, { load: "40 requests/s" });
  const { checks } = checkServer([windowWith(), off]);
  assert.equal(checks[0]!.holds, false);
  assert.match(checks[0]!.text, /^at 40 requests\/s the server holds 10\.0 .* is 5\.0/);
});

test("a server that holds more than we have in flight serves others too", () => {
  assert.equal(holds([windowWith({}, { inFlightMean: 5 })])["in-flight"], false);
  // A gateway's queue is no disagreement.
  assert.equal(holds([windowWith({}, { inFlightMean: 40 })])["in-flight"], true);
});

test("completions may lie anywhere between our least and most, and no further", () => {
  const theirs = (count: number) =>
    holds([windowWith({}, { completions: { theirs: count, oursMin: 560, oursMax: 600 } })])[
      "completions"
    ];
  assert.deepEqual([560, 600, 614].map(theirs), [true, true, true]);
  assert.deepEqual([540, 620].map(theirs), [false, false]);
});

test("where a queue builds up, or too little was seen, Little's law is not held against it", () => {
  const building = windowWith({ running: (s) => 4 * s });
  const { checks, unchecked } = checkServer([building]);
  assert.deepEqual(
    checks.map(({ name }) => name),
    ["in-flight", "completions"],
  );
  assert.match(unchecked.join(), /Little's law was not checked/);
  const blind = windowWith({}, { server: logOf([]), completions: undefined });
  assert.equal(checkServer([blind]).checks.length, 0);
  assert.equal(checkServer([blind]).unchecked.length, 3);
  assert.equal(checkServer([]).unchecked.length, 3);
});

test("chance is allowed for: a few looks at a number that swings", () => {
  const swinging = windowWith(
    { running: (s) => (s % 3 === 0 ? 20 : 1) },
    { window: stretch(0, 6) },
  );
  assert.equal(holds([swinging])["littles-law"], true);
});
