import { parseSlo } from "../../shared/slo/grammar.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { readOrProblem } from "./field.ts";
import { resolveLoad } from "./resolve-load.ts";
import { resolveWorkload } from "./resolve-workload.ts";
import { againstOf } from "./resolve-against.ts";
import type { Resolving } from "./resolving.ts";
import type { Placement, Plan, PlanTarget, RunLoad } from "./plan.ts";

const TIMEOUT_S = 120;
/** An open loop's bound: a minute's worth of arrivals, and never more sockets than one machine can open. */
const IN_FLIGHT_S = 60;
const IN_FLIGHT_DEFAULT_MAX = 20_000;

/** Fills in every default, and checks what single fields cannot say. The plan is right only if nothing was reported. */
export function resolvePlan(resolving: Resolving): Plan | undefined {
  const { command, values } = resolving;
  const target = resolveTargetOf(resolving);
  const slo = resolveSlo(resolving);
  const workload = resolveWorkload(resolving);
  checkClasses(resolving, { slo, names: workload.classes.map((each) => each.name) });
  const placement = resolvePlacement(resolving);
  const load = resolveLoad(resolving);
  if (target === undefined || load === undefined) return undefined;
  return {
    command,
    name: values.name ?? command,
    target,
    workload,
    slo,
    seed: values.seed ?? 1,
    placement,
    load,
    maxInFlight: resolveMaxInFlight(resolving, load),
    maxInFlightAsked: isInFlightAsked(resolving, load),
    ...switchesOf(values),
    ...serverMetricsOf(resolving),
    ...againstOf(resolving),
    onAgentLoss: values["on-agent-loss"] ?? "continue",
    waitReadyS: values["wait-ready"],
    outDir: values.out,
  };
}

function switchesOf(
  values: Resolving["values"],
): Pick<Plan, "beyondCleanRate" | "records" | "json" | "dryRun"> {
  return {
    beyondCleanRate: values["beyond-clean-rate"] ?? false,
    records: values.records ?? true,
    json: values.json ?? false,
    dryRun: values["dry-run"] ?? false,
  };
}

function serverMetricsOf({
  values,
  given,
  whereIs,
  report,
}: Resolving): Pick<Plan, "serverMetricsUrls" | "prometheus"> {
  const urls = values["server-metrics"];
  const { prometheus } = values;
  const match = values["prometheus-match"];
  if (given.has("server-metrics") && given.has("prometheus"))
    report({
      where: whereIs("prometheus"),
      message: "the target's metrics are scraped by this run already (--server-metrics)",
      hint: "leave one of them out",
    });
  if (match !== undefined && !given.has("prometheus"))
    report({
      where: whereIs("prometheus-match"),
      message: "it pins the target in a Prometheus server, and none is named",
      hint: "add --prometheus URL, or leave it out",
    });
  if (urls !== undefined) return { serverMetricsUrls: [...new Set(urls)] };
  return prometheus === undefined ? {} : { prometheus: { url: prometheus, match: match ?? "" } };
}

function resolveTargetOf({ values, given, report }: Resolving): PlanTarget | undefined {
  if (!given.has("target")) {
    report({
      where: "--target",
      message: "it is missing",
      hint: "give the base URL of the endpoint, such as http://127.0.0.1:8000",
    });
  }
  if (values.target === undefined) return undefined;
  return {
    url: values.target,
    endpoint: values.endpoint ?? "chat",
    model: values.model,
    apiKeyEnv: values["api-key-env"],
    headers: values.header ?? {},
    extraBody: values["extra-body"] ?? {},
    timeoutNs: Math.round((values.timeout ?? TIMEOUT_S) * NS_PER_SECOND),
    tlsInsecure: values.insecure ?? false,
    forceOutput: values["force-output"] ?? false,
    caFile: values.ca,
  };
}

