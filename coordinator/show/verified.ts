import type { Verified } from "../calibrate/verified.ts";
import { COMPARISON_WORDS } from "./comparison.ts";
import { type Document, numbers, type TableBlock, words } from "./document.ts";
import type { Fact } from "./facts.ts";
import { chosen, count, NOTHING, percent, plural, rate, seconds } from "./format.ts";

/** What a fleet with its autoscaler on did in a ramp, as a document. */
export function verifiedDocument(verified: Verified): Document {
  return {
    command: "calibrate verify",
    name: verified.model,
    headline: verifiedHeadline(verified),
    blocks: [
      { kind: "warning", lines: verified.warnings },
      stageTable(verified),
      clauseTable(verified),
      { kind: "facts", facts: factsOf(verified) },
    ],
  };
}

/** "99.7 % within the SLO on 2.4 replicas on average, where 2.2 were planned: PASS." */
function verifiedHeadline({ attainment, averageReplicas, promised, verdict }: Verified): string {
  const replicas = averageReplicas === null ? "an unknown number of" : chosen(averageReplicas);
  return `${percent(attainment)} within the SLO on ${replicas} replicas on average, where ${chosen(promised.averageReplicas)} were planned: ${COMPARISON_WORDS[verdict]}.`;
}

function stageTable({ stages }: Verified): TableBlock {
  return {
    kind: "table",
    title: "The ramp, stage by stage",
    columns: [
      numbers("from"),
      numbers("requests/s"),
      numbers("requests"),
      numbers("within the SLO"),
      numbers("replicas asked for"),
      numbers("replicas"),
    ],
    rows: stages.map((stage) => ({
      cells: [
        seconds(stage.fromS),
        rate(stage.requestsPerSecond),
        count(stage.requests),
        stage.attainment === null ? NOTHING : percent(stage.attainment),
        chosen(stage.neededReplicas),
        stage.averageReplicas === null ? NOTHING : chosen(stage.averageReplicas),
      ],
    })),
    note: "Within the SLO: every limit at once. Replicas are means over the stage; asked for are those that keep each at its planned rate, but for the tenth within which an autoscaler does nothing.",
  };
}

function clauseTable({ clauses }: Verified): TableBlock {
  return {
    kind: "table",
    title: "The SLO over the whole ramp",
    columns: [words("clause"), numbers("over"), numbers("allowed"), words("verdict")],
    rows: clauses.map(({ text, overCount, total, overFraction, limitFraction, verdict }) => ({
      cells: [
        text,
        `${count(overCount)} of ${count(total)}${overFraction === null ? "" : ` (${percent(overFraction)})`}`,
        percent(limitFraction),
        COMPARISON_WORDS[verdict],
      ],
      mark: verdict,
    })),
  };
}

function factsOf(verified: Verified): readonly Fact[] {
  const { promised, ramp, shortages, reasons, replicaHours, score } = verified;
  const longest = shortages.toSorted((a, b) => b.lagS - a.lagS)[0];
  return [
    ...reasons.map((text) => ({ about: "because", text })),
    {
      about: "ramp",
      text: `${rate(ramp.fromPerSecond)} to ${rate(ramp.toPerSecond)} requests/s in ${seconds(ramp.durationS)}`,
    },
    {
      about: "calibrated",
      text: `${promised.signal} ${chosen(promised.target)}, ${rate(promised.plannedPerSecond)} requests/s a replica, replicas within ${seconds(promised.delayS)}: ${verified.calibrated}`,
    },
    {
      about: "lag",
      text:
        longest === undefined
          ? "there were never fewer replicas than the load asked for"
          : `${plural(shortages.length, "shortage")}, the longest ${seconds(longest.lagS)} long${longest.untilS === null ? " and not over at the end" : ""}`,
    },
    ...(replicaHours === null || score === null
      ? []
      : [
          {
            about: "score",
            text: `${rate(replicaHours)} replica-hours; attainment × average replicas ${chosen(score)}`,
          },
        ]),
    { about: "run folder", text: verified.directory },
  ];
}
