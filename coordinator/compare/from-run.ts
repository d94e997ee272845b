import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Plan, ArrivalTemplate } from "../plan/plan.ts";
import { arrivalTemplateOf } from "../plan/plan.ts";
import { lengthsText } from "../show/facts.ts";
import { plural } from "../show/format.ts";
import { type ProbeView, type Result, type Summary, toTarget } from "../show/result.ts";
import type { Contender, Latency, MeasuredWindow, Trait } from "./contender.ts";

/** A run of Loadline as a comparison sees it. */
export function contenderOfRun(options: {
  readonly name: string;
  readonly source: string;
  readonly result: Result;
  readonly plan: Plan;
}): Contender {
  const { name, source, result, plan } = options;
  return {
    name,
    origin: `Loadline ${result.loadline}`,
    source,
    model: result.target.model,
    ...maxRateOf(result),
    isHopeless: result.outcome.kind === "hopeless",
    saturationPerSecond: result.saturation?.requestsPerSecond ?? null,
    leadMetric: leadMetricOf(result),
    windows: windowsOf(result),
    traits: traitsOf(result, plan),
    warnings: result.validity.verdict === "suspect" ? result.validity.reasons : [],
  };
}

function maxRateOf(result: Result): Pick<Contender, "maxRate" | "noRateReason"> {
  const { maxRate, outcome, command } = result;
  if (maxRate !== null) {
    const { requestsPerSecond: value, low, high, confidence } = maxRate;
    return { maxRate: { value, low, high, confidence }, noRateReason: "" };
  }
  const reason =
    command === "find"
      ? outcome.reason || `the search was ${outcome.kind}`
      : `\`loadline ${command}\` measures rates and searches none`;
  return { maxRate: undefined, noRateReason: reason };
}

/** What the first clause that limits a time is about. */
export function leadMetricOf({ slo }: Pick<Result, "slo">): Contender["leadMetric"] {
  const metric = slo.find(({ unit }) => unit === "ms")?.metric ?? "ttft";
  if (metric.endsWith("e2e")) return "e2e";
  return metric === "itl" || metric === "gap" || metric === "max_gap" ? "itl" : "ttft";
}

/** The windows of a planned rate. */
export function windowsOf({ probes }: Pick<Result, "probes">): readonly MeasuredWindow[] {
  return toTarget(probes)
    .filter(({ validity, mode }) => mode === "open" && validity.verdict !== "invalid")
    .map(windowOf)
    .filter(({ okCount, requestsPerSecond }) => okCount > 0 && requestsPerSecond > 0)
    .sort((a, b) => a.requestsPerSecond - b.requestsPerSecond);
}

function windowOf(probe: ProbeView): MeasuredWindow {
  const { achievedPerSecond, inputTokensPerSecond, outputTokensPerSecond } = probe;
  const perRequest = (tokensPerSecond: number): number | null =>
    tokensPerSecond > 0 && achievedPerSecond > 0 ? tokensPerSecond / achievedPerSecond : null;
  return {
    requestsPerSecond: probe.requestsPerSecond ?? achievedPerSecond,
    okCount: probe.countsByOutcome.ok,
    ttftMs: latencyOf(probe.ttftMs),
    itlMs: latencyOf(probe.itlMs),
    e2eMs: latencyOf(probe.e2eMs),
    inputTokensPerRequest: perRequest(inputTokensPerSecond),
    outputTokensPerRequest: perRequest(outputTokensPerSecond),
    outputTokensPerSecondPerUser: probe.outputTokensPerSecondPerUser.p50,
    inFlightMean: probe.inFlightMean,
  };
}

function latencyOf({ p50, p95, p99 }: Summary): Latency {
  return { p50, p95, p99 };
}

function traitsOf(result: Result, plan: Plan): Contender["traits"] {
  const { target, workload } = plan;
  const texts: Readonly<Record<Exclude<Trait, "lengths">, string>> = {
    model: result.target.model,
    arrivals: arrivalsText(arrivalTemplateOf(plan)),
    slo: result.slo.map(({ text }) => text).join(", "),
    agents: agentsText(result, plan),
    seed: String(result.seed),
    endpoint: target.endpoint,
    request: requestText(plan),
  };
  const traits = Object.entries(texts).map(([trait, text]) => [trait, { key: text, text }]);
  return {
    ...(Object.fromEntries(traits) as Contender["traits"]),
    // Two lists of recorded lengths may read the same.
    lengths: { key: JSON.stringify(workload.classes), text: lengthsOf(plan) },
  };
}

function lengthsOf({ workload: { classes } }: Plan): string {
  return classes
    .map(({ name, weight, promptTokens, outputTokens }) => {
      const lengths = `${lengthsText(promptTokens)} prompt tokens, ${lengthsText(outputTokens)} output tokens`;
      return classes.length === 1 ? lengths : `${name} (weight ${weight}): ${lengths}`;
    })
    .join("; ");
}

function arrivalsText(template: ArrivalTemplate): string {
  switch (template.kind) {
    case "poisson":
    case "constant":
      return template.kind;
    case "gamma":
      return `gamma:${template.coefficientOfVariation}`;
    case "ramp":
      return `ramp:${template.fromRatePerSecond}:${template.toRatePerSecond}`;
  }
}

/** How many, on how many hosts; not their names, which a container changes at each start. */
function agentsText({ agents }: Result, { placement }: Plan): string {
  const hosts = new Set(agents.map(({ host }) => host)).size;
  return `${plural(agents.length, `${placement.kind} agent`)} on ${plural(hosts, "host")}`;
}

function requestText({ target, maxInFlight, maxInFlightAsked }: Plan): string {
  const parts = [
    `timeout ${target.timeoutNs / NS_PER_SECOND} s`,
    // One that was not asked for follows from the rates.
    maxInFlightAsked ? `at most ${maxInFlight} in flight` : "",
    target.forceOutput ? "forced output lengths" : "",
    Object.keys(target.extraBody).length === 0
      ? ""
      : `extra body ${JSON.stringify(target.extraBody)}`,
  ];
  return parts.filter((part) => part !== "").join(", ");
}
