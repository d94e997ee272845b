import { chiSquareBand, kolmogorovP } from "../coordinator/validity/goodness-of-fit.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../shared/units.ts";
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
/** Of a normal variable, for a band that 99.9 % of samples lie in. */
const BAND_DEVIATIONS = 3.29;

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
  const { ratePerSecond, seconds } = POISSON;
  const counts = countsBySecond(arrivedAtNs, seconds);
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const variance =
    counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (counts.length - 1);
  const { low, high } = chiSquareBand(counts.length - 1, BAND_DEVIATIONS);
  const gaps = gapsOf(arrivedAtNs);
  const p = kolmogorovP(distanceToExponential(gaps), gaps.length);
  return {
    figure: `\`poisson\` at ${ratePerSecond}/s from ${agents} agents: dispersion of counts in 1 s by the server's log`,
    measured: `${significant(variance / mean)}; gaps against the exponential: KS p ${significant(p)}`,
    beside: `1; 99.9 % of such samples lie in ${significant(low)} to ${significant(high)}`,
    ratio: variance / mean,
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

function gapsOf(sortedNs: readonly number[]): number[] {
  return sortedNs.slice(1).map((atNs, place) => atNs - (sortedNs[place] ?? 0));
}

function countsBySecond(sortedNs: readonly number[], seconds: number): number[] {
  const firstNs = sortedNs[0] ?? 0;
  const counts = new Array<number>(seconds - 1).fill(0);
  for (const atNs of sortedNs) {
    const second = Math.floor((atNs - firstNs) / NS_PER_SECOND);
    if (second < counts.length) counts[second] = (counts[second] ?? 0) + 1;
  }
  return counts;
}

/** Kolmogorov's distance to an exponential of the sample's own mean (so the p shown is an upper bound). */
function distanceToExponential(gaps: readonly number[]): number {
  const sorted = gaps.toSorted((a, b) => a - b);
  const mean = sorted.reduce((sum, gap) => sum + gap, 0) / sorted.length;
  return sorted.reduce((distance, gap, place) => {
    const planned = 1 - Math.exp(-gap / mean);
    const below = Math.abs(planned - place / sorted.length);
    return Math.max(distance, below, Math.abs((place + 1) / sorted.length - planned));
  }, 0);
}
