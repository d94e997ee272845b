import type { Arrivals } from "../../shared/arrivals/arrivals.ts";
import type { Target } from "../../shared/control/control.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Workload } from "../../shared/workload/workload.ts";

/** The target as a plan can know it: the model may still have to be asked, a CA is a file still to be read. */
export type PlanTarget = Omit<Target, "model" | "caPem"> & {
  readonly model: string | undefined;
  readonly caFile: string | undefined;
};

/** Who sends: child processes of the command line, or agents that wait on a NATS server. */
export type Placement =
  /** `agents` undefined: as many as the machine has cores, less one. */
  | { readonly kind: "local"; readonly agents: number | undefined }
  | {
      readonly kind: "fleet";
      /** One or more, with commas; undefined: those of the identity. */
      readonly natsUrl: string | undefined;
      /** Folder of the coordinator's keys; undefined: a token is enough. */
      readonly identityDir: string | undefined;
      /** Undefined: that of the identity. */
      readonly fleet: string | undefined;
      readonly minAgents: number;
      /** "host:port" the report server binds, and the one agents are told; undefined: chosen by the link. */
      readonly reportListen: string | undefined;
      readonly reportAdvertise: string | undefined;
    };

/** An arrival process before its rate is known; see `arrivalsAt`. */
export type ArrivalTemplate =
  | { readonly kind: "poisson" }
  | { readonly kind: "constant" }
  | { readonly kind: "gamma"; readonly coefficientOfVariation: number }
  | {
      readonly kind: "ramp";
      readonly fromRatePerSecond: number;
      readonly toRatePerSecond: number;
    };

/** What `find` is asked for. Rates are requests/s of the whole fleet. */
export interface FindLoad {
  readonly kind: "find";
  readonly rateMinPerSecond: number | undefined;
  readonly rateMaxPerSecond: number | undefined;
  /** Half-width of the interval that ends the search, as a fraction of the rate. */
  readonly precisionFraction: number;
  readonly confidence: number;
  readonly timeBudgetS: number;
  readonly method: "tail" | "bisect";
  /** Stop at the first answer, from ramp and saturation alone. */
  readonly quick: boolean;
  /** Judge the low end by a window of its own before answering. */
  readonly confirm: boolean;
  /** Exit 99 when the rate shown to pass is below it. */
  readonly rateGatePerSecond: number | undefined;
  readonly arrivals: ArrivalTemplate;
}

export type RunProfile =
  /** One window a rate, in this order. A ramp has one, whose rate is its mean. */
  | {
      readonly kind: "rates";
      readonly ratesPerSecond: readonly number[];
      readonly arrivals: ArrivalTemplate;
    }
  /** One window a number of streams, in this order. */
  | { readonly kind: "concurrency"; readonly streams: readonly number[] }
  /** One agent, one request at a time. */
  | { readonly kind: "synchronous" }
  /** As many streams as the in-flight bound allows (`--profile throughput`, `--rate inf`). */
  | { readonly kind: "throughput"; readonly streams: number };

/** What `run` is asked for. */
export interface RunLoad {
  readonly kind: "run";
  readonly profile: RunProfile;
  /** What ends each recorded window. */
  readonly until:
    | { readonly kind: "duration"; readonly durationS: number }
    | { readonly kind: "requests"; readonly requests: number };
  /** The same load before the recorded window, s. */
  readonly warmupS: number;
  /** The same load after the recorded window, s. */
  readonly cooldownS: number;
}

/** What `sweep` is asked for: floor, ceiling, and the rates between them. */
export interface SweepLoad {
  readonly kind: "sweep";
  /** Rates between floor and ceiling. */
  readonly points: number;
  /** Of each recorded window, s. */
  readonly durationS: number;
  /** The same load before each window, s. */
  readonly warmupS: number;
  /** Streams of the window that finds the ceiling. */
  readonly streams: number;
  readonly arrivals: ArrivalTemplate;
}

/** Everything a run needs to know, resolved: plain JSON data, what `plan.json` holds and `--dry-run` prints. */
export interface Plan {
  readonly command: "find" | "run" | "sweep";
  /** Ends the name of the run folder; letters, digits, `.`, `_`, `-`. */
  readonly name: string;
  readonly target: PlanTarget;
  /** The other endpoint of a run whose windows alternate between two; left out where there is none. */
  readonly against?: {
    /** Base URL with `/v1`. */
    readonly url: string;
    /** Windows of each endpoint, at each load; even. */
    readonly pairs: number;
  };
  readonly workload: Workload;
  /** Canonical texts of the clauses, as `parseSlo` reads them; never empty for `find`. */
  readonly slo: readonly string[];
  readonly seed: number;
  readonly placement: Placement;
  readonly load: FindLoad | RunLoad | SweepLoad;
  /** Of the whole fleet; an arrival above it is dropped and counted. */
  readonly maxInFlight: number;
  /** It was said, rather than chosen here: agents that cannot hold it refuse. */
  readonly maxInFlightAsked: boolean;
  /** Go on where the agents' self-calibration says that they do not carry it. */
  readonly beyondCleanRate: boolean;
  /** What a lost agent does to the run: the others go on, or it ends with what was measured. */
  readonly onAgentLoss: "continue" | "fail";
  /** How long to wait until the target answers, s; undefined: not at all. */
  readonly waitReadyS: number | undefined;
  readonly records: boolean;
  /** The target's Prometheus endpoints, scraped while the run goes on; left out where they are not. */
  readonly serverMetricsUrls?: readonly string[];
  /** Instead: a Prometheus server that scrapes them, asked when the load is over. Left out without one. */
  readonly prometheus?: {
    readonly url: string;
    /** Label matchers that pin the target; empty: all that it scrapes. */
    readonly match: string;
  };
  /** An autoscaler changes the number of replicas meanwhile (`calibrate verify`); left out where none is to. */
  readonly isAutoscaled?: true;
  /** The run folder; undefined: `runs/<time>-<name>`. */
  readonly outDir: string | undefined;
  readonly json: boolean;
  readonly dryRun: boolean;
}

/** The arrival process at a rate. A ramp brings its own rates, over `durationS`. */
export function arrivalsAt(
  template: ArrivalTemplate,
  options: { ratePerSecond: number; durationS: number },
): Arrivals {
  const { ratePerSecond } = options;
  switch (template.kind) {
    case "poisson":
    case "constant":
      return { kind: template.kind, ratePerSecond };
    case "gamma":
      return {
        kind: "gamma",
        ratePerSecond,
        coefficientOfVariation: template.coefficientOfVariation,
      };
    case "ramp":
      return {
        kind: "ramp",
        fromRatePerSecond: template.fromRatePerSecond,
        toRatePerSecond: template.toRatePerSecond,
        durationNs: options.durationS * NS_PER_SECOND,
      };
  }
}

/** The arrival process of a plan's open segments. */
export function arrivalTemplateOf({ load }: Pick<Plan, "load">): ArrivalTemplate {
  if (load.kind !== "run") return load.arrivals;
  return load.profile.kind === "rates" ? load.profile.arrivals : { kind: "poisson" };
}

/** The target as agents are told it, once the model was asked and the CA read. */
export function resolveTarget(
  target: PlanTarget,
  resolved: { model: string; caPem: string | undefined },
): Target {
  return {
    url: target.url,
    endpoint: target.endpoint,
    model: resolved.model,
    apiKeyEnv: target.apiKeyEnv,
    headers: target.headers,
    extraBody: target.extraBody,
    timeoutNs: target.timeoutNs,
    caPem: resolved.caPem,
    tlsInsecure: target.tlsInsecure,
    forceOutput: target.forceOutput,
  };
}
