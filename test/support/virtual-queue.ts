import type { ClauseCount, Exceedance } from "../../shared/measurement/interval.ts";
import type {
  Decision,
  JudgedSegment,
  Observation,
  Procedure,
  SecondObserved,
  SegmentRequest,
  Step,
} from "../../coordinator/search/procedure.ts";
import type { Clause, Slo } from "../../shared/slo/slo.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { Draws, type VirtualRequest, type VirtualServer } from "./virtual-server.ts";

/** Drives a procedure over a server in virtual time, and shows it what a fleet would: whole intervals, late. */
export interface VirtualRunOptions<State> {
  readonly procedure: Procedure<State>;
  readonly server: VirtualServer;
  readonly slo: Slo;
  readonly thresholds: readonly (readonly number[])[];
  readonly seed: number;
  /** From the end of an interval until it is merged from every agent, s. */
  readonly sealDelayS?: number;
  /** From the wish for a segment until it starts, s; until then the load goes on. */
  readonly armS?: number;
  /** Whether a request fails at once, without reaching the server. */
  readonly failing?: (request: VirtualRequest, ratePerSecond: number) => boolean;
  readonly validity?: (request: SegmentRequest) => Observation["validity"];
  /** Exceedances listed for a window; the rest is only counted. */
  readonly exceedancesMax?: number;
  readonly elapsedMaxS?: number;
}

export interface VirtualRun<State> {
  readonly decision: Decision;
  /** When the last decision fell, s. */
  readonly elapsedS: number;
  readonly segments: readonly {
    readonly number: number;
    readonly startS: number;
    readonly request: SegmentRequest;
  }[];
  readonly judged: readonly JudgedSegment[];
  readonly steps: readonly Step<State>[];
  readonly sent: number;
}

/** Runs the procedure to its end. Its state goes through JSON between every two steps, as in the run log. */
export function runInVirtualTime<State>(options: VirtualRunOptions<State>): VirtualRun<State> {
  const { procedure, sealDelayS = 1.5, armS = 1.2, elapsedMaxS = 20_000 } = options;
  const load = new Load(options);
  const steps: Step<State>[] = [];
  const segments: { number: number; startS: number; request: SegmentRequest }[] = [];
  const deliveries: Observation[] = [];
  let switchTo: { atS: number; request: SegmentRequest } | undefined;

  const begin = (atS: number, request: SegmentRequest): void => {
    segments.push({ number: segments.length + 1, startS: atS, request });
    load.begin(segments.length, atS, request);
    switchTo = undefined;
  };
  /** Goes on with the load to the next cut. */
  const cut = (atS: number): void => {
    if (atS > elapsedMaxS) throw new Error(`no decision within ${elapsedMaxS} s`);
    deliveries.push(load.cut(atS));
    if (switchTo?.atS === atS) begin(atS, switchTo.request);
  };
  /** Asks the procedure; whether it goes on. */
  const take = (step: Step<State>, nowS: number): boolean => {
    steps.push(step);
    if (step.decision.kind === "go-on") return true;
    if (step.decision.kind !== "next") return false;
    if (switchTo !== undefined) throw new Error("a second segment was asked for too early");
    switchTo = { atS: nowS + armS, request: step.decision.request };
    return true;
  };

  let nowS = -armS;
  let goesOn = take(procedure.begin(), nowS);
  if (switchTo !== undefined) begin(0, switchTo.request);
  while (goesOn) {
    const cutS = Math.min(load.nextCutS(), switchTo?.atS ?? Infinity);
    const next = deliveries[0];
    if (next === undefined || cutS <= next.elapsedS + sealDelayS) {
      cut(cutS);
      continue;
    }
    deliveries.shift();
    nowS = next.elapsedS + sealDelayS;
    const state = JSON.parse(JSON.stringify(steps.at(-1)!.state)) as State;
    goesOn = take(procedure.advance(state, next), nowS);
  }
  return {
    decision: steps.at(-1)!.decision,
    elapsedS: nowS,
    segments,
    judged: steps.flatMap(({ judged }) => (judged === undefined ? [] : [judged])),
    steps,
    sent: load.sent,
  };
}