/** A preset's clauses, then those of one's own. */
function resolveSlo({ command, values, given, whereIs, report }: Resolving): readonly string[] {
  const texts = [...(values["slo-preset"] ?? []), ...(values.slo ?? [])];
  if (command === "find" && !given.has("slo") && !given.has("slo-preset")) {
    report({
      where: "--slo",
      message: "it is missing: find searches the highest rate that meets it",
      hint: 'say what is promised, such as --slo "ttft p99 <= 200ms", or --slo-preset chatbot',
    });
  }
  const reading = readOrProblem(() => parseSlo(texts).map((clause) => clause.text));
  if ("value" in reading) return reading.value;
  report({ ...reading, where: whereIs(values.slo === undefined ? "slo-preset" : "slo") });
  return texts;
}

/** A clause may be about one class of traffic: it must be there. */
function checkClasses(
  { whereIs, report }: Resolving,
  { slo, names }: { slo: readonly string[]; names: readonly string[] },
): void {
  for (const text of slo) {
    const [, className] = /^([^:]+):/.exec(text) ?? [];
    if (className === undefined || names.includes(className)) continue;
    report({
      where: whereIs("slo"),
      message: `"${text}" is about the class "${className}", which the plan does not have`,
      hint: `its classes are ${names.join(", ")}`,
    });
  }
}

const FLEET_ONLY = ["fleet", "min-agents", "report-listen", "report-advertise"] as const;

function resolvePlacement({ values, given, whereIs, report }: Resolving): Placement {
  if (!given.has("nats") && !given.has("identity")) {
    for (const name of FLEET_ONLY.filter((each) => given.has(each))) {
      report({
        where: whereIs(name),
        message: "it is for a fleet, and the plan uses local agents",
        hint: "add --nats URL or --identity DIR, or leave it out",
      });
    }
    return { kind: "local", agents: values.agents };
  }
  if (given.has("agents")) {
    report({
      where: whereIs("agents"),
      message: "it is for local agents, and the plan uses a fleet (--nats or --identity)",
      hint: "say --min-agents instead, or leave one of them out",
    });
  }
  return {
    kind: "fleet",
    natsUrl: values.nats,
    identityDir: values.identity,
    fleet: values.fleet,
    minAgents: values["min-agents"] ?? 1,
    reportListen: values["report-listen"],
    reportAdvertise: values["report-advertise"],
  };
}

function resolveMaxInFlight({ values, whereIs, report }: Resolving, load: Plan["load"]): number {
  const asked = values["max-in-flight"];
  const streams = load.kind === "run" ? streamsOf(load) : undefined;
  if (streams === undefined) return asked ?? defaultInFlight(load);
  if (asked === undefined || asked >= streams) return asked ?? streams;
  report({
    where: whereIs("max-in-flight"),
    message: `it allows ${asked} requests at once, and the plan asks for ${streams} streams`,
    hint: "raise it, or leave it out",
  });
  return asked;
}

/** By its flag, or by a number of streams. */
function isInFlightAsked({ given }: Resolving, load: Plan["load"]): boolean {
  return given.has("max-in-flight") || (load.kind === "run" && streamsOf(load) !== undefined);
}

/** The most streams a closed profile holds; undefined for an open one. */
function streamsOf({ profile }: RunLoad): number | undefined {
  switch (profile.kind) {
    case "rates":
      return undefined;
    case "concurrency":
      return Math.max(...profile.streams);
    case "synchronous":
      return 1;
    case "throughput":
      return profile.streams;
  }
}

function defaultInFlight(load: Plan["load"]): number {
  const rate = highestRate(load);
  if (rate === undefined) return IN_FLIGHT_DEFAULT_MAX;
  return Math.min(IN_FLIGHT_DEFAULT_MAX, Math.max(1, Math.ceil(IN_FLIGHT_S * rate)));
}

/** Requests/s; undefined where it is not known before. */
function highestRate(load: Plan["load"]): number | undefined {
  switch (load.kind) {
    case "find":
      return load.rateMaxPerSecond;
    case "run":
      return peakRate(load);
    case "sweep":
      return undefined;
  }
}

function peakRate({ profile }: RunLoad): number | undefined {
  if (profile.kind !== "rates") return undefined;
  const { arrivals, ratesPerSecond } = profile;
  return arrivals.kind === "ramp"
    ? Math.max(arrivals.fromRatePerSecond, arrivals.toRatePerSecond)
    : Math.max(...ratesPerSecond);
}
