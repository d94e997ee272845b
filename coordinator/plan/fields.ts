import { z } from "zod";
import { normaliseTargetUrl } from "../../shared/control/target-url.ts";
import { parseClause } from "../../shared/slo/grammar.ts";
import { presetSlo, SLO_PRESETS } from "../../shared/slo/presets.ts";
import { type EmpiricalFile, parseLengths } from "../../shared/workload/lengths.ts";
import type { Lengths } from "../../shared/workload/workload.ts";
import { readArrivals } from "./arrival-text.ts";
import {
  choiceField,
  listField,
  patternField,
  readOrProblem,
  settle,
  switchField,
  textField,
} from "./field.ts";
import { readHttpUrl, readMetricsUrl } from "./metrics-url.ts";
import { NOT_YET_FIELDS } from "./not-yet.ts";
import { readExtraBody, readHeader } from "./request-text.ts";
import { readDurationS, readFraction, readList, readRate, readWhole } from "./quantities.ts";

const WEEK_S = 7 * 24 * 3_600;
const HOUR_S = 3_600;
const COUNT_MAX = 1_000_000_000;
const STREAMS_MAX = 1_000_000;
const SERVER_METRICS_MAX = 64;

const duration = (
  description: string,
  [min, max]: readonly [number, number],
): z.ZodType<number, string | number> =>
  textField(description, (text) => readDurationS(text, { min, max }));
const whole = (
  description: string,
  [min, max]: readonly [number, number],
): z.ZodType<number, string | number> =>
  textField(description, (text) => readWhole(text, { min, max }));
const fraction = (
  description: string,
  [min, max]: readonly [number, number],
): z.ZodType<number, string | number> =>
  textField(description, (text) => readFraction(text, { min, max }));
const lengths = (description: string): z.ZodType<Lengths | EmpiricalFile, string | number> =>
  textField(description, (text) => readOrProblem(() => parseLengths(text)));

/** Each clause on its own, so that each problem stands where its clause stands. */
const slo = z
  .union([z.string(), z.array(z.string()).min(1)])
  .transform((value, context) => {
    const texts = Array.isArray(value) ? value : [value];
    return texts.map((text, index) => {
      const reading = readOrProblem(() => parseClause(text).text);
      return settle(reading, context, Array.isArray(value) ? [index] : []);
    });
  })
  .meta({ description: 'what is promised, such as "ttft p99 <= 200ms"; one or a list' });

const header = z
  .union([z.string(), z.array(z.string()), z.record(z.string(), z.string())])
  .transform((value, context) => {
    const entries =
      typeof value === "string"
        ? [readHeader(value)]
        : Array.isArray(value)
          ? value.map(readHeader)
          : Object.entries(value).map(([name, text]) => readHeader(`${name}: ${text}`));
    return Object.fromEntries(entries.map((reading) => settle(reading, context)));
  })
  .meta({ description: 'request headers, as "Name: value", a list of them, or a map' });

const extraBody = z
  .union([z.string(), z.record(z.string(), z.json())])
  .transform((value, context) => settle(readExtraBody(value), context))
  .meta({ description: "fields merged into each request's body, as a map or JSON text" });

const serverMetrics = z
  .union([z.string(), z.array(z.string()).min(1).max(SERVER_METRICS_MAX)])
  .transform((value, context) => {
    const texts = Array.isArray(value) ? value : [value];
    return texts.map((text, index) =>
      settle(readMetricsUrl(text), context, Array.isArray(value) ? [index] : []),
    );
  })
  .meta({
    description:
      "the target's Prometheus endpoints, scraped each second while the run goes on; one URL or a list",
  });

const targetUrl = (description: string): z.ZodType<string, string> =>
  z
    .string()
    .transform((text, context) =>
      settle(
        readOrProblem(() => normaliseTargetUrl(text)),
        context,
      ),
    )
    .meta({ description });

