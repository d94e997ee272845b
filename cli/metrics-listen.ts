import { ExitCode, LoadError } from "../shared/errors.ts";
import { type MetricFamily, renderMetrics } from "../shared/metrics/exposition.ts";
import { type MetricsServer, startMetricsServer } from "../shared/platform/metrics-server.ts";
import { processFamilies } from "../shared/platform/process-metrics.ts";

export const METRICS_LISTEN_FLAG = "--metrics-listen";
const LOOPBACK = "127.0.0.1";
const PORT_MAX = 65_535;
const SHAPE = /^(?:(?<host>\[[0-9a-f:.]+\]|[\w.-]+):)?(?<port>\d{1,5})$/i;

export interface MetricsAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** What `--metrics-listen HOST:PORT` says; a port alone is one of the loopback. @throws LoadError LL_FLAG_INVALID. */
export function metricsAddressOf(text: string): MetricsAddress {
  const { host = LOOPBACK, port = "" } = SHAPE.exec(text)?.groups ?? {};
  if (port !== "" && Number(port) <= PORT_MAX)
    return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
  throw new LoadError(`${METRICS_LISTEN_FLAG} is ${text}, and must be HOST:PORT or a port`, {
    code: "LL_FLAG_INVALID",
    hint: "9464 is http://127.0.0.1:9464/metrics, and 0.0.0.0:9464 is that port of every address",
    exitCode: ExitCode.PlanInvalid,
  });
}

/** The address of one of several agents that were given one flag: each has the next port. */
export function metricsFlagOf(text: string, place: number): string {
  const { host, port } = metricsAddressOf(text);
  return `${host.includes(":") ? `[${host}]` : host}:${port === 0 ? 0 : port + place}`;
}

/** Serves this process's metrics; undefined where nobody asked. @throws LoadError LL_METRICS_LISTEN. */
export async function serveMetrics(
  address: MetricsAddress | undefined,
  families: () => readonly MetricFamily[],
): Promise<MetricsServer | undefined> {
  if (address === undefined) return undefined;
  return await startMetricsServer({
    ...address,
    page: () => renderMetrics([...families(), ...processFamilies()]),
  });
}
