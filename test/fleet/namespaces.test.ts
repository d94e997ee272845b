import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Result } from "../../coordinator/show/result.ts";
import { chiSquareBand, kolmogorovP } from "../../coordinator/validity/goodness-of-fit.ts";
import { ExitCode } from "../../shared/errors.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { ArrivalRecord } from "../../simulator/http/arrival-log.ts";
import { loadline, temporaryFolder } from "../support/cli.ts";
import {
  type Machine,
  type Placed,
  startMachines,
  whyNoNamespaces,
} from "../support/namespaces.ts";
import { natsServerExecutable, real } from "../support/nats-server.ts";

const AGENTS = 4;
const SLO = "ttft p99 <= 500ms";
/** What SLOTS slots of exp:60ms carry within the SLO, by the closed form of the M/M/c queue (`npm start` prints it). */
const SLOTS = 16;
const TRUE_PER_SECOND = 255.8;
/** 99.9 % on both sides together. */
const BAND_Z = 3.29;
const P_MIN = 0.001;
const PROXY = fileURLToPath(new URL("../support/delay-proxy.ts", import.meta.url));

describe("four agents on four machines, 40 ms away from the message engine and the run", {
  skip: whyNoNamespaces() ?? real.missing ?? false,
  timeout: 300_000,
}, () => {
  test("arrivals are one Poisson process by the target's own log", async (context) => {
    const stage = await setUp(context);
    const { exitCode, result } = await stage.run("run", "--rate", "80", "--duration", "12s");
    const arrivedAtNs = stage
      .log()
      .map((each) => each.arrivedAtNs)
      .sort((a, b) => a - b);
    context.diagnostic(result.validity.reasons.join("; "));
    context.diagnostic(
      `${arrivedAtNs.length} arrivals, ${describeFit(arrivedAtNs)}, exit ${exitCode ?? "-"}, ` +
        `clocks within ${Math.max(...result.agents.map((each) => each.clockErrorBoundMs)).toFixed(1)} ms`,
    );
    assert.equal(result.agents.length, AGENTS);
    assert.equal(arrivedAtNs.length, result.probes[0]?.countsByOutcome.fired);
    const fit = fitOf(arrivedAtNs);
    assert.ok(
      fit.dispersion > fit.band.low && fit.dispersion < fit.band.high,
      describeFit(arrivedAtNs),
    );
    assert.ok(fit.p > P_MIN, describeFit(arrivedAtNs));
  });

  test("of packets that are lost on the way nothing is missing in the end", async (context) => {
    const stage = await setUp(context);
    // What agents send to the message engine and to the run; the way to the target is whole.
    const rule = ["-A", "INPUT", "-p", "tcp", "-m", "multiport", "--dports", "4223,7401"];
    const lossy = [...rule, "-m", "statistic", "--mode", "random", "--probability", "0.1"];
    assert.equal(await stage.hub.start("iptables", [...lossy, "-j", "DROP"]).exitCode, 0);
    const { result } = await stage.run("run", "--rate", "80", "--duration", "12s");
    const dropped = stage.hub.start("iptables", ["-nvxL", "INPUT"]);
    assert.equal(await dropped.exitCode, 0);
    const packets = Number(/^\s*(\d+)\s+\d+\s+DROP/m.exec(dropped.output())?.[1]);
    context.diagnostic(`${packets} packets lost; ${result.validity.reasons.join("; ")}`);
    assert.ok(packets > 20, dropped.output());
    assert.equal(result.outcome.kind, "finished");
    assert.deepEqual(result.lost, { ...result.lost, arrivalRanges: [], unknownCount: 0 });
    assert.equal(stage.log().length, result.probes[0]?.countsByOutcome.fired);
  });

  test("a search finds the rate", async (context) => {
    const stage = await setUp(context);
    const { exitCode, result } = await stage.run("find", "--slo", SLO, "--time-budget", "120s");
    const { maxRate } = result;
    context.diagnostic(tellRate(maxRate, exitCode));
    context.diagnostic(result.validity.reasons.join("; "));
    assert.equal(exitCode, ExitCode.Done);
    assert.ok(maxRate !== null);
    assert.ok(Math.abs(maxRate.requestsPerSecond / TRUE_PER_SECOND - 1) < 0.06);
  });

  test("a search goes on when one agent is killed, and names it", async (context) => {
    const stage = await setUp(context);
    const flags = ["find", "--slo", SLO, "--min-rate", "60", "--time-budget", "60s"];
    const searching = stage.start(...flags);
    await searching.says("focus");
    stage.agents[2]?.child.kill("SIGKILL");
    const { exitCode, result } = await stage.ended(searching);
    const { maxRate } = result;
    context.diagnostic(tellRate(maxRate, exitCode));
    context.diagnostic(result.validity.reasons.join("; "));
    assert.ok(maxRate !== null, searching.output());
    assert.ok(Math.abs(maxRate.requestsPerSecond / TRUE_PER_SECOND - 1) < 0.15, searching.output());
    assert.match(JSON.stringify(result), /agent-3[^"]*(lost|silent)|lost[^"]*agent-3/);
  });
});