/** How long load goes on after a window that is not a measurement, s. */
const HOLD_S = 20;

/** A recorded request and how far each clause has got with it. */
interface Tracked {
  readonly request: VirtualRequest;
  /** Thresholds crossed so far, by clause. */
  readonly crossed: number[];
  readonly listed: boolean[];
}

type LoadOptions = Omit<VirtualRunOptions<unknown>, "procedure">;

/** The load generator and its measurement: everything a fleet does, without the fleet. */
class Load {
  readonly #options: LoadOptions;
  readonly #draws: Draws;
  #number = 0;
  #request: SegmentRequest | undefined;
  #startS = 0;
  #lastCutS = 0;
  #nextArrivalS = 0;
  #scheduledInSegment = 0;
  #seconds: SecondObserved[] = [];
  #openRequests: { request: VirtualRequest; sawFirst: boolean }[] = [];
  #tracked: Tracked[] = [];
  #recorded: VirtualRequest[] = [];
  #counts: { total: number; over: number[] }[] = [];
  #exceedances: { request: VirtualRequest; clause: number; level: number }[] = [];
  #sentInInterval = 0;
  sent = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#draws = new Draws(options.seed, 777);
  }

  begin(number: number, atS: number, request: SegmentRequest): void {
    this.#number = number;
    this.#request = request;
    this.#startS = atS;
    this.#lastCutS = atS;
    this.#scheduledInSegment = 0;
    this.#seconds = [];
    this.#tracked = [];
    this.#recorded = [];
    this.#exceedances = [];
    this.#counts = this.#options.thresholds.map((thresholds) => ({
      total: 0,
      over: new Array<number>(Math.max(1, thresholds.length)).fill(0),
    }));
    if (request.mode.kind === "open") {
      this.#nextArrivalS = atS + this.#draws.exponential(request.mode.ratePerSecond);
    }
  }

  get #recordFromS(): number {
    return this.#startS + this.#request!.settleS;
  }

  get #recordUntilS(): number {
    return this.#recordFromS + this.#request!.recordS;
  }

  /** A measured window ends its load; any other's goes on for a while, waiting for the next segment. */
  get #loadUntilS(): number {
    return this.#recordUntilS + (this.#request!.purpose === "measure" ? 0 : HOLD_S);
  }

  nextCutS(): number {
    const bounds = [this.#lastCutS + 1, this.#recordFromS, this.#recordUntilS];
    return Math.min(...bounds.filter((boundS) => boundS > this.#lastCutS + 1e-9));
  }

  /** Ends the interval at `atS`: everything up to it is known. */
  cut(atS: number): Observation {
    const fromS = this.#lastCutS;
    this.#sentInInterval = 0;
    this.#fireUntil(atS);
    this.#options.server.advance(atS);
    this.#seconds = [...this.#seconds, this.#secondObserved(fromS, atS)];
    this.#lastCutS = atS;
    this.#count(atS);
    return this.#observed(atS);
  }

  #fireUntil(toS: number): void {
    const { mode } = this.#request!;
    if (mode.kind === "idle") return;
    if (mode.kind !== "open") {
      this.#keepBusyUntil(toS, mode);
      return;
    }
    const untilS = Math.min(toS, this.#loadUntilS);
    while (this.#nextArrivalS < untilS && this.#mayFire()) {
      this.#fire(this.#nextArrivalS, mode.ratePerSecond);
      this.#nextArrivalS += this.#draws.exponential(mode.ratePerSecond);
    }
  }

  /** The closed modes: send whenever fewer than wanted are under way. */
  #keepBusyUntil(
    toS: number,
    mode: Exclude<SegmentRequest["mode"], { kind: "open" | "idle" }>,
  ): void {
    const bound =
      mode.kind === "closed" ? mode.streams : mode.kind === "backlog" ? mode.waitingMax : 1;
    const endOf = ({ firstAtS, doneAtS }: VirtualRequest): number =>
      mode.kind === "backlog" ? firstAtS : doneAtS;
    for (let nowS = this.#lastCutS; nowS < toS; ) {
      let busy = this.#openRequests.filter(({ request }) => endOf(request) > nowS).length;
      for (; busy < bound && nowS < this.#loadUntilS && this.#mayFire(); busy++)
        this.#fire(nowS, 0);
      const failedAtS = this.#openRequests.map(({ request }) =>
        !request.ok && request.doneAtS > nowS ? request.doneAtS : Infinity,
      );
      nowS = Math.min(this.#options.server.nextEventAtS(), toS, ...failedAtS);
      this.#options.server.advance(nowS);
    }
  }

  #mayFire(): boolean {
    const { requestsMax } = this.#request!;
    return requestsMax === 0 || this.#scheduledInSegment < requestsMax;
  }

  #fire(atS: number, ratePerSecond: number): void {
    const request: VirtualRequest = {
      index: this.#scheduledInSegment++,
      intendedAtS: atS,
      recorded: atS >= this.#recordFromS && atS < this.#recordUntilS,
      firstAtS: Infinity,
      doneAtS: Infinity,
      outputTokens: 1,
      ok: true,
    };
    this.sent++;
    this.#sentInInterval++;
    this.#options.server.advance(atS);
    if (this.#options.failing?.(request, ratePerSecond) === true) {
      request.ok = false;
      request.doneAtS = atS + 0.001;
    } else this.#options.server.arrive(request);
    this.#openRequests.push({ request, sawFirst: false });
    if (!request.recorded) return;
    this.#recorded.push(request);
    const clauses = this.#options.slo.length;
    this.#tracked.push({
      request,
      crossed: new Array<number>(clauses).fill(0),
      listed: new Array<boolean>(clauses).fill(false),
    });
  }

  #secondObserved(fromS: number, toS: number): SecondObserved {
    let firstTokens = 0;
    let completed = 0;
    let completedOk = 0;
    for (const one of this.#openRequests) {
      if (!one.sawFirst && one.request.firstAtS <= toS) {
        one.sawFirst = true;
        firstTokens++;
      }
      if (one.request.doneAtS <= toS) {
        completed++;
        if (one.request.ok) completedOk++;
      }
    }
    this.#openRequests = this.#openRequests.filter(({ request }) => request.doneAtS > toS);
    return {
      fromS: fromS - this.#startS,
      toS: toS - this.#startS,
      scheduled: this.#sentInInterval,
      sent: this.#sentInInterval,
      firstTokens,
      completed,
      completedOk,
      waitingEnd: this.#openRequests.filter(({ sawFirst }) => !sawFirst).length,
      inFlightEnd: this.#openRequests.length,
    };
  }

  #count(nowS: number): void {
    const { slo, thresholds } = this.#options;
    for (const tracked of this.#tracked) {
      slo.forEach((clause, c) => {
        const reached = crossedBy(clause, thresholds[c]!, { request: tracked.request, nowS });
        for (let j = tracked.crossed[c]!; j < reached; j++) this.#counts[c]!.over[j]!++;
        if (reached > tracked.crossed[c]!) {
          tracked.crossed[c] = reached;
          this.#list(tracked, c, reached - 1);
        }
      });
    }
    this.#tracked = this.#tracked.filter(({ request }) => request.doneAtS > nowS);
    slo.forEach((clause, c) => {
      this.#counts[c]!.total =
        clause.kind === "quantile" && clause.metric === "itl"
          ? this.#recorded.filter(
              ({ doneAtS, outputTokens }) => doneAtS <= nowS && outputTokens > 1,
            ).length
          : this.#recorded.length;
    });
  }

  #list({ request, listed }: Tracked, clause: number, level: number): void {
    if (listed[clause]) {
      const known = this.#exceedances.findLast(
        (one) => one.request === request && one.clause === clause,
      );
      known!.level = level;
      return;
    }
    listed[clause] = true;
    this.#exceedances.push({ request, clause, level });
  }

  #listedExceedances(): Exceedance[] {
    const base = this.#counts.map(({ over, total }) => over.findIndex((bad) => bad < 0.35 * total));
    return this.#exceedances
      .filter(({ clause, level }) => base[clause]! >= 0 && level >= base[clause]!)
      .map(({ request, clause, level }) => ({
        index: request.index,
        intendedAtNs: Math.round((request.intendedAtS - this.#recordFromS) * NS_PER_SECOND),
        clause,
        level,
      }))
      .sort((a, b) => a.intendedAtNs - b.intendedAtNs);
  }

  #observed(nowS: number): Observation {
    const recordedS = Math.max(0, Math.min(nowS, this.#recordUntilS) - this.#recordFromS);
    const done = this.#recorded.filter(({ doneAtS, ok }) => ok && doneAtS <= nowS);
    const begun = this.#recorded.filter(({ firstAtS }) => firstAtS <= nowS);
    const fired = this.#recorded.length;
    const listed = this.#listedExceedances();
    const kept = listed.slice(0, this.#options.exceedancesMax ?? listed.length);
    return {
      request: this.#request!,
      segment: this.#number,
      observedS: nowS - this.#startS,
      seconds: this.#seconds,
      recordedS,
      scheduled: fired,
      fired,
      failed: this.#recorded.filter(({ ok, doneAtS }) => !ok && doneAtS <= nowS).length,
      droppedInFlightBound: 0,
      clauses: this.#counts.map(({ total, over }): ClauseCount => ({ total, over: [...over] })),
      exceedances: kept,
      exceedancesCut: listed.length - kept.length,
      ttftMeanS: meanOf(begun.map(({ firstAtS, intendedAtS }) => firstAtS - intendedAtS)),
      e2eMeanS: meanOf(done.map(({ doneAtS, intendedAtS }) => doneAtS - intendedAtS)),
      validity: this.#options.validity?.(this.#request!) ?? "valid",
      final:
        nowS >= this.#recordUntilS - 1e-9 && this.#recorded.every(({ doneAtS }) => doneAtS <= nowS),
      elapsedS: nowS,
    };
  }
}

function meanOf(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** How many thresholds of a clause the request is known to have crossed at `nowS`, from below. */
function crossedBy(
  clause: Clause,
  thresholds: readonly number[],
  { request, nowS }: { request: VirtualRequest; nowS: number },
): number {
  const done = request.doneAtS <= nowS;
  if (clause.kind === "error_rate") return done && !request.ok ? 1 : 0;
  if (clause.kind === "goodput") throw new Error("the virtual queue counts no goodput");
  if (done && !request.ok) return thresholds.length;
  const valueS = {
    ttft: () => Math.min(request.firstAtS, nowS) - request.intendedAtS,
    e2e: () => Math.min(request.doneAtS, nowS) - request.intendedAtS,
    itl: () =>
      done && request.outputTokens > 1
        ? (request.doneAtS - request.firstAtS) / (request.outputTokens - 1)
        : 0,
  }[clause.metric as "ttft" | "e2e" | "itl"]();
  let crossed = 0;
  while (crossed < thresholds.length && valueS * NS_PER_SECOND > thresholds[crossed]!) crossed++;
  return crossed;
}

const TAIL_TABLE = [0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1];
const GAP_TABLE = [0.8, 0.9, 1, 1.1];

/** A quantile clause and the table of thresholds agents count for it. */
export function quantileClause(
  metric: "ttft" | "e2e" | "itl",
  quantile: number,
  limitS: number,
): {
  readonly clause: Clause;
  readonly thresholds: readonly number[];
} {
  const limit = limitS * NS_PER_SECOND;
  const table = metric === "itl" ? GAP_TABLE : TAIL_TABLE;
  return {
    clause: {
      kind: "quantile",
      text: `${metric} p${Number((quantile * 100).toFixed(3))} <= ${Number((limitS * 1000).toFixed(3))}ms`,
      metric,
      quantile,
      limit,
      className: undefined,
    },
    thresholds: table.map((multiple) => multiple * limit),
  };
}
