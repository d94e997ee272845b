import type { ClauseCount, Exceedance } from "../../shared/measurement/interval.ts";
import type {
  Decision,
  JudgedSegment,
  Observation,
  Procedure,
  SecondObserved,
  SegmentRequest,
  Step,
  WindowObserved,
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
  /** How long a failure takes, s. */
  readonly failAfterS?: number;
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
  readonly listed: ({ level: number } | undefined)[];
  sawFirst: boolean;
}

type LoadOptions = Omit<VirtualRunOptions<unknown>, "procedure">;

/** A segment's recorded window: what was counted of its requests, which may end long after it. */
class VirtualWindow {
  readonly #options: LoadOptions;
  readonly number: number;
  readonly request: SegmentRequest;
  readonly startS: number;
  /** When the next segment took over. */
  supersededAtS = Infinity;
  seconds: SecondObserved[] = [];
  scheduledInSegment = 0;
  #tracked: Tracked[] = [];
  #fired = 0;
  #endedWithTokens = 0;
  #failed = 0;
  readonly #ttft = { count: 0, sum: 0 };
  readonly #e2e = { count: 0, sum: 0, squares: 0 };
  readonly #counts: { total: number; over: number[] }[];
  readonly #exceedances: { request: VirtualRequest; clause: number; level: number }[] = [];

  constructor(
    options: LoadOptions,
    { number, request, startS }: { number: number; request: SegmentRequest; startS: number },
  ) {
    this.#options = options;
    this.number = number;
    this.request = request;
    this.startS = startS;
    this.#counts = options.thresholds.map((thresholds) => ({
      total: 0,
      over: new Array<number>(Math.max(1, thresholds.length)).fill(0),
    }));
  }

  get recordFromS(): number {
    return this.startS + this.request.settleS;
  }

  get recordUntilS(): number {
    return this.recordFromS + this.request.recordS;
  }

  /** A measured window ends its load; any other's goes on for a while, waiting for the next segment. */
  get loadUntilS(): number {
    return this.recordUntilS + (this.request.purpose === "measure" ? 0 : HOLD_S);
  }

  track(request: VirtualRequest): void {
    this.#fired++;
    const clauses = this.#options.slo.length;
    this.#tracked.push({
      request,
      crossed: new Array<number>(clauses).fill(0),
      listed: new Array<undefined>(clauses).fill(undefined),
      sawFirst: false,
    });
  }

  /** Looks at every request that is not over yet. */
  count(nowS: number): void {
    for (const tracked of this.#tracked) {
      this.#cross(tracked, nowS);
      this.#sum(tracked, nowS);
    }
    this.#tracked = this.#tracked.filter(({ request }) => request.doneAtS > nowS);
    this.#options.slo.forEach((clause, c) => {
      const ofEnded = clause.kind === "quantile" && clause.metric === "itl";
      this.#counts[c]!.total = ofEnded ? this.#endedWithTokens : this.#fired;
    });
  }

  #cross(tracked: Tracked, nowS: number): void {
    const { slo, thresholds } = this.#options;
    slo.forEach((clause, c) => {
      const at = { request: tracked.request, nowS, slo };
      const reached = crossedBy(clause, thresholds[c]!, at);
      for (let j = tracked.crossed[c]!; j < reached; j++) this.#counts[c]!.over[j]!++;
      if (reached <= tracked.crossed[c]!) return;
      tracked.crossed[c] = reached;
      const listed = tracked.listed[c];
      if (listed !== undefined) listed.level = reached - 1;
      else {
        const entry = { request: tracked.request, clause: c, level: reached - 1 };
        tracked.listed[c] = entry;
        this.#exceedances.push(entry);
      }
    });
  }

  #sum(tracked: Tracked, nowS: number): void {
    const { request } = tracked;
    if (!tracked.sawFirst && request.firstAtS <= nowS) {
      tracked.sawFirst = true;
      this.#ttft.count++;
      this.#ttft.sum += request.firstAtS - request.intendedAtS;
    }
    if (request.doneAtS > nowS) return;
    if (request.outputTokens > 1) this.#endedWithTokens++;
    if (!request.ok) {
      this.#failed++;
      return;
    }
    const e2eS = request.doneAtS - request.intendedAtS;
    this.#e2e.count++;
    this.#e2e.sum += e2eS;
    this.#e2e.squares += e2eS ** 2;
  }

  #listedExceedances(): Exceedance[] {
    const base = this.#counts.map(({ over, total }) => over.findIndex((bad) => bad < 0.35 * total));
    return this.#exceedances
      .filter(({ clause, level }) => base[clause]! >= 0 && level >= base[clause]!)
      .map(({ request, clause, level }) => ({
        index: request.index,
        intendedAtNs: Math.round((request.intendedAtS - this.recordFromS) * NS_PER_SECOND),
        clause,
        level,
      }))
      .sort((a, b) => a.intendedAtNs - b.intendedAtNs);
  }

  observed(nowS: number): WindowObserved {
    const untilS = Math.min(nowS, this.recordUntilS, this.supersededAtS);
    const listed = this.#listedExceedances();
    const kept = listed.slice(0, this.#options.exceedancesMax ?? listed.length);
    const { count, sum, squares } = this.#e2e;
    const e2eMeanS = count === 0 ? undefined : sum / count;
    return {
      request: this.request,
      segment: this.number,
      observedS: nowS - this.startS,
      seconds: this.seconds,
      recordedS: Math.max(0, untilS - this.recordFromS),
      scheduled: this.#fired,
      fired: this.#fired,
      failed: this.#failed,
      droppedInFlightBound: 0,
      clauses: this.#counts.map(({ total, over }): ClauseCount => ({ total, over: [...over] })),
      exceedances: kept,
      exceedancesCut: listed.length - kept.length,
      ttftMeanS: this.#ttft.count === 0 ? undefined : this.#ttft.sum / this.#ttft.count,
      e2eMeanS,
      e2eSdS:
        e2eMeanS === undefined
          ? undefined
          : Math.sqrt(Math.max(0, squares / count - e2eMeanS ** 2)),
      validity: this.#options.validity?.(this.request) ?? "valid",
      final:
        nowS >= Math.min(this.recordUntilS, this.supersededAtS) - 1e-9 &&
        this.#tracked.length === 0,
      elapsedS: nowS,
    };
  }
}

