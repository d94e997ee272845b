import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { Slo, Verdict } from "../../shared/slo/slo.ts";
import { limitIndex, thresholdTable } from "../../shared/slo/thresholds.ts";
import { judgeWindow } from "../search/one-rate-verdict.ts";
import type { WindowObserved } from "../search/procedure.ts";
import type { ProbeClauseView, ProbeView, Result } from "../show/result.ts";
import { estimateRescored, type RescoredEstimate } from "./estimate.ts";
import { type RecordedRequest } from "./levels.ts";
import { type WindowBounds, WindowRecount } from "./recount.ts";

/** What a run's records say of another SLO, as `--json` prints it, schema "loadline/rescore@1": plain JSON. */
export interface Rescored {
  readonly schema: "loadline/rescore@1";
  readonly loadline: string;
  readonly run: { readonly source: string; readonly name: string; readonly model: string };
  /** Canonical texts: of the run, and those it is judged by here. */
  readonly sloBefore: readonly string[];
  readonly slo: readonly string[];
  readonly maxRateBefore: {
    readonly requestsPerSecond: number;
    readonly low: number;
    readonly high: number | null;
  } | null;
  readonly probes: readonly RescoredProbe[];
  readonly estimate: RescoredEstimate;
  /** 4 where the generator made the run's numbers: another SLO makes them no truer. */
  readonly exitCode: ExitCode;
  readonly warnings: readonly string[];
}

/** One recorded window under the other SLO. */
export interface RescoredProbe {
  readonly segment: number;
  readonly purpose: string;
  readonly mode: ProbeView["mode"];
  readonly requestsPerSecond: number | null;
  readonly streams: number | null;
  readonly verdict: Verdict;
  readonly verdictBefore: Verdict | null;
  readonly reason: string;
  /** The generator spoiled it: no verdict counts. */
  readonly isVoid: boolean;
  readonly clauses: readonly Omit<ProbeClauseView, "verdict">[];
  /** Requests that were fired, and have no record. */
  readonly missingRecords: number;
}

export interface RescoreOptions {
  readonly loadline: string;
  readonly source: string;
  readonly result: Result;
  readonly slo: Slo;
  /** Of every segment that was armed. */
  readonly bounds: readonly WindowBounds[];
  readonly confidence: number;
}

/**
 * Judges the windows of a run by another SLO. Records are added one by one, in any order.
 *
 * @throws LoadError LL_RESCORE_CLAUSE for a clause that records do not tell of.
 */
export class Rescore {
  readonly #options: RescoreOptions;
  readonly #recounts: ReadonlyMap<number, WindowRecount>;

  constructor(options: RescoreOptions) {
    requireTold(
      options.slo,
      options.result.workload.classes.map(({ name }) => name),
    );
    this.#options = options;
    this.#recounts = new Map(
      options.bounds.map((bounds) => [
        bounds.segment.number,
        new WindowRecount(bounds, options.slo),
      ]),
    );
  }

  add(request: RecordedRequest): void {
    this.#recounts.get(request.segment)?.add(request);
  }

  finish(): Rescored {
    const { result, slo, source, loadline, confidence, bounds } = this.#options;
    const voids = new Set(
      result.probes
        .filter(({ validity }) => validity.verdict === "invalid")
        .map(({ segment }) => segment),
    );
    for (const probe of result.probes)
      this.#recounts.get(probe.segment)?.addDropped(probe.countsByOutcome.dropped_in_flight_bound);
    const shown = new Set(result.probes.map(({ segment }) => segment));
    const windows = bounds
      .filter(({ segment, request }) => shown.has(segment.number) || request.mode.kind === "serial")
      .filter(({ segment }) => !voids.has(segment.number))
      .flatMap(({ segment }) => this.#recounts.get(segment.number)?.observed() ?? []);
    const probes = result.probes.flatMap((probe) => this.#probe(probe));
    const missing = probes.reduce((sum, probe) => sum + probe.missingRecords, 0);
    return {
      schema: "loadline/rescore@1",
      loadline,
      run: { source, name: result.name, model: result.target.model },
      sloBefore: result.slo.map(({ text }) => text),
      slo: slo.map(({ text }) => text),
      maxRateBefore:
        result.maxRate === null
          ? null
          : {
              requestsPerSecond: result.maxRate.requestsPerSecond,
              low: result.maxRate.low,
              high: result.maxRate.high,
            },
      probes,
      estimate: estimateRescored(windows, { slo, confidence, saturation: result.saturation }),
      exitCode: result.validity.verdict === "invalid" ? ExitCode.MeasurementInvalid : ExitCode.Done,
      warnings: warningsOf(result, missing),
    };
  }

  #probe(probe: ProbeView): readonly RescoredProbe[] {
    const { slo } = this.#options;
    const recount = this.#recounts.get(probe.segment);
    if (recount === undefined) return [];
    const observed = recount.observed();
    const thresholds = thresholdTable(slo);
    const { verdict, reason } = judgeWindow(
      slo,
      thresholds.map((each) => each.thresholds),
      observed,
    );
    return [
      {
        segment: probe.segment,
        purpose: probe.purpose,
        mode: probe.mode,
        requestsPerSecond: probe.requestsPerSecond,
        streams: probe.streams,
        verdict,
        verdictBefore: probe.verdict,
        reason,
        isVoid: probe.validity.verdict === "invalid",
        clauses: slo.map((clause, position) =>
          clauseView(clause.text, observed, { position, limit: limitIndex(metricOf(clause)) }),
        ),
        missingRecords: Math.max(0, probe.countsByOutcome.fired - recount.records),
      },
    ];
  }
}

function warningsOf({ validity }: Result, missingRecords: number): readonly string[] {
  const invalid = validity.verdict === "valid" ? [] : validity.reasons;
  return [
    ...invalid.map((reason) => `the run is ${validity.verdict}: ${reason}`),
    ...(missingRecords === 0
      ? []
      : [
          `${missingRecords} requests that were sent have no record: they count as if they had not been sent`,
        ]),
  ];
}

function metricOf(clause: Slo[number]): Parameters<typeof limitIndex>[0] {
  return { metric: clause.kind === "quantile" ? clause.metric : clause.kind };
}

function clauseView(
  text: string,
  { clauses }: WindowObserved,
  at: { readonly position: number; readonly limit: number },
): RescoredProbe["clauses"][number] {
  const { total = 0, over = [] } = clauses[at.position] ?? {};
  const overCount = over[at.limit] ?? 0;
  return { text, overCount, total, overFraction: total === 0 ? null : overCount / total };
}

/** @param names of the traffic classes. @throws LoadError LL_RESCORE_CLAUSE for a clause that records do not tell of. */
export function requireTold(slo: Slo, names: readonly string[]): void {
  for (const clause of slo) {
    if (clause.kind === "quantile" && clause.metric === "gap") {
      throw unknown(
        clause.text,
        "a record keeps a request's mean and largest gap, not each of them",
        "limit itl or max_gap instead, or measure again with the clause",
      );
    }
    if (clause.className !== undefined && !names.includes(clause.className)) {
      throw unknown(
        clause.text,
        `the run has no traffic class ${clause.className}`,
        `its classes are ${names.join(", ")}`,
      );
    }
  }
}

function unknown(text: string, what: string, hint: string): LoadError {
  return new LoadError(`the run is to be judged by "${text}", and ${what}`, {
    code: "LL_RESCORE_CLAUSE",
    hint,
    exitCode: ExitCode.PlanInvalid,
  });
}