const hostPort = {
  pattern: /^(\[[0-9a-f:.]+\]|[\w.-]+):\d{1,5}$/i,
  hint: "write HOST:PORT, such as 10.0.0.7:7400",
};

const trafficClass = z.strictObject({
  name: patternField("of the class; SLO clauses may start with it", {
    pattern: /^\w[\w.-]*$/,
    hint: "letters, digits, _, - and . make a class's name",
  }),
  weight: textField("its part of the arrivals, beside the other classes' weights", (text) => {
    const value = /^\d+(\.\d+)?\s*%?$/.test(text) ? Number.parseFloat(text) : NaN;
    if (value > 0 && value <= 1e6) return { value };
    return { message: `"${text}" is no weight`, hint: "write a number above 0, such as 80%" };
  }),
  "prompt-tokens": lengths("prompt tokens of a request of this class").optional(),
  "output-tokens": lengths("output tokens of a request of this class").optional(),
});

/** Everything a plan can say, by the name of its flag. */
export const COMMON_FIELDS = {
  name: patternField("ends the name of the run folder", {
    pattern: /^[A-Za-z0-9][\w.-]{0,63}$/,
    hint: "up to 64 letters, digits, _, - and .",
  }),
  target: targetUrl("base URL of the endpoint; /v1 is added when missing"),
  endpoint: choiceField(
    "kind of endpoint",
    ["chat", "completions"],
    ["responses", "messages", "generate", "http"],
  ),
  model: patternField("asked from /v1/models when there is one model", {
    pattern: /^.{1,512}$/,
    hint: "write the model's name as the server knows it",
  }),
  "api-key-env": patternField("variable that holds the key, on the agent", {
    pattern: /^[A-Za-z_]\w*$/,
    hint: "write the name of an environment variable; the key itself stays out of plans",
    secret: true,
  }),
  slo,
  "slo-preset": textField("a well-known SLO: chatbot, rag, mlperf-…", (text) =>
    readOrProblem(() => presetSlo(text).map((clause) => clause.text)),
  ).meta({ description: "a well-known SLO", enum: SLO_PRESETS.map((preset) => preset.name) }),
  arrivals: textField("poisson, constant, gamma:CV or ramp:FROM:TO", readArrivals),
  "prompt-tokens": lengths(
    "128, uniform:64:256, normal:512:128, lognormal:512:0.8, empirical:FILE",
  ),
  "output-tokens": lengths("the same for outputs"),
  classes: z.array(trafficClass).min(1).max(64).meta({
    description:
      "kinds of requests with their own lengths; instead of prompt-tokens and output-tokens",
  }),
  seed: whole("everything random", [0, Number.MAX_SAFE_INTEGER]),
  agents: whole("local agent processes, one core each", [1, 1_024]),
  nats: patternField("NATS server of a fleet, instead of local agents", {
    pattern: /^(nats|tls):\/\/[^\s@,]+(,(nats|tls):\/\/[^\s@,]+)*$/i,
    hint: "write nats://HOST:PORT or tls://HOST:PORT, or several with commas; its token is read from LOADLINE_TOKEN",
    secret: true,
  }),
  identity: patternField("folder of the coordinator's keys, made by fleet init", {
    pattern: /^.{1,1024}$/,
    hint: "write a path",
  }),
  fleet: patternField("the fleet's name", {
    pattern: /^[\w-]{1,64}$/,
    hint: "up to 64 letters, digits, _ and -",
  }),
  "min-agents": whole("how many agents of the fleet must be there", [1, 100_000]),
  "on-agent-loss": choiceField("what a lost agent does to the run", ["continue", "fail"]),
  "report-listen": patternField("where reports are taken in", hostPort),
  "report-advertise": patternField("what agents are told of it", hostPort),
  out: patternField("run folder", { pattern: /^.{1,1024}$/, hint: "write a path" }),
  header,
  timeout: duration("gives a request up", [0.001, HOUR_S]),
  "max-in-flight": whole("an arrival over it is dropped and counted", [1, STREAMS_MAX]),
  "beyond-clean-rate": switchField("go on although the agents do not carry the plan"),
  "extra-body": extraBody,
  http: choiceField("version of HTTP", ["1.1"], ["2"]),
  ca: patternField("certificate authorities to trust, a PEM file", {
    pattern: /^.{1,1024}$/,
    hint: "write a path",
  }),
  insecure: switchField("do not verify the target's certificate"),
  "force-output": switchField("ask for exactly the drawn output length"),
  "wait-ready": duration("wait until the target answers", [0.001, WEEK_S]),
  "server-metrics": serverMetrics,
  prometheus: textField(
    "a Prometheus server that scrapes the target; asked after the run",
    readHttpUrl,
  ),
  "prometheus-match": patternField("label matchers that pin the target there", {
    pattern: /^[a-zA-Z_]\w*(=|!=|=~|!~)"([^"\\]|\\.)*"(,[a-zA-Z_]\w*(=|!=|=~|!~)"([^"\\]|\\.)*")*$/,
    hint: 'write label matchers, such as namespace="prod",model_name="llama"',
  }),
  records: switchField("keep a record of each request"),
  json: switchField("the result on standard output, nothing else there"),
  "dry-run": switchField("print the resolved plan, shares and schedule hash; fire nothing"),
} as const;

