import { memoryText } from "../size/memory.ts";
import type { Constraint } from "../size/replicas.ts";
import { PRICE_FACTORS, type Sizing, type StepView } from "../size/sizing.ts";
import { type Document, numbers, type TableBlock, words } from "./document.ts";
import type { Fact } from "./facts.ts";
import { chosen, count, NOTHING, percent, plural, rate, seconds } from "./format.ts";
import { money } from "./money.ts";

/** Steps of a forecast in the text; a longer one shows those that take most. */
const STEPS_SHOWN_MAX = 24;

/** A sizing as a document. */
export function sizingDocument(sizing: Sizing): Document {
  return {
    command: "size",
    name: sizing.run.name,
    headline: sizingHeadline(sizing),
    blocks: [
      { kind: "warning", lines: sizing.warnings },
      constraintTable(sizing),
      forecastTable(sizing),
      costTable(sizing),
      whatIfTable(sizing),
      kvTable(sizing),
      { kind: "facts", facts: factsOf(sizing) },
    ],
  };
}

function sizingHeadline({ peak, redundancy, run, plannedPart, cost }: Sizing): string {
  const planned = rate(run.low * plannedPart);
  const at = peak.time === null ? "" : ` (at ${peak.time})`;
  const price =
    cost === null ? "" : `; ${cost.currency}${money(cost.atPeak.pricePerHour)} an hour at the peak`;
  return (
    `${rate(peak.requestsPerSecond)} requests/s${at} take ${plural(peak.replicas, "replica")}: ` +
    `${count(peak.neededReplicas)} of ${planned} requests/s each carry it${reserve(peak, redundancy)}${price}.`
  );
}

function reserve({ replicas, neededReplicas }: StepView, redundancy: Sizing["redundancy"]): string {
  const more = replicas - neededReplicas;
  if (more === 0) return ", and none is left for a loss";
  return redundancy.kind === "spare"
    ? `, ${count(more)} more for the loss of ${plural(redundancy.replicas, "replica")}`
    : `, ${count(more)} more so that the rest carries it when one of ${count(redundancy.zones)} zones is lost`;
}

const KIND_WORDS: Readonly<Record<Constraint["kind"], string>> = {
  requestsPerSecond: "requests/s",
  promptTokensPerSecond: "prompt tokens/s",
  outputTokensPerSecond: "output tokens/s",
};

function constraintTable({ peak, plannedPart }: Sizing): TableBlock {
  return {
    kind: "table",
    title: "What the peak takes",
    columns: [
      words("constraint"),
      numbers("needed"),
      numbers("a replica carries"),
      numbers("planned"),
      numbers("replicas"),
      words(""),
    ],
    rows: peak.constraints.map(({ kind, needed, perReplica, replicas }) => ({
      cells: [
        KIND_WORDS[kind],
        rate(needed),
        rate(perReplica),
        rate(perReplica * plannedPart),
        count(replicas),
        kind === peak.boundBy ? "binds" : "",
      ],
    })),
    note: "A replica carries the low end of the measured interval, and its tokens/s at the measured lengths.",
  };
}

function forecastTable({ forecast }: Sizing): TableBlock {
  const steps = forecast?.steps ?? [];
  const shown =
    steps.length <= STEPS_SHOWN_MAX
      ? steps
      : [...steps].sort((a, b) => b.replicas - a.replicas).slice(0, STEPS_SHOWN_MAX);
  const rest = steps.length - shown.length;
  return {
    kind: "table",
    title: "Replicas over the forecast",
    columns: [
      words("time"),
      numbers("requests/s"),
      numbers("needed"),
      numbers("replicas"),
      words("bound by"),
    ],
    rows: shown.map((step) => ({
      cells: [
        step.time ?? "",
        rate(step.requestsPerSecond),
        count(step.neededReplicas),
        count(step.replicas),
        KIND_WORDS[step.boundBy],
      ],
    })),
    ...(rest === 0
      ? {}
      : { note: `${plural(rest, "step")} that take fewer are left out; --json has them.` }),
  };
}

