import type { FieldName } from "./fields.ts";
import type { ArrivalTemplate, FindLoad, Plan, RunLoad, RunProfile, SweepLoad } from "./plan.ts";
import type { Resolving } from "./resolving.ts";

const DURATION_S = 30;
const SWEEP_POINTS = 10;
const PRECISION = 0.1;
const CONFIDENCE = 0.95;
const TIME_BUDGET_S = 300;
/** Streams of `--profile throughput` and `--rate inf` when --max-in-flight does not say: enough to fill any batch. */
const THROUGHPUT_STREAMS = 512;

/** Undefined when the plan does not say what to do, or says it wrongly; that was reported then. */
export function resolveLoad(resolving: Resolving): Plan["load"] | undefined {
  switch (resolving.command) {
    case "find":
      return resolveFind(resolving);
    case "run":
      return resolveRun(resolving);
    case "sweep":
      return resolveSweep(resolving);
  }
}

function resolveSweep(resolving: Resolving): SweepLoad {
  const { values } = resolving;
  return {
    kind: "sweep",
    points: values.points ?? SWEEP_POINTS,
    durationS: values.duration ?? DURATION_S,
    warmupS: values.warmup ?? 0,
    streams: values["max-in-flight"] ?? THROUGHPUT_STREAMS,
    arrivals: ownRates(resolving, "a sweep"),
  };
}

function resolveFind(resolving: Resolving): FindLoad {
  const { values } = resolving;
  return {
    kind: "find",
    ...rateBounds(resolving),
    precisionFraction: values.precision ?? PRECISION,
    confidence: values.confidence ?? CONFIDENCE,
    timeBudgetS: values["time-budget"] ?? TIME_BUDGET_S,
    ...searchMethod(resolving),
    rateGatePerSecond: values["min-rate-gate"],
    arrivals: ownRates(resolving, "a search"),
  };
}

function rateBounds({
  values,
  whereIs,
  report,
}: Resolving): Pick<FindLoad, "rateMinPerSecond" | "rateMaxPerSecond"> {
  const rateMin = values["min-rate"];
  const rateMax = values["max-rate"];
  if (rateMin !== undefined && rateMax !== undefined && rateMin > rateMax) {
    report({
      where: whereIs("min-rate"),
      message: `the search is to start at ${rateMin} and never to ask for more than ${rateMax} requests/s`,
      hint: "lower --min-rate, or raise --max-rate",
    });
  }
  return { rateMinPerSecond: rateMin, rateMaxPerSecond: rateMax };
}

function searchMethod({
  values,
  whereIs,
  report,
}: Resolving): Pick<FindLoad, "method" | "quick" | "confirm"> {
  const method = values.method ?? "tail";
  const quick = values.quick ?? false;
  if (quick && method !== "tail") {
    report({
      where: whereIs("quick"),
      message: "only the tail search has a first answer",
      hint: "leave --quick out, or --method bisect",
    });
  }
  return { method, quick, confirm: values.confirm ?? false };
}

/** The arrival process of whoever chooses the rates. */
function ownRates({ values, whereIs, report }: Resolving, who: string): ArrivalTemplate {
  const arrivals = values.arrivals ?? { kind: "poisson" };
  if (arrivals.kind === "ramp") {
    report({
      where: whereIs("arrivals"),
      message: `${who} chooses its own rates, and a ramp brings its own`,
      hint: "write poisson, constant or gamma:CV",
    });
  }
  return arrivals;
}

function resolveRun(resolving: Resolving): RunLoad | undefined {
  const { values, given, whereIs, report } = resolving;
  if (given.has("requests") && given.has("duration")) {
    report({
      where: whereIs("requests"),
      message: "a window ends after a number of requests or after a duration, not after both",
      hint: "leave one of them out",
    });
  }
  const profile = resolveProfile(resolving);
  if (profile === undefined) return undefined;
  const { requests } = values;
  return {
    kind: "run",
    profile,
    until:
      requests === undefined
        ? { kind: "duration", durationS: values.duration ?? DURATION_S }
        : { kind: "requests", requests },
    warmupS: values.warmup ?? 0,
    cooldownS: values.cooldown ?? 0,
  };
}

const PROFILE_FIELDS = ["rate", "concurrency", "profile"] as const;

function resolveProfile(resolving: Resolving): RunProfile | undefined {
  const { values, given, whereIs, report } = resolving;
  const [named, ...more] = PROFILE_FIELDS.filter((name) => given.has(name));
  for (const other of more) {
    report({
      where: whereIs(other),
      message: `the load is named twice, by --${named ?? ""} and by --${other}`,
      hint: "leave one of them out",
    });
  }
  if (values.arrivals?.kind === "ramp") return resolveRamp(resolving, values.arrivals, named);
  if (named === undefined) {
    report({
      where: "--rate",
      message: "the plan does not say what load to send",
      hint: "give --rate, --concurrency, --profile or --arrivals ramp:FROM:TO",
    });
    return undefined;
  }
  return named === "rate" ? ratesProfile(resolving) : closedProfile(resolving, named);
}

function closedProfile(
  resolving: Resolving,
  named: "concurrency" | "profile",
): RunProfile | undefined {
  const { concurrency, profile } = resolving.values;
  noArrivals(resolving, named);
  if (named === "profile") return profile && namedProfile(resolving, profile);
  return concurrency && { kind: "concurrency", streams: concurrency };
}

/** A ramp has its own rates, and needs its length to know how steep it is. */
function resolveRamp(
  { given, whereIs, report }: Resolving,
  ramp: Extract<ArrivalTemplate, { kind: "ramp" }>,
  named: FieldName | undefined,
): RunProfile {
  if (named !== undefined) {
    report({
      where: whereIs(named),
      message: "a ramp brings its own rates",
      hint: `leave --${named} out, or choose other --arrivals`,
    });
  }
  if (given.has("requests")) {
    report({
      where: whereIs("requests"),
      message: "a ramp rises over a duration, not over a number of requests",
      hint: "give --duration instead",
    });
  }
  const mean = (ramp.fromRatePerSecond + ramp.toRatePerSecond) / 2;
  return { kind: "rates", ratesPerSecond: [mean], arrivals: ramp };
}

function ratesProfile(resolving: Resolving): RunProfile | undefined {
  const { values } = resolving;
  const rates = values.rate;
  if (rates === undefined) return undefined;
  if (rates.includes(Infinity)) {
    if (rates.length > 1) {
      resolving.report({
        where: resolving.whereIs("rate"),
        message: "inf stands beside other rates",
        hint: "write inf alone: its load is a closed loop, not a rate",
      });
    }
    noArrivals(resolving, "rate");
    return namedProfile(resolving, "throughput");
  }
  return {
    kind: "rates",
    ratesPerSecond: rates,
    arrivals: values.arrivals ?? { kind: "poisson" },
  };
}

function namedProfile({ values }: Resolving, name: "synchronous" | "throughput"): RunProfile {
  return name === "synchronous"
    ? { kind: name }
    : { kind: name, streams: values["max-in-flight"] ?? THROUGHPUT_STREAMS };
}

function noArrivals({ given, whereIs, report }: Resolving, named: FieldName): void {
  if (!given.has("arrivals")) return;
  report({
    where: whereIs("arrivals"),
    message: `with --${named} the next request waits for an answer: there is no arrival process`,
    hint: "leave it out",
  });
}