export const FIND_FIELDS = {
  "min-rate": textField("start the search here, requests/s", readRate),
  "max-rate": textField("never ask for more, requests/s", readRate),
  "min-rate-gate": textField("exit 99 when the rate shown to pass is below it", readRate),
  precision: fraction("half-width of the interval that ends the search", [0.005, 0.5]),
  confidence: fraction("of the interval", [0.5, 0.999]),
  "time-budget": duration("every duration of the search scales with it", [10, 24 * HOUR_S]),
  method: choiceField("how the rate is searched", ["tail", "bisect"]),
  quick: switchField("stop at the first answer, from ramp and saturation alone"),
  confirm: switchField("judge the low end by a window of its own before answering"),
} as const;

/** What every list of windows can say. */
const WINDOW_FIELDS = {
  duration: duration("of each recorded window", [0.1, WEEK_S]),
  warmup: duration("the same load before the window", [0, WEEK_S]),
} as const;

export const SWEEP_FIELDS = {
  ...WINDOW_FIELDS,
  points: whole("rates between floor and ceiling", [1, 1_000]),
} as const;

export const RUN_FIELDS = {
  ...WINDOW_FIELDS,
  rate: listField("requests/s: 20, a list 1,4,8, or inf", (text) =>
    text.trim() === "inf" ? { value: [Infinity] } : readList(text, readRate),
  ),
  concurrency: listField("closed loop: 1,2,4,8", (text) =>
    readList(text, (part) => readWhole(part, { min: 1, max: STREAMS_MAX })),
  ),
  profile: choiceField("synchronous or throughput", ["synchronous", "throughput"]),
  requests: whole("requests of each recorded window, instead of a duration", [1, COUNT_MAX]),
  cooldown: duration("the same load after the window", [0, WEEK_S]),
  against: targetUrl("a second endpoint: windows alternate between both, to compare them"),
  pairs: whole("windows of each endpoint at each load, with against; even", [4, 1_000]),
} as const;

export const FIELDS = {
  ...COMMON_FIELDS,
  ...FIND_FIELDS,
  ...RUN_FIELDS,
  ...SWEEP_FIELDS,
  ...NOT_YET_FIELDS,
} as const;
export type FieldName = keyof typeof FIELDS;

/** What was read of a plan: every field that is there and right. */
export type Values = {
  readonly [Name in FieldName]?: z.output<(typeof FIELDS)[Name]>;
};

export const FIELD_NAMES = Object.keys(FIELDS) as readonly FieldName[];

export function isFieldName(name: string): name is FieldName {
  return Object.hasOwn(FIELDS, name);
}
