import { ENGINES as ADAPTERS, type EngineAdapter, type EngineName } from "../server/engines.ts";

/** Engines whose own metrics an autoscaler can read: those that are scraped during a run. */
export const ENGINES: readonly Engine[] = ADAPTERS.map(({ engine }) => engine);
export type Engine = EngineName;

/** Names of Prometheus metrics; undefined where the engine has none. */
export interface EngineMetrics {
  readonly waiting: string;
  readonly running: string;
  readonly kvUse: string | undefined;
  /** Label that holds the model's name. */
  readonly modelLabel: string | undefined;
  /** Histograms of the metrics that an SLO may be about, in s, without `_bucket`. */
  readonly histograms: Readonly<Partial<Record<string, string>>>;
}

/** TGI serves one model and names it nowhere. */
const WITHOUT_MODEL: ReadonlySet<Engine> = new Set(["tgi"]);
const MODEL_LABEL = "model_name";

/** As the newest version of each engine names them. */
export const ENGINE_METRICS = Object.fromEntries(
  ADAPTERS.map((adapter): [string, EngineMetrics] => [adapter.engine, metricsOf(adapter)]),
) as Readonly<Record<Engine, EngineMetrics>>;

function metricsOf({ engine, waiting, running, kvUse, ttft, e2e }: EngineAdapter): EngineMetrics {
  return {
    waiting: waiting.names[0],
    running: running.names[0],
    kvUse: kvUse?.names[0],
    modelLabel: WITHOUT_MODEL.has(engine) ? undefined : MODEL_LABEL,
    histograms: {
      ...(ttft === undefined ? {} : { ttft: ttft.names[0] }),
      ...(e2e === undefined ? {} : { e2e: e2e.names[0] }),
    },
  };
}

export function isEngine(name: string): name is Engine {
  return ENGINES.some((engine) => engine === name);
}
