import type { RecordedRequest } from "../rescore/levels.ts";
import { type WindowBounds, WindowRecount } from "../rescore/recount.ts";
import { parseClause } from "../../shared/slo/grammar.ts";
import type { ClauseCount } from "../../shared/measurement/interval.ts";
import type { Slo } from "../../shared/slo/slo.ts";

/** What the requests of one stage of a ramp came to. Run clock, ns. */
export interface StageCount {
  readonly fromNs: number;
  readonly untilNs: number;
  readonly requests: number;
  /** Within every limit. */
  readonly within: number;
}

/** Requests within every limit at once; the part that it asks for judges nothing here. */
const WITHIN_ALL = parseClause("goodput >= 50%");

/** Counts the requests of a ramp in stages of equal length, each by the instant that it was intended at. */
export class StageTally {
  readonly #slo: Slo;
  readonly #stages: readonly {
    readonly fromNs: number;
    readonly untilNs: number;
    readonly recount: WindowRecount;
  }[];

  constructor(slo: Slo, bounds: WindowBounds, stageCount: number) {
    this.#slo = slo;
    const { segment, untilNs } = bounds;
    const cutNs = (place: number): number =>
      Math.round(segment.recordFromNs + ((untilNs - segment.recordFromNs) * place) / stageCount);
    this.#stages = Array.from({ length: stageCount }, (_, place) => {
      const stage = { fromNs: cutNs(place), untilNs: cutNs(place + 1) };
      const of = {
        ...bounds,
        segment: { ...segment, recordFromNs: stage.fromNs },
        untilNs: stage.untilNs,
      };
      return { ...stage, recount: new WindowRecount(of, [...slo, WITHIN_ALL]) };
    });
  }

  add(request: RecordedRequest): void {
    for (const { recount } of this.#stages) recount.add(request);
  }

  counted(): { readonly stages: readonly StageCount[]; readonly clauses: readonly ClauseCount[] } {
    const counted = this.#stages.map(({ fromNs, untilNs, recount }) => {
      const { clauses } = recount.observed();
      const all = clauses[this.#slo.length];
      const requests = all?.total ?? 0;
      const within = requests - (all?.over[0] ?? 0);
      return { stage: { fromNs, untilNs, requests, within }, clauses };
    });
    return {
      stages: counted.map(({ stage }) => stage),
      clauses: this.#slo.map((_, position) =>
        sumOf(counted.flatMap(({ clauses }) => clauses[position] ?? [])),
      ),
    };
  }
}

/** Of one clause, over all stages. */
function sumOf(counts: readonly ClauseCount[]): ClauseCount {
  return counts.reduce<ClauseCount>(
    (sum, { total, over }) => ({
      total: sum.total + total,
      over: over.map((each, level) => each + (sum.over[level] ?? 0)),
    }),
    { total: 0, over: [] },
  );
}