interface OpenRequest {
  readonly request: VirtualRequest;
  sawFirst: boolean;
}

/** The load generator and its measurement: everything a fleet does, without the fleet. */
class Load {
  readonly #options: LoadOptions;
  readonly #draws: Draws;
  #current: VirtualWindow | undefined;
  #previous: VirtualWindow | undefined;
  #lastCutS = 0;
  #nextArrivalS = 0;
  #openRequests: OpenRequest[] = [];
  #sentInInterval = 0;
  sent = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#draws = new Draws(options.seed, 777);
  }

  begin(number: number, atS: number, request: SegmentRequest): void {
    this.#previous = this.#current;
    if (this.#previous !== undefined) this.#previous.supersededAtS = atS;
    this.#current = new VirtualWindow(this.#options, { number, request, startS: atS });
    this.#lastCutS = atS;
    if (request.mode.kind === "open") {
      this.#nextArrivalS = atS + this.#draws.exponential(request.mode.ratePerSecond);
    }
  }

  nextCutS(): number {
    const { recordFromS, recordUntilS } = this.#current!;
    const bounds = [this.#lastCutS + 1, recordFromS, recordUntilS];
    return Math.min(...bounds.filter((boundS) => boundS > this.#lastCutS + 1e-9));
  }

  /** Ends the interval at `atS`: everything up to it is known. */
  cut(atS: number): Observation {
    const current = this.#current!;
    const fromS = this.#lastCutS;
    this.#sentInInterval = 0;
    this.#fireUntil(atS);
    this.#options.server.advance(atS);
    current.seconds = [...current.seconds, this.#secondObserved(fromS, atS)];
    this.#lastCutS = atS;
    current.count(atS);
    this.#previous?.count(atS);
    return { ...current.observed(atS), previous: this.#previous?.observed(atS) };
  }

  #fireUntil(toS: number): void {
    const { mode } = this.#current!.request;
    if (mode.kind === "idle") return;
    if (mode.kind !== "open") {
      this.#keepBusyUntil(toS, mode);
      return;
    }
    const untilS = Math.min(toS, this.#current!.loadUntilS);
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
      mode.kind === "backlog" ? Math.min(firstAtS, doneAtS) : doneAtS;
    for (let nowS = this.#lastCutS; nowS < toS; ) {
      let busy = 0;
      let failsAtS = Infinity;
      for (const { request } of this.#openRequests) {
        if (endOf(request) > nowS) busy++;
        if (!request.ok && request.doneAtS > nowS) failsAtS = Math.min(failsAtS, request.doneAtS);
      }
      for (; busy < bound && nowS < this.#current!.loadUntilS && this.#mayFire(); busy++) {
        const { ok, doneAtS } = this.#fire(nowS, 0);
        if (!ok) failsAtS = Math.min(failsAtS, doneAtS);
      }
      nowS = Math.min(this.#options.server.nextEventAtS(), toS, failsAtS);
      this.#options.server.advance(nowS);
    }
  }

  #mayFire(): boolean {
    const { request, scheduledInSegment } = this.#current!;
    return request.requestsMax === 0 || scheduledInSegment < request.requestsMax;
  }

  #fire(atS: number, ratePerSecond: number): VirtualRequest {
    const window = this.#current!;
    const request: VirtualRequest = {
      index: window.scheduledInSegment++,
      intendedAtS: atS,
      recorded: atS >= window.recordFromS && atS < window.recordUntilS,
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
      request.doneAtS = atS + (this.#options.failAfterS ?? 0.001);
    } else this.#options.server.arrive(request);
    this.#openRequests.push({ request, sawFirst: false });
    if (request.recorded) window.track(request);
    return request;
  }

  #secondObserved(fromS: number, toS: number): SecondObserved {
    const { startS } = this.#current!;
    const sum = { firstTokens: 0, completed: 0, completedOk: 0, waiting: 0, inFlight: 0 };
    const within = (request: VirtualRequest, untilS: number): number =>
      Math.max(0, Math.min(untilS, toS) - Math.max(request.intendedAtS, fromS));
    for (const one of this.#openRequests) {
      const { firstAtS, doneAtS, ok } = one.request;
      sum.waiting += within(one.request, Math.min(firstAtS, doneAtS));
      sum.inFlight += within(one.request, doneAtS);
      if (!one.sawFirst && firstAtS <= toS) {
        one.sawFirst = true;
        sum.firstTokens++;
      }
      if (doneAtS > toS) continue;
      sum.completed++;
      if (ok) sum.completedOk++;
    }
    this.#openRequests = this.#openRequests.filter(({ request }) => request.doneAtS > toS);
    return {
      fromS: fromS - startS,
      toS: toS - startS,
      scheduled: this.#sentInInterval,
      sent: this.#sentInInterval,
      firstTokens: sum.firstTokens,
      completed: sum.completed,
      completedOk: sum.completedOk,
      waitingEnd: this.#openRequests.filter(({ sawFirst }) => !sawFirst).length,
      inFlightEnd: this.#openRequests.length,
      waitingIntegralS: sum.waiting,
      inFlightIntegralS: sum.inFlight,
    };
  }
}

interface At {
  readonly request: VirtualRequest;
  readonly nowS: number;
  readonly slo: Slo;
}

/** How many thresholds of a clause the request is known to have crossed at `nowS`, from below. */
function crossedBy(clause: Clause, thresholds: readonly number[], at: At): number {
  const { request, nowS, slo } = at;
  const done = request.doneAtS <= nowS;
  if (clause.kind === "error_rate") return done && !request.ok ? 1 : 0;
  if (clause.kind === "goodput") {
    const latencies = slo.filter((other) => other.kind === "quantile");
    const bad = latencies.some((other) => crossedBy(other, [other.limit], at) > 0);
    return bad || (done && !request.ok) ? 1 : 0;
  }
  if (done && !request.ok) return thresholds.length;
  if (clause.metric === "output_tokens_per_second") {
    const speed = (request.outputTokens - 1) / (request.doneAtS - request.firstAtS);
    return done && request.outputTokens > 1 && speed < thresholds[0]! ? 1 : 0;
  }
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
