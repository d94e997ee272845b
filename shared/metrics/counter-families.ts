import type { Counters } from "../measurement/counters.ts";
import type { MetricFamily } from "./exposition.ts";

/** Where arrivals and requests went, as the two sums of the conservation law (measurement/counters.ts). */
export function counterFamilies(prefix: string, counters: Counters): readonly MetricFamily[] {
  const httpErrors = [...counters.httpErrors.values()].reduce((sum, count) => sum + count, 0);
  return [
    {
      name: `${prefix}_arrivals_total`,
      help: "Scheduled arrivals, by what became of them.",
      type: "counter",
      samples: samplesOf("fate", {
        fired: counters.fired,
        dropped_in_flight_bound: counters.droppedInFlightBound,
        dropped_socket: counters.droppedSocket,
        dropped_policy: counters.droppedPolicy,
        not_offered_superseded: counters.notOfferedSuperseded,
        not_offered_aborted: counters.notOfferedAborted,
      }),
    },
    {
      name: `${prefix}_requests_total`,
      help: "Requests that ended, by their outcome.",
      type: "counter",
      samples: samplesOf("outcome", {
        ok: counters.ok,
        http_error: httpErrors,
        connect_error: counters.connectErrors,
        stream_error: counters.streamErrors,
        timeout: counters.timeouts,
        censored: counters.censored,
      }),
    },
  ];
}

/** One sample for each value of one label. */
export function samplesOf(
  label: string,
  values: Readonly<Record<string, number>>,
): MetricFamily["samples"] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}
