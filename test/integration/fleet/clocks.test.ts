import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import type { Result } from "../../../coordinator/show/result.ts";
import type { RequestLine } from "../../../coordinator/store/requests-file.ts";
import { readRequests } from "../../../coordinator/store/run-folder.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../../shared/units.ts";
import type { ArrivalRecord } from "../../../simulator/http/arrival-log.ts";
import {
  lastSeen,
  logOf,
  startLoadline,
  startSimulator,
  temporaryFolder,
  until,
} from "../../support/cli.ts";
import { embedded } from "../../support/nats-server.ts";
import { steppedClock, withMonotonicAhead } from "../../support/other-clocks.ts";
import { markerOf, serverLog } from "../../support/served.ts";

const STEP_S = 3 * 3_600;
const AHEAD_S = 100_000;
/** Far below any step, and far above what a busy machine delays the quickest of many requests by. */
const APART_MS_MAX = 1_000;
const LONGEST_MS = 60_000;
const PARTS = 3;

test("wall clocks that step and monotonic clocks that differ change neither arrivals nor latencies", async (context) => {
  const wall = await steppedClock(context);
  const ahead = withMonotonicAhead(AHEAD_S);
  if (wall === undefined && ahead === undefined) {
    context.skip("neither a wall clock nor a monotonic clock can be changed here");
    return;
  }
  const folder = await temporaryFolder(context);
  const [log, directory] = [join(folder, "arrivals.jsonl"), join(folder, "run")];
  // Long enough that many requests are on their way when the clock steps.
  const target = await startSimulator(context, [
    ...["--slots", "64", "--service", "fixed:300ms", "--log", log],
  ]);
  const broker = await embedded.start();
  context.after(() => broker.close());
  const nats = ["--nats", broker.url];
  const token = { LOADLINE_TOKEN: broker.token };
  const stepped = startLoadline(context, ["agent", "--id", "stepped", ...nats], {
    ...token,
    ...wall?.environment,
  });
  startLoadline(context, ["agent", "--id", "ahead", ...nats], token, ahead);
  const run = startLoadline(
    context,
    [
      ...["run", ...nats, "--min-agents", "2", "--target", target.url, "--rate", "40"],
      ...["--duration", "5m", "--output-tokens", "4", "--out", directory, "--json"],
    ],
    token,
  );
  let reports = 0;
  const moreReports = (): Promise<void> =>
    until(
      "more reports come",
      async () => {
        const now = (await lastSeen(directory))?.reports ?? 0;
        // Each agent reports each second.
        if (now < reports + 2) return false;
        reports = now;
        return true;
      },
      60_000,
    );
  await moreReports();
  await wall?.step(STEP_S);
  await moreReports();
  await wall?.step(-STEP_S);
  await moreReports();
  run.child.kill("SIGINT");
  const { stdout, stderr } = await run.ended;
  assert.notEqual(stdout, "", stderr);
  const result = JSON.parse(stdout) as Result;
  assert.deepEqual(result.agents.map(({ id }) => id).sort(), ["ahead", "stepped"]);
  stepped.child.kill("SIGTERM");
  const { stderr: said } = await stepped.ended;
  if (wall !== undefined) assertSteppedBack(said);

  await target.close();
  const { runId } = JSON.parse(await readFile(join(directory, "plan.json"), "utf8")) as {
    runId: string;
  };
  const served = await serverLog(log);
  const pairs: Pair[] = [];
  for await (const record of readRequests(directory)) {
    const arrival = served.get(markerOf(result, record, runId));
    assert.ok(arrival !== undefined, `the server has not seen request ${record.index}`);
    if (record.outcome === "ok") pairs.push({ record, arrival });
  }
  for (const { record, arrival } of pairs) assertDuration(record, arrival);
  // On the run's clock, all agents together, a request sent at an instant arrives at one: the same from first to last.
  const offsetsMs = ["stepped", "ahead"].flatMap((agent) => quickestMs(pairs, agent));
  const apartMs = Math.max(...offsetsMs) - Math.min(...offsetsMs);
  assert.ok(apartMs < APART_MS_MAX, `agents are ${apartMs} ms apart: ${offsetsMs.join(", ")}`);
  const members = await membersOf(directory);
  assert.equal(members.length, 2);
  for (const { hello, clockOffset, clockMovedNs } of members) {
    assert.ok(clockOffset !== undefined && clockOffset.errorBoundNs > 0, hello.agentId);
    assert.ok(clockMovedNs < NS_PER_SECOND, `${hello.agentId}'s clock moved by ${clockMovedNs} ns`);
  }
});

interface Pair {
  readonly record: RequestLine;
  readonly arrival: ArrivalRecord;
}

/** What the agent took it to last holds what the server did, and nothing of a step. */
function assertDuration({ index, agent, durationMs }: RequestLine, arrival: ArrivalRecord): void {
  const { arrivedAtNs, lastTokenAtNs = Infinity } = arrival;
  const servedMs = (lastTokenAtNs - arrivedAtNs) / NS_PER_MS;
  const isWithin = durationMs !== null && durationMs > servedMs - 1 && durationMs < LONGEST_MS;
  assert.ok(isWithin, `request ${index} of ${agent}: ${durationMs} ms, served in ${servedMs} ms`);
}

/** Of each part of an agent's requests: the least that one arrived after it was sent, by two clocks; ms. */
function quickestMs(pairs: readonly Pair[], agent: string): readonly number[] {
  const own = pairs.filter(({ record }) => record.agent === agent);
  assert.ok(own.length >= 10 * PARTS, `${agent} has ${own.length} requests`);
  own.sort((a, b) => a.record.intendedMs - b.record.intendedMs);
  const each = own.map(
    ({ record, arrival }) =>
      arrival.arrivedAtNs / NS_PER_MS - record.intendedMs - (record.sendDelayMs ?? 0),
  );
  const length = Math.ceil(each.length / PARTS);
  return Array.from({ length: PARTS }, (_, part) =>
    Math.min(...each.slice(part * length, (part + 1) * length)),
  );
}

/** Its log has the wall clock: so it was one that stepped. */
function assertSteppedBack(said: string): void {
  const atMs = said
    .split("\n")
    .map((line) => Date.parse(line.split(" ", 1)[0] ?? ""))
    .filter((ms) => !Number.isNaN(ms));
  const backMs = (atMs[0] ?? 0) - (atMs.at(-1) ?? 0);
  assert.ok(backMs > (STEP_S * 1_000) / 2, `its wall clock went back by ${backMs} ms:\n${said}`);
}

async function membersOf(directory: string) {
  const ends = (await logOf(directory)).filter((entry) => entry.kind === "end");
  return ends.at(-1)?.members ?? [];
}
