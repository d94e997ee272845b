import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lastLine } from "../../../bench/peers/install.ts";
import { judge } from "../../../bench/peers/judgement.ts";
import { readLoadlineReport } from "../../../bench/peers/own-clients.ts";
import { peerTableOf } from "../../../bench/peers/peer-table.ts";
import { membersOf } from "../../../bench/peers/process-tree.ts";
import { parseStat } from "../../../bench/process-stat.ts";
import { readPeerReport } from "../../../bench/peers/python-peers.ts";
import { readServerLog } from "../../../bench/peers/server-log.ts";

const FIXTURES = new URL("../../fixtures/peers/", import.meta.url);
const NS_PER_MS = 1e6;
const NS_PER_SECOND = 1e9;

test("what each peer wrote of its TTFT is read, with its version where it tells one", () => {
  const read = (name: string): unknown => {
    const { client, ttftP50Ms, ttftP99Ms } = readPeerReport(
      readFileSync(new URL(name, FIXTURES), "utf8"),
      name,
    );
    return [client, ttftP50Ms?.toFixed(2), ttftP99Ms?.toFixed(2)];
  };
  assert.deepEqual(read("guidellm.json"), ["GuideLLM 0.8.1", "65.38", "112.59"]);
  assert.deepEqual(read("aiperf.json"), ["AIPerf 0.13.0", "51.99", "75.39"]);
  assert.deepEqual(read("vllm.json"), ["vllm bench", "52.23", "71.12"]);
});

test("of Loadline it is the headline TTFT and the verdict on itself that counts", () => {
  const printed = JSON.stringify({
    loadline: "0.1.0",
    validity: { verdict: "invalid", reasons: ["agent a sent late: p99 3 ms; start more agents"] },
    probes: [
      {
        ttftMs: { p50: 51, p99: 60 },
        serviceTtftMs: { p50: 50, p99: 50 },
        countsByOutcome: { scheduled: 990 },
      },
    ],
  });
  assert.deepEqual(readLoadlineReport(printed), {
    client: "Loadline 0.1.0 (invalid: agent a sent late: p99 3 ms)",
    ttftP50Ms: 51,
    ttftP99Ms: 60,
    asked: 990,
  });
});

/** A request that arrived, and got `tokens` tokens from 50 ms later on, one each 10 ms. */
function line(id: number, arrivedAtNs: number, tokens = 64): string {
  const firstTokenWrittenAtNs = arrivedAtNs + 50 * NS_PER_MS;
  const lastTokenWrittenAtNs = firstTokenWrittenAtNs + (tokens - 1) * 10 * NS_PER_MS;
  return `${JSON.stringify({ id, arrivedAtNs, tokens, firstTokenWrittenAtNs, lastTokenWrittenAtNs })}\n`;
}

test("the server's log is put in order, and a client's own tries before its run are left out", () => {
  const start = '{"kind":"start","monotonicNs":1,"wallMs":1}\n';
  const log = readServerLog(start + line(1, 0) + line(3, 9e9) + line(2, 8e9, 1), 2);
  assert.deepEqual(log.arrivedAtNs, [8e9, 9e9]);
  assert.deepEqual(log.ttftMs, [50, 50]);
  assert.equal(log.tokensBetween(0, 20e9), 65);
  const firstNs = 9.05e9;
  assert.equal(log.tokensBetween(firstNs, firstNs + 315 * NS_PER_MS), 32);
});