function tellRate(maxRate: Result["maxRate"], exitCode: number | null): string {
  const { requestsPerSecond, low, high } = maxRate ?? {};
  return `${String(requestsPerSecond)} requests/s (${String(low)} to ${String(high)}), true ${TRUE_PER_SECOND}, exit ${exitCode ?? "-"}`;
}

interface Stage {
  readonly hub: Machine;
  readonly agents: readonly Placed[];
  start(...args: readonly string[]): Placed;
  ended(run: Placed): Promise<{ exitCode: number | null; result: Result }>;
  run(...args: readonly string[]): Promise<{ exitCode: number | null; result: Result }>;
  log(): readonly ArrivalRecord[];
}

/** A message engine with TLS, a target and a coordinator on the first machine; the agents reach the former by a slow wire. */
async function setUp(context: Parameters<typeof startMachines>[0]): Promise<Stage> {
  const folder = await temporaryFolder(context);
  const machines = startMachines(context, AGENTS + 1);
  const [hub, ...others] = machines as [Machine, ...Machine[]];
  const fleet = join(folder, "fleet");
  const made = await loadline(
    context,
    ...["fleet", "init", fleet, "--agents", String(AGENTS), "--server", hub.address],
    ...["--allow", `${hub.address}:8000`],
  );
  assert.equal(made.exitCode, 0, made.stderr);
  await hub
    .start(natsServerExecutable, ["-c", "nats-server.conf"], join(fleet, "nats"))
    .says("Server is ready");
  await hub.start(process.execPath, [PROXY, hub.address, "4223:4222", "7401:7400"]).says("ready");
  const log = join(folder, "arrivals.jsonl");
  const target = hub.loadline(
    ...["simulate-server", "--host", hub.address, "--port", "8000", "--log", log],
    ...["--slots", String(SLOTS), "--service", "exp:60ms"],
  );
  await target.says('"port":8000');
  const agents = others.map((machine, place) =>
    machine.loadline(
      ...["agent", "--identity", join(fleet, "agents", `agent-${place + 1}`)],
      ...["--nats", `tls://${hub.address}:4223`],
    ),
  );
  for (const agent of agents) await agent.says("joined the fleet");
  const directory = join(folder, "run");
  const start: Stage["start"] = (command = "", ...args) =>
    hub.loadline(
      ...[
        command,
        ...args,
        "--identity",
        join(fleet, "coordinator"),
        "--min-agents",
        String(AGENTS),
      ],
      ...["--target", `http://${hub.address}:8000`, "--output-tokens", "8", "--out", directory],
      ...["--report-listen", `${hub.address}:7400`, "--report-advertise", `${hub.address}:7401`],
    );
  const ended: Stage["ended"] = async (run) => {
    const exitCode = await run.exitCode;
    const file = join(directory, "result.json");
    assert.ok(existsSync(file), run.output());
    target.child.kill("SIGTERM");
    await target.exitCode;
    return { exitCode, result: JSON.parse(readFileSync(file, "utf8")) as Result };
  };
  return {
    hub,
    agents,
    start,
    ended,
    run: (...args) => ended(start(...args)),
    log: () =>
      readFileSync(log, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as ArrivalRecord)
        // The last line says how many did not fit the log.
        .filter(({ arrivedAtNs }) => Number.isFinite(arrivedAtNs)),
  };
}

interface Fit {
  readonly dispersion: number;
  readonly band: { readonly low: number; readonly high: number };
  readonly p: number;
}

/** Against a Poisson process of the rate that it had: counts by their index of dispersion, gaps by Kolmogorov–Smirnov. */
function fitOf(atNs: readonly number[]): Fit {
  const [firstNs = 0] = atNs;
  const lengthNs = (atNs.at(-1) ?? 0) - firstNs;
  const bins = Math.floor(atNs.length / 8);
  const counts = new Array<number>(bins).fill(0);
  for (const each of atNs) {
    const bin = Math.min(bins - 1, Math.floor(((each - firstNs) / lengthNs) * bins));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const mean = atNs.length / bins;
  const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (bins - 1);
  const gaps = atNs.slice(1).map((each, place) => each - (atNs[place] ?? 0));
  const meanGapNs = lengthNs / gaps.length;
  const uniform = gaps.map((gap) => 1 - Math.exp(-gap / meanGapNs)).sort((a, b) => a - b);
  const distances = uniform.map((u, place) =>
    Math.max(u - place / uniform.length, (place + 1) / uniform.length - u),
  );
  return {
    dispersion: variance / mean,
    band: chiSquareBand(bins - 1, BAND_Z),
    p: kolmogorovP(Math.max(...distances), uniform.length),
  };
}

function describeFit(atNs: readonly number[]): string {
  const { dispersion, band, p } = fitOf(atNs);
  const rate = (atNs.length - 1) / (((atNs.at(-1) ?? 0) - (atNs[0] ?? 0)) / NS_PER_SECOND);
  return `${rate.toFixed(1)}/s, dispersion ${dispersion.toFixed(2)} (${band.low.toFixed(2)} to ${band.high.toFixed(2)}), gaps p = ${p.toFixed(3)}`;
}
