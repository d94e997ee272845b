import { NS_PER_MS, NS_PER_SECOND } from "../shared/units.ts";
import { gapsOf, likenessToPoisson } from "./poisson.ts";
import { quantileOf } from "./quantile.ts";
import { runLoad } from "./run.ts";
import type { Sink } from "./sink.ts";
import { type Row, significant } from "./table.ts";

const CONSTANT = { ratePerSecond: 50, outputTokens: 1, seconds: 20 };
/**
 * Not faster: an idle core sees the first of two requests some 0.15 ms later than the second, which finds it awake. At
 * 200/s that alone is 3 % of a gap, and a test of 4,000 gaps sees it.
 */
const POISSON = { ratePerSecond: 50, outputTokens: 1, seconds: 40 };
const AGENTS = [1, 4];

/** Whether requests arrive at the server as the plan says, by the server's log. */
export async function arrivalsFit(sink: Sink): Promise<readonly Row[]> {
  const rows = [await constantGaps(sink)];
  for (const agents of AGENTS) rows.push(await poissonFit(sink, agents));
  return rows;
}

async function constantGaps(sink: Sink): Promise<Row> {
  const arrivedAtNs = await arrivalsOf(sink, { ...CONSTANT, arrivals: "constant", agents: 1 });
  const planned = NS_PER_SECOND / CONSTANT.ratePerSecond;
  const errorsMs = gapsOf(arrivedAtNs).map((gapNs) => Math.abs(gapNs - planned) / NS_PER_MS);
  const ms = (q: number): string => `${significant(quantileOf(errorsMs, q))} ms`;
  return {
    figure: `\`constant\` at ${CONSTANT.ratePerSecond}/s: error of a gap by the server's log`,
    measured: `p50 ${ms(0.5)}, p99 ${ms(0.99)}`,
    beside: `the ${planned / NS_PER_MS} ms of the plan`,
    ratio: undefined,
    goal: "p50 ≤ 0.2 ms, p99 ≤ 2 ms",
  };
}

async function poissonFit(sink: Sink, agents: number): Promise<Row> {
  const arrivedAtNs = await arrivalsOf(sink, { ...POISSON, arrivals: "poisson", agents });
  const { dispersion, low, high, p } = likenessToPoisson(arrivedAtNs, POISSON.seconds - 1);
  return {
    figure: `\`poisson\` at ${POISSON.ratePerSecond}/s from ${agents} agents: dispersion of counts in 1 s by the server's log`,
    measured: `${significant(dispersion)}; gaps against the exponential: KS p ${significant(p)}`,
    beside: `1; 99.9 % of such samples lie in ${significant(low)} to ${significant(high)}`,
    ratio: dispersion,
    goal: "within the band, p > 0.001",
  };
}

async function arrivalsOf(
  sink: Sink,
  load: Omit<Parameters<typeof runLoad>[0], "url">,
): Promise<readonly number[]> {
  await sink.takeLog();
  await runLoad({ ...load, url: sink.url });
  return (await sink.takeLog()).map((entry) => entry.receivedAtNs).sort((a, b) => a - b);
}
