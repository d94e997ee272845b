import { engineTitle } from "../server/engines.ts";
import { chosen, count, ms, NOTHING, percent, plural, rate, seconds } from "./format.ts";
import { levelText, loadText } from "./paired-text.ts";
import type {
  AgentFloorView,
  AgentView,
  LostArrivals,
  Result,
  SilentStretch,
  Summary,
} from "./result.ts";

/** A line of what else is known: what it is about, and the words. */
export interface Fact {
  readonly about: string;
  readonly text: string;
}

/** The lines under the table, in the order in which a reader asks for them. */
export function factsOf(result: Result): readonly Fact[] {
  const facts: (Fact | undefined)[] = [
    { about: "target", text: `${result.target.model} at ${result.target.url}` },
    ...againstFacts(result),
    workload(result),
    evidence(result),
    clauses(result),
    ...(result.maxRate?.notes ?? []).map((text) => ({ about: "note", text })),
    gate(result),
    saturation(result),
    knee(result),
    floor(result),
    tokens(result),
    agents(result.agents),
    agentFloor(result.agents),
    ...serverFacts(result),
    lost(result),
    resumed(result),
    { about: "run", text: runText(result) },
  ];
  return facts.filter((fact) => fact !== undefined);
}

function againstFacts({ against }: Result): readonly Fact[] {
  if (against === undefined) return [];
  return [
    { about: "against", text: `${against.model} at ${against.url}` },
    ...against.levels.map((level) => ({
      about: "pairs",
      text: `at ${loadText(level)} it ${levelText(level, against.confidence)}`,
    })),
  ];
}

function workload(result: Result): Fact {
  const classes = result.workload.classes.map((each) => {
    const prompt = lengthsText(each.promptTokens);
    const output = lengthsText(each.outputTokens);
    const name = result.workload.classes.length === 1 ? "" : `${each.name}: `;
    return `${name}${prompt} prompt tokens, ${output} output tokens`;
  });
  return { about: "workload", text: classes.join("; ") };
}

type Lengths = Result["workload"]["classes"][number]["promptTokens"];

/** A distribution of lengths in words. */
export function lengthsText(lengths: Lengths): string {
  switch (lengths.kind) {
    case "fixed":
      return count(lengths.tokens);
    case "uniform":
      return `${count(lengths.low)} to ${count(lengths.high)}`;
    case "normal":
      return `about ${count(lengths.mean)} (normal, sd ${count(lengths.standardDeviation)})`;
    case "lognormal":
      return `about ${count(lengths.mean)} (lognormal, CV ${lengths.coefficientOfVariation})`;
    case "empirical":
      return plural(lengths.values.length, "recorded length");
  }
}

function evidence(result: Result): Fact | undefined {
  if (result.maxRate === null || result.maxRate.evidence.requestsNear === 0) return undefined;
  const { requestsNear, overCount, clumpFactor } = result.maxRate.evidence;
  // One alone is no clump, whatever the factor that the estimate assumes.
  const clumps = overCount > 1 ? `, in clumps of about ${chosen(clumpFactor)}` : "";
  const text =
    `${count(overCount)} of ${plural(requestsNear, "request")} near that rate were over the limit` +
    `${clumps} (method: ${result.maxRate.method})`;
  return { about: "evidence", text };
}

/** Which clause leaves how much room; with a single one there is nothing to tell apart. */
function clauses({ maxRate, slo }: Result): Fact | undefined {
  const rates = maxRate?.clauseRates ?? [];
  if (slo.length < 2 || rates.length === 0) return undefined;
  const texts = rates.map(({ clause, requestsPerSecond }) => {
    const alone =
      requestsPerSecond === null ? "not reached" : `${rate(requestsPerSecond)} requests/s`;
    const binds = clause === maxRate?.boundBy ? ", binds" : "";
    const also = maxRate?.coBinding?.includes(clause) === true ? ", nearly binds" : "";
    return `${clause}: ${alone}${binds}${also}`;
  });
  return { about: "clauses", text: texts.join("; ") };
}

function gate(result: Result): Fact | undefined {
  const { rateGate } = result;
  if (rateGate === undefined) return undefined;
  const held = rateGate.held ? "held" : "FAILED";
  return {
    about: "gate",
    text: `at least ${chosen(rateGate.requestsPerSecond)} requests/s: ${held}`,
  };
}

function saturation(result: Result): Fact | undefined {
  if (result.saturation === null) return undefined;
  const { requestsPerSecond, relativeSd } = result.saturation;
  const headroom = result.maxRate?.headroomFraction;
  const room =
    headroom === undefined ? "" : `; the answer leaves ${percent(headroom)} of it unused`;
  const text = `${rate(requestsPerSecond)} requests/s ± ${percent(relativeSd)}${room}`;
  return { about: "saturation", text };
}

function knee(result: Result): Fact | undefined {
  if (result.knee === null) return undefined;
  const { requestsPerSecond, method, powerRequestsPerSecond: power } = result.knee;
  const beside = power === undefined ? "" : `; most power at ${rate(power)} requests/s`;
  const text = `${rate(requestsPerSecond)} requests/s (${method})${beside}`;
  return { about: "knee", text };
}

function floor(result: Result): Fact | undefined {
  if (result.floor === undefined) return undefined;
  const { ttftMs, e2eMs } = result.floor;
  if (ttftMs.p50 === null && e2eMs.p50 === null) return undefined;
  const text = `TTFT p50 ${optionalMs(ttftMs.p50)}, E2E p50 ${optionalMs(e2eMs.p50)}, one request at a time`;
  return { about: "unloaded", text };
}