test("a token's CPU is the tree's over the steady part, and arrivals are judged by the log alone", () => {
  // Equal gaps of 20 ms for 20 s: nothing like Poisson. A token costs 30 µs, but 500 in the first five seconds.
  const requests = 1_000;
  const lines = Array.from({ length: requests }, (_, place) => line(place, place * 20 * NS_PER_MS));
  const log = readServerLog(lines.join(""), requests);
  const samples = Array.from({ length: 60 }, (_, place) => {
    const atNs = place * 0.5 * NS_PER_SECOND + 0.1 * NS_PER_SECOND;
    const early = log.tokensBetween(0, Math.min(atNs, 5 * NS_PER_SECOND)) * 500e-6;
    const late = log.tokensBetween(5 * NS_PER_SECOND, Math.max(atNs, 5 * NS_PER_SECOND)) * 30e-6;
    return { atNs, cpuSeconds: early + late, memoryMb: place === 9 ? 123 : undefined };
  });
  const reported = { client: "peer 1", ttftP50Ms: 52, ttftP99Ms: null, asked: 1_100 };
  const judgement = judge(reported, log, samples);
  assert.ok(Math.abs(judgement.cpuUsPerToken - 30) < 1e-6);
  assert.equal(judgement.memoryMb, 123);
  assert.ok(judgement.likeness.dispersion < judgement.likeness.low && judgement.likeness.p < 1e-6);
  assert.deepEqual(judgement.ttft.p50, { reportedMs: 52, trueMs: 50 });
  assert.ok(Math.abs(judgement.arrivedPerSecond - 50) < 1e-9);
  assert.equal(
    peerTableOf([judgement, { name: "k6", reason: "not installed: no | here" }])
      .split("\n")
      .slice(2)
      .join("\n"),
    "| peer 1 | 30 | 123 | 0 (0.241 to 2.48) | < 0.000001 | 52 − 50 = +2 | n/a | 1,000 of 1,100 | 50/s |\n" +
      "| k6 | not installed: no \\| here |  |  |  |  |  |  |  |",
  );
});

test("a client that sent nothing, or for too short a time, has no figures rather than wrong ones", () => {
  const reported = { client: "peer 1", ttftP50Ms: null, ttftP99Ms: null, asked: 10 };
  const none = judge(reported, readServerLog("", 10), []);
  assert.ok(Number.isNaN(none.cpuUsPerToken) && Number.isNaN(none.memoryMb));
  assert.match(
    peerTableOf([none]),
    /\| peer 1 \| n\/a \| n\/a \| n\/a .* \| 0 of 10 \| n\/a\/s \|$/,
  );
});

test("a process tree holds children whose parent is gone, and no stranger of an old number", () => {
  const stat = (fields: string): ReturnType<typeof parseStat> =>
    parseStat(fields.replace("…", "0 0 0 0 0 0 0"));
  const root = stat("10 (a) S 1 10 10 … 100 50 9 9 20 0 1 0 500 0");
  assert.deepEqual(root, { pid: 10, parent: 1, session: 10, startedAt: 500, cpuSeconds: 1.5 });
  const named = stat("11 (b ) R 7 9) S 10 10 10 … 0 0 0 0 20 0 1 0 501 0")!;
  const orphan = stat("12 (c) S 1 12 12 … 0 0 0 0 20 0 1 0 502 0")!;
  const child = stat("13 (d) S 12 12 12 … 0 0 0 0 20 0 1 0 503 0")!;
  const stranger = stat("14 (e) S 1 14 14 … 0 0 0 0 20 0 1 0 900 0")!;
  const seen = new Map([orphan, { ...stranger, startedAt: 504 }].map((each) => [each.pid, each]));
  const all = [child, named, orphan, root, stranger];
  assert.deepEqual(
    membersOf(all, 10, seen)
      .map(({ pid }) => pid)
      .sort(),
    [10, 11, 12, 13],
  );
  assert.equal(parseStat(""), undefined);
});

test("why a peer could not be installed is pip's error, else what was printed last", () => {
  const pip =
    "Collecting x\nERROR: No matching distribution found for torch==2+cpu\n[notice] new pip\n";
  assert.equal(lastLine(pip), "ERROR: No matching distribution found for torch==2+cpu");
  assert.equal(lastLine("a\nError: spawn python3 ENOENT\n\n"), "Error: spawn python3 ENOENT");
  assert.equal(lastLine(""), "it printed nothing");
});
