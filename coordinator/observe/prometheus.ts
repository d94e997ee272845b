import { z } from "zod";
import { NS_PER_SECOND } from "../../shared/units.ts";
import type { Clock } from "../../shared/time/clock.ts";
import type { ServerObserver } from "../server/entry.ts";
import { entriesOfRange, type RangeSeries } from "../server/range.ts";
import { serverMetricNames } from "../server/reading.ts";
import { replicasOf, lookUp } from "./replicas.ts";
import { getBody, type ScrapeFailed, type ScrapeTls } from "./http-get.ts";

export interface PrometheusOptions {
  /** Base URL of the server; `/api/v1/query` is below it. */
  readonly url: string;
  /** Label matchers that pin the target, such as `namespace="prod",model_name="m"`; empty: all that it knows. */
  readonly match: string;
  readonly clock: Clock;
  /** ms since the epoch. */
  readonly wallMs: () => number;
  readonly tls: ScrapeTls;
}

/** Before the run: the scrape that a window's beginning lies behind. After it: clocks that differ. */
const MARGIN_S = 60;
const TIMEOUT_NS = 30 * NS_PER_SECOND;
const BODY_BYTES_MAX = 64 << 20;

const answer = z.object({
  status: z.literal("success"),
  data: z.object({
    resultType: z.literal("matrix"),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        values: z.array(z.tuple([z.number(), z.string()])),
      }),
    ),
  }),
});

/** Asks a Prometheus server, when the load is over, what it scraped of the target meanwhile. */
export function prometheusObserver(options: PrometheusOptions): ServerObserver {
  return new PrometheusObserver(options);
}

class PrometheusObserver implements ServerObserver {
  readonly #options: PrometheusOptions;
  #started:
    | (Parameters<ServerObserver["start"]>[0] & { readonly wallMs: number; readonly atNs: number })
    | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: PrometheusOptions) {
    this.#options = options;
  }

  start(options: Parameters<ServerObserver["start"]>[0]): void {
    this.#started = { ...options, wallMs: this.#options.wallMs(), atNs: options.nowNs() };
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#ask();
    return this.#stopped;
  }

  async #ask(): Promise<void> {
    const started = this.#started;
    if (started === undefined) return;
    const { wallMs, atNs, onEntry, nowNs } = started;
    const found = await this.#seriesSince(wallMs);
    if ("why" in found) {
      const { why, text } = found;
      onEntry({ kind: "failed", atNs: nowNs(), replica: this.#options.url, why, text });
      return;
    }
    const toRunNs = (epochS: number): number => atNs + (epochS - wallMs / 1_000) * NS_PER_SECOND;
    for (const entry of entriesOfRange(found, toRunNs)) onEntry(entry);
  }

  async #seriesSince(wallMs: number): Promise<readonly RangeSeries[] | ScrapeFailed> {
    const endS = this.#options.wallMs() / 1_000 + MARGIN_S;
    const rangeS = Math.ceil(endS - wallMs / 1_000 + MARGIN_S);
    const url = new URL(this.#options.url);
    url.pathname = `${url.pathname.replace(/\/$/, "")}/api/v1/query`;
    url.searchParams.set("query", `${selectorOf(this.#options.match)}[${rangeS}s]`);
    url.searchParams.set("time", endS.toFixed(3));
    const body = await this.#get(url);
    return typeof body === "string" ? seriesOf(body) : body;
  }

  async #get(url: URL): Promise<string | ScrapeFailed> {
    const { clock, tls } = this.#options;
    const [replica] = await replicasOf(url.href, lookUp).catch(() => []);
    if (replica === undefined) return { why: "name", text: "its name has no address" };
    return getBody(replica, {
      clock,
      tls,
      accept: "application/json",
      refusedTypes: /html|xml|plain/i,
      timeoutNs: TIMEOUT_NS,
      bytesMax: BODY_BYTES_MAX,
    });
  }
}

/** Every metric that some engine's figures are read from, of the series that the matchers leave. */
export function selectorOf(match: string): string {
  const names = `__name__=~"${serverMetricNames().join("|")}"`;
  return `{${[names, ...(match === "" ? [] : [match])].join(",")}}`;
}

function seriesOf(body: string): readonly RangeSeries[] | ScrapeFailed {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { why: "no-metrics", text: "its answer is no JSON" };
  }
  const parsed = answer.safeParse(json);
  if (!parsed.success)
    return { why: "no-metrics", text: "its answer is not that of a Prometheus server" };
  const { result } = parsed.data.data;
  if (result.length > 0) return result;
  return { why: "no-engine", text: "it has scraped no metrics of an engine in that time" };
}