function costTable({ cost, run, peak }: Sizing): TableBlock {
  const currency = cost?.currency ?? "$";
  return {
    kind: "table",
    title: "Cost",
    columns: [
      words(""),
      numbers("requests/s"),
      numbers("replicas"),
      numbers(`${currency}/h`),
      numbers(`${currency}/M output`),
      numbers(`${currency}/M input`),
      numbers(`${currency}/1,000 requests`),
    ],
    rows:
      cost === null
        ? []
        : [
            ["at the SLO", run.requestsPerSecond, 1, cost.pricePerHour, cost.atSlo] as const,
            [
              "at the peak",
              peak.requestsPerSecond,
              peak.replicas,
              cost.atPeak.pricePerHour,
              cost.atPeak,
            ] as const,
          ].map(([about, ratePerSecond, replicas, pricePerHour, each]) => ({
            cells: [
              about,
              rate(ratePerSecond),
              count(replicas),
              money(pricePerHour),
              money(each.perMillionOutputTokens),
              money(each.perMillionInputTokens),
              money(each.perThousandRequests),
            ],
          })),
    note: "At the SLO: one replica at its maximum rate. The whole price is laid on output tokens, on input tokens and on requests in turn, not shared.",
  };
}

function whatIfTable({ whatIf, cost }: Sizing): TableBlock {
  const currency = cost?.currency ?? "$";
  const priced = cost !== null;
  return {
    kind: "table",
    title: "What if",
    columns: [
      numbers("headroom"),
      numbers("replicas"),
      numbers("used at the peak"),
      ...(priced
        ? PRICE_FACTORS.map((factor) =>
            numbers(
              factor === 1
                ? `${currency}/h`
                : `${currency}/h at ${money(cost.pricePerHour * factor)}`,
            ),
          )
        : []),
      words(""),
    ],
    rows: whatIf.map((each) => ({
      cells: [
        percent(1 - each.plannedPart),
        count(each.replicas),
        percent(each.utilisation),
        ...(priced ? each.pricesPerHour.map(money) : []),
        each.isPlanned ? "planned" : "",
      ],
    })),
    note: "Headroom: what of a replica's maximum rate is kept free. Used: the peak as a part of what all replicas carry.",
  };
}

function kvTable({ kv }: Sizing): TableBlock {
  const measured = kv?.measured;
  return {
    kind: "table",
    title: "KV cache of a replica",
    columns: [
      numbers("a token"),
      numbers("memory left"),
      numbers("tokens a request"),
      numbers("requests that fit"),
      numbers("measured in flight"),
      words("at"),
    ],
    rows:
      kv === null
        ? []
        : [
            {
              cells: [
                memoryText(kv.bytesPerToken),
                memoryText(kv.memoryBytes),
                kv.contextTokens === null ? NOTHING : count(kv.contextTokens),
                kv.requests === null ? NOTHING : count(kv.requests),
                measured == null ? NOTHING : chosen(measured.inFlightMean),
                measured == null
                  ? ""
                  : `${rate(measured.requestsPerSecond)} requests/s, near the ${measured.at}`,
              ],
            },
          ],
    ...(kv === null ? {} : { note: `A token: ${kv.formula}. ${kvSentence(kv)}` }),
  };
}

/** The cache binds where fewer requests fit than were in flight; a server then queues or preempts. */
function kvSentence({ requests, measured, contextFrom, notes }: NonNullable<Sizing["kv"]>): string {
  const context =
    contextFrom === "asked"
      ? "Tokens a request: as asked for."
      : "Tokens a request: the measured mean prompt and output, held to the end.";
  if (requests === null || measured === null) return [context, ...notes].join(" ");
  const part = measured.inFlightMean / Math.max(1, requests);
  const verdict =
    part > 0.9
      ? "The cache is full or nearly so there: it is what binds."
      : `In flight takes ${percent(part)} of the cache there: something else binds.`;
  return [context, verdict, ...notes].join(" ");
}

function factsOf({ run, plannedWhy, forecast, cost }: Sizing): readonly Fact[] {
  const facts: (Fact | undefined)[] = [
    { about: "run", text: `${run.model}, ${run.source}` },
    {
      about: "measured",
      text: `${rate(run.requestsPerSecond)} requests/s, at least ${rate(run.low)} (${percent(run.confidence)}), taken for one replica`,
    },
    run.outputTokensPerRequest === null
      ? undefined
      : {
          about: "lengths",
          text: `${rate(run.inputTokensPerRequest ?? 0)} prompt and ${rate(run.outputTokensPerRequest)} output tokens a request`,
        },
    { about: "headroom", text: plannedWhy },
    forecast === null
      ? undefined
      : {
          about: "forecast",
          text: `${plural(forecast.steps.length, "step")} of ${seconds(forecast.stepS)}: ${rate(forecast.replicaHours)} replica-hours if it is followed, ${rate(forecast.replicaHoursAtPeak)} at the peak's number throughout`,
        },
    cost?.forecast == null
      ? undefined
      : {
          about: "its cost",
          text: `${cost.currency}${money(cost.forecast.following)} followed, ${cost.currency}${money(cost.forecast.atPeak)} at the peak's number throughout`,
        },
  ];
  return facts.filter((fact) => fact !== undefined);
}
