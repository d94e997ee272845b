import { counterFamilies } from "../../shared/metrics/counter-families.ts";
import { type MetricFamily, single } from "../../shared/metrics/exposition.ts";
import { zeroCounters } from "../../shared/measurement/counters.ts";
import { MS_PER_SECOND } from "../../shared/units.ts";
import type { RunMerge } from "../merge/run-merge.ts";
import type { RunEvent } from "../run/run-contract.ts";
import type { LiveView } from "../show/progress.ts";

/** What a coordinator's `/metrics` shows of its run: counters over the run, gauges of the newest interval. */
export class RunMetrics {
  readonly #identity: Readonly<Record<string, string>>;
  #agents = 0;
  #agentsLost = 0;
  #segment = 0;
  #live: LiveView | undefined;
  #merge: RunMerge | undefined;
  readonly #windows = new Map<string, number>();

  /** @param identity labels of `loadline_run_info`. */
  constructor(identity: Readonly<Record<string, string>>) {
    this.#identity = identity;
  }

  take(event: RunEvent): void {
    switch (event.kind) {
      case "agents":
        this.#agents = event.agentIds.length;
        break;
      case "segment":
        this.#segment = event.segment.number;
        break;
      case "observed":
        this.#live = event.live;
        this.#merge = event.merge;
        break;
      case "judged": {
        const { validity, verdict } = event.probe;
        const key = `${verdict ?? "none"}/${validity.verdict}`;
        this.#windows.set(key, (this.#windows.get(key) ?? 0) + 1);
        break;
      }
      case "agent-lost":
        this.#agentsLost += 1;
    }
  }

  families(): readonly MetricFamily[] {
    const { totals, open } = this.#merge?.totals() ?? { totals: zeroCounters(), open: 0 };
    return [
      {
        name: "loadline_run_info",
        help: "Which run this is; always 1.",
        type: "gauge",
        samples: [{ labels: this.#identity, value: 1 }],
      },
      gauge("agents", "Agents that the run began with.", this.#agents),
      counter("agents_lost", "Agents that were lost.", this.#agentsLost),
      gauge("segment", "The newest segment; 0 before the first.", this.#segment),
      {
        name: "loadline_run_windows_total",
        help: "Windows that were judged, by verdict and validity.",
        type: "counter",
        samples: [...this.#windows].map(([key, value]) => {
          const [verdict = "", validity = ""] = key.split("/");
          return { labels: { verdict, validity }, value };
        }),
      },
      counter("reports", "Reports that were taken.", this.#merge?.reportsTaken ?? 0),
      ...counterFamilies("loadline_run", totals),
      gauge("requests_in_flight", "Requests that are open.", open),
      ...(this.#live === undefined ? [] : liveFamilies(this.#live)),
    ];
  }
}

function liveFamilies(live: LiveView): readonly MetricFamily[] {
  const optional = (name: string, help: string, value: number | null): readonly MetricFamily[] =>
    value === null ? [] : [gauge(name, help, value)];
  const seconds = (valueMs: number | null): number | null =>
    valueMs === null ? null : valueMs / MS_PER_SECOND;
  return [
    ...optional("planned_requests_per_second", "The segment's rate.", live.requestsPerSecond),
    ...optional("ttft_p50_seconds", "The segment's TTFT p50 so far.", seconds(live.ttftP50Ms)),
    ...optional("ttft_p99_seconds", "The segment's TTFT p99 so far.", seconds(live.ttftP99Ms)),
  ];
}

function gauge(name: string, help: string, value: number): MetricFamily {
  return single(`loadline_run_${name}`, "gauge", { help, value });
}

function counter(name: string, help: string, value: number): MetricFamily {
  return single(`loadline_run_${name}_total`, "counter", { help, value });
}