function tokens(result: Result): Fact | undefined {
  const counted = result.probes.some((probe) => probe.tokensFrom === "events");
  if (!counted) return undefined;
  const text = "the server sends no usage: tokens are content events, ITL is per event";
  return { about: "tokens", text };
}

function agents(views: readonly AgentView[]): Fact | undefined {
  if (views.length === 0) return undefined;
  const worst = worstP99(views.map((agent) => agent.sendDelayMs));
  const delay = worst === undefined ? "" : `, send delay p99 at most ${optionalMs(worst)}`;
  const gone = views.filter((agent) => agent.lost).length;
  const loss = gone === 0 ? "" : `, ${gone} lost on the way`;
  return { about: "agents", text: `${count(views.length)}${delay}${loss}` };
}

/** What the generator itself adds, beside the result: of the agent that adds most. */
function agentFloor(views: readonly AgentView[]): Fact | undefined {
  const floors = views.flatMap(({ floor: each }) => (each === undefined ? [] : [each]));
  if (floors.length === 0) return undefined;
  const most = (of: (floor: AgentFloorView) => number): string =>
    `${ms(Math.max(...floors.map(of)))} ms`;
  return {
    about: "floor",
    text:
      `the agents themselves add up to: TTFT p50 ${most((each) => each.ttftP50Ms)}, p99 ${most((each) => each.ttftP99Ms)}; ` +
      `gap error p99 ${most((each) => each.gapErrorP99Ms)}; send delay p99 ${most((each) => each.sendDelayP99Ms)}`,
  };
}

function worstP99(summaries: readonly Summary[]): number | undefined {
  const known = summaries.map((summary) => summary.p99).filter((value) => value !== null);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** The target's own account, whether it agrees with the agents', and what was wrong with it. */
function serverFacts({ server }: Result): readonly Fact[] {
  if (server === undefined) return [];
  const { engine, replicas, scrapeIntervalS, checks, problems } = server;
  const name = engine === null ? "its metrics told nothing" : engineTitle(engine);
  const several = replicas === null ? "" : `, ${plural(replicas, "replica")}`;
  return [
    { about: "server", text: `${name}${several}, scraped every ${chosen(scrapeIntervalS)} s` },
    ...checks.map(({ holds, text }) => ({
      about: "check",
      text: `${holds ? "agrees" : "DOES NOT AGREE"}: ${text}`,
    })),
    ...problems.map((text) => ({ about: "scraping", text })),
  ];
}

function lost(result: Result): Fact | undefined {
  const { arrivalRanges, silentStretches = [], unknownCount } = result.lost;
  if (arrivalRanges.length + silentStretches.length + unknownCount === 0) return undefined;
  const parts = [
    rangesText("not offered", result, "no"),
    rangesText("not known to be offered", result, "unknown"),
    stretchesText(silentStretches),
    unknownCount === 0 ? "" : `outcome unknown: ${plural(unknownCount, "request")}`,
  ];
  return { about: "lost", text: parts.filter((part) => part !== "").join("; ") };
}

/** So many ranges are told here; result.json has them all. */
const RANGES_SHOWN = 6;

function stretchesText(stretches: readonly SilentStretch[]): string {
  if (stretches.length === 0) return "";
  const texts = stretches
    .slice(0, RANGES_SHOWN)
    .map(
      ({ agentId, segment, fromS, untilS }) =>
        `${agentId}, ${fromS}–${untilS} s (segment ${segment})`,
    );
  const more = stretches.length - texts.length;
  const rest = more === 0 ? "" : `, and ${plural(more, "more stretch")} (result.json)`;
  return `nothing reported by ${texts.join(", ")}${rest}`;
}

function rangesText(what: string, result: Result, offered: LostArrivals["offered"]): string {
  const ranges = result.lost.arrivalRanges.filter((range) => range.offered === offered);
  if (ranges.length === 0) return "";
  const total = ranges.reduce((sum, range) => sum + range.count, 0);
  const texts = ranges
    .slice(0, RANGES_SHOWN)
    .map(
      ({ agentId, count: own, from, to, segment }) =>
        `${count(own)} of ${agentId} (${from}–${to - 1} of segment ${segment})`,
    );
  const more = ranges.length - texts.length;
  const rest = more === 0 ? "" : `, and ${plural(more, "more range")} (result.json)`;
  return `${what}: ${plural(total, "arrival")}, ${texts.join(", ")}${rest}`;
}

function resumed({ resumptions = [] }: Result): Fact | undefined {
  if (resumptions.length === 0) return undefined;
  const texts = resumptions.map(({ atS, voidSegment }) =>
    voidSegment === null
      ? `at ${seconds(atS)}`
      : `at ${seconds(atS)}, where segment ${voidSegment} was in flight: void, and repeated`,
  );
  return { about: "resumed", text: texts.join("; ") };
}

function runText(result: Result): string {
  const hash = result.scheduleHash === null ? "" : `, schedule ${result.scheduleHash.slice(0, 12)}`;
  return (
    `${result.startedAt}, took ${seconds(result.durationS)}, seed ${result.seed}${hash}, ` +
    `Loadline ${result.loadline}, exit ${result.exitCode}`
  );
}

function optionalMs(value: number | null): string {
  return value === null ? NOTHING : `${ms(value)} ms`;
}
