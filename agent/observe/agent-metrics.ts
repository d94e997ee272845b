import { addCounters, type Counters, zeroCounters } from "../../shared/measurement/counters.ts";
import { Histogram } from "../../shared/measurement/histogram.ts";
import { counterFamilies, samplesOf } from "../../shared/metrics/counter-families.ts";
import { type MetricFamily, single } from "../../shared/metrics/exposition.ts";
import { NS_PER_SECOND, NS_PER_US } from "../../shared/units.ts";
import type { AgentNews } from "../news.ts";
import type { SealedInterval } from "../reporting/reporter.ts";

const STATES = ["starting", "registered", "prepared", "firing", "draining"] as const;

/** Codes that are counted apart; a coordinator that invents more must not make the page grow. */
const REFUSAL_CODES_MAX = 64;
const OTHER = "other";

/** What an agent's `/metrics` shows: counters over the process's life, gauges of its last interval. */
export class AgentMetrics {
  readonly #identity: Readonly<Record<string, string>>;
  #state: (typeof STATES)[number] = "starting";
  #isConnected = false;
  #isLeaving = false;
  #cleanRatePerSecond = Number.NaN;
  #segment = 0;
  #runs = 0;
  readonly #segments = { started: 0, missed: 0 };
  readonly #refusals = new Map<string, number>();
  /** Of runs that are over. */
  #before: Counters = zeroCounters();
  #lostBefore = 0;
  #last: SealedInterval | undefined;

  /** @param identity labels of `loadline_agent_info`. */
  constructor(identity: Readonly<Record<string, string>>) {
    this.#identity = identity;
  }

  take(news: AgentNews): void {
    if ("runId" in news) {
      this.#takeOfRun(news);
      return;
    }
    switch (news.kind) {
      case "connected":
      case "disconnected":
        this.#isConnected = news.kind === "connected";
        break;
      case "joined":
        this.#state = "registered";
        this.#cleanRatePerSecond = news.cleanRatePerSecond;
        break;
      case "leaving":
        this.#isLeaving = true;
        break;
      case "refused":
        this.#countRefusal(news.refusal.code);
        break;
      case "waiting":
      case "fault":
    }
  }

  families(): readonly MetricFamily[] {
    const gauge = (name: string, help: string, value: number): MetricFamily =>
      single(`loadline_agent_${name}`, "gauge", { help, value });
    const counter = (name: string, help: string, value: number): MetricFamily =>
      single(`loadline_agent_${name}_total`, "counter", { help, value });
    return [
      {
        name: "loadline_agent_info",
        help: "Who this is; always 1.",
        type: "gauge",
        samples: [{ labels: this.#identity, value: 1 }],
      },
      gauge("connected", "Whether the message engine is connected.", Number(this.#isConnected)),
      gauge("leaving", "Whether it was told to drain.", Number(this.#isLeaving)),
      {
        name: "loadline_agent_state",
        help: "1 for the state that the agent is in.",
        type: "gauge",
        samples: samplesOf(
          "state",
          Object.fromEntries(STATES.map((state) => [state, Number(state === this.#state)])),
        ),
      },
      gauge(
        "clean_rate_per_second",
        "Requests/s that it carries by its calibration.",
        this.#cleanRatePerSecond,
      ),
      gauge("segment", "The segment that it fires; 0 when none.", this.#segment),
      counter("runs", "Runs that it was prepared for.", this.#runs),
      counter("segments_started", "Segments that it started.", this.#segments.started),
      counter("segments_missed", "Segments whose lease had not come.", this.#segments.missed),
      {
        name: "loadline_agent_refusals_total",
        help: "Commands that it refused, by code.",
        type: "counter",
        samples: samplesOf("code", Object.fromEntries(this.#refusals)),
      },
      ...counterFamilies(
        "loadline_agent",
        addCounters(this.#before, this.#last?.totals ?? zeroCounters()),
      ),
      gauge("requests_in_flight", "Requests that are open.", this.#last?.open ?? 0),
      counter(
        "reports_lost",
        "Reports that no longer fitted the spool.",
        this.#lostBefore + (this.#last?.health.reportsLost ?? 0),
      ),
      ...(this.#last === undefined ? [] : lastInterval(this.#last)),
    ];
  }

  #takeOfRun(news: Extract<AgentNews, { readonly runId: string }>): void {
    switch (news.kind) {
      case "prepared":
        this.#endRun();
        this.#state = "prepared";
        this.#runs += 1;
        break;
      case "segment":
        this.#segments[news.started ? "started" : "missed"] += 1;
        if (!news.started) break;
        this.#state = "firing";
        this.#segment = news.segment;
        break;
      case "sealed":
        this.#last = news.sealed;
        break;
      case "stopped":
        this.#state = "draining";
        this.#segment = 0;
        break;
      case "released":
      case "abandoned":
        this.#endRun();
        this.#state = "registered";
    }
  }

  #endRun(): void {
    this.#segment = 0;
    if (this.#last === undefined) return;
    this.#before = addCounters(this.#before, this.#last.totals);
    this.#lostBefore += this.#last.health.reportsLost;
    this.#last = undefined;
  }

  #countRefusal(code: string): void {
    const isFull = this.#refusals.size >= REFUSAL_CODES_MAX && !this.#refusals.has(code);
    const counted = isFull ? OTHER : code;
    this.#refusals.set(counted, (this.#refusals.get(counted) ?? 0) + 1);
  }
}

/** Only while a run holds the agent: what was a minute ago is no gauge. */
function lastInterval({ health, deltas }: SealedInterval): readonly MetricFamily[] {
  const gauge = (name: string, help: string, value: number): MetricFamily =>
    single(`loadline_agent_${name}`, "gauge", { help: `${help}, of the last interval.`, value });
  return [
    gauge("sockets_open", "Sockets to the target", health.socketsOpen),
    gauge("reports_spooled", "Reports that wait for an acknowledgement", health.spooledReports),
    gauge("event_loop_utilisation", "Busy part of the event loop", health.eventLoopUtilisation),
    gauge(
      "event_loop_delay_p99_seconds",
      "Event-loop delay p99",
      p99Seconds(health.eventLoopDelay),
    ),
    gauge("send_delay_p99_seconds", "Send delay p99", p99Seconds(sendDelayOf(deltas))),
    gauge("gc_pause_seconds", "Time in garbage collection", health.gcPauseSeconds),
    gauge("throttled_seconds", "Time the cgroup was throttled", health.throttledNs / NS_PER_SECOND),
  ];
}

function sendDelayOf(deltas: SealedInterval["deltas"]): Histogram {
  const sum = new Histogram(NS_PER_US);
  for (const { classes } of deltas)
    for (const metrics of classes.values()) {
      const histogram = metrics.get("send_delay");
      if (histogram !== undefined) sum.add(histogram);
    }
  return sum;
}

function p99Seconds(histogram: Histogram): number {
  return histogram.isEmpty ? Number.NaN : histogram.quantile(0.99) / NS_PER_SECOND;
}
