import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type {
  Decision,
  MaxRate,
  SearchOptions,
  SegmentRequest,
} from "../../../coordinator/search/procedure.ts";
import { tailProcedure } from "../../../coordinator/search/tail.ts";
import type { TailState } from "../../../coordinator/search/tail/state.ts";
import type { Clause } from "../../../shared/slo/slo.ts";
import { mmcMaxRate } from "../../../simulator/theory.ts";
import { BATCH_ITL, BATCH_TTFT, MM4 } from "../../support/search-queues.ts";
import {
  quantileClause,
  runInVirtualTime,
  type VirtualRun,
  type VirtualRunOptions,
} from "../../support/virtual-queue.ts";
import { fifoServer, type VirtualServer } from "../../support/virtual-server.ts";

type Counted = { readonly clause: Clause; readonly thresholds: readonly number[] };

interface Edge {
  readonly clauses?: readonly Counted[];
  readonly server: VirtualServer;
  readonly options?: Partial<SearchOptions>;
  readonly run?: Partial<VirtualRunOptions<TailState>>;
  readonly seed?: number;
}

function searchAt(edge: Edge): VirtualRun<TailState> {
  const clauses = edge.clauses ?? MM4.clauses;
  const counted = {
    slo: clauses.map(({ clause }) => clause),
    thresholds: clauses.map(({ thresholds }) => thresholds),
  };
  return runInVirtualTime({
    ...counted,
    procedure: tailProcedure({
      ...counted,
      rateMinPerSecond: undefined,
      rateMaxPerSecond: undefined,
      precisionFraction: 0.1,
      confidence: 0.95,
      timeBudgetS: 300,
      ...edge.options,
    }),
    server: edge.server,
    seed: edge.seed ?? 5,
    sealDelayS: 1.7,
    armS: 1.3,
    ...edge.run,
  });
}

function answerOf({ decision }: { readonly decision: Decision }): MaxRate {
  assert.ok(decision.kind === "found", JSON.stringify(decision));
  return decision.answer;
}

function reasonOf({ decision }: { readonly decision: Decision }, kind: string): string {
  assert.equal(decision.kind, kind, JSON.stringify(decision));
  assert.ok(decision.kind === "hopeless" || decision.kind === "inconclusive");
  return decision.reason;
}

function stepsOf(run: VirtualRun<TailState>): ReadonlySet<string> {
  return new Set(run.steps.map(({ state }) => state.step));
}

function holds({ lowPerSecond, highPerSecond }: MaxRate, ratePerSecond: number): boolean {
  return lowPerSecond <= ratePerSecond && ratePerSecond <= (highPerSecond ?? Infinity);
}

function rateOf(mode: SegmentRequest["mode"]): number {
  return mode.kind === "open" ? mode.ratePerSecond : 0;
}

/** Warms up within some 20 s. */
function coldServer(): VirtualServer {
  return fifoServer({
    slots: 4,
    seed: 51,
    serviceS: (draws, { startS }) =>
      (0.08 + 0.02 * draws.unit()) * (1 + 4 * Math.exp(-Math.max(0, startS) / 8)),
  });
}

/** Every step of the search; one that is added has to be reached here. */
const STEPS: Readonly<Record<TailState["step"], true>> = {
  calibrate: true,
  "warm-up": true,
  ramp: true,
  saturate: true,
  drain: true,
  focus: true,
  confirm: true,
  ceiling: true,
};

const mm4 = (seed = 11): VirtualServer => MM4.server(seed);

describe("a target that cannot meet the SLO at any rate", () => {
  test("is hopeless when it misses the SLO without load", () => {
    const run = searchAt({ clauses: [quantileClause("ttft", 0.99, 0.2)], server: mm4() });
    assert.match(
      reasonOf(run, "hopeless"),
      /the unloaded service misses the SLO: ttft p99 <= 200ms/,
    );
    assert.ok(run.elapsedS < 30);
  });

  test("is hopeless when it answers with errors from the first request", () => {
    const run = searchAt({ server: mm4(), run: { failing: () => true } });
    assert.match(reasonOf(run, "hopeless"), /answers one request at a time with errors/);
  });

  test("of two requests a minute says how many requests it would take", () => {
    const slow = fifoServer({ slots: 1, serviceS: (draws) => 20 + 10 * draws.unit(), seed: 3 });
    const run = searchAt({ clauses: [quantileClause("ttft", 0.99, 300)], server: slow });
    assert.match(reasonOf(run, "inconclusive"), /only \d+ requests .* takes about 1000/);
    assert.match(
      reasonOf(run, "inconclusive"),
      /longer --time-budget, or ask for a lower percentile/,
    );
  });
});

describe("bounds that end the search before the server does", () => {
  test("a server that never saturates below --max-rate carries at least that", () => {
    const run = searchAt({ server: mm4(), options: { rateMaxPerSecond: 15 } });
    const answer = answerOf(run);
    assert.equal(answer.ratePerSecond, 15);
    assert.equal(answer.highPerSecond, undefined);
    assert.equal(answer.limitedBy, "max-rate");
    assert.ok(stepsOf(run).has("ceiling"));
    assert.ok(
      run.segments.every(
        ({ request: { mode } }) => mode.kind !== "open" || mode.ratePerSecond <= 15,
      ),
    );
  });

  test("--max-rate between the answer and saturation gives an answer all the same", () => {
    const run = searchAt({ server: mm4(), options: { rateMaxPerSecond: 37 } });
    const answer = answerOf(run);
    assert.ok(holds(answer, MM4.truthPerSecond), JSON.stringify(answer));
    assert.ok(answer.ratePerSecond <= 37);
    // The answer's neighbourhood lies above it.
    assert.ok(run.segments.some(({ request: { mode } }) => rateOf(mode) === 37));
    assert.ok(run.segments.every(({ request: { mode } }) => rateOf(mode) <= 37));
  });

  test("a generator that cannot go on says at least what it held", () => {
    const run = searchAt({
      server: mm4(),
      run: {
        validity: ({ mode }) =>
          mode.kind === "open" && mode.ratePerSecond > 25 ? "invalid" : "valid",
      },
    });
    const answer = answerOf(run);
    assert.equal(answer.limitedBy, "generator");
    assert.equal(answer.highPerSecond, undefined);
    assert.ok(answer.ratePerSecond > 10 && answer.ratePerSecond <= 25);
    assert.match(answer.notes.join(), /the load generator could not hold more than/);
  });

  test("agents that carry no more than a clean rate are not asked for more", () => {
    const answer = answerOf(searchAt({ server: mm4(), options: { cleanRatePerSecond: 18 } }));
    assert.equal(answer.limitedBy, "generator");
    assert.equal(answer.ratePerSecond, 18);
    assert.match(answer.notes.join(), /the agents carry about 18 requests\/s/);
  });
});

describe("what overload does to a server", () => {
  test("one that dies of it and does not come back ends the search with what to do", () => {
    let dead = false;
    const waiting: number[] = [];
    const run = searchAt({
      server: mm4(),
      run: {
        failAfterS: 0.05,
        failing: ({ intendedAtS }) => {
          while ((waiting[0] ?? Infinity) < intendedAtS - 0.5) waiting.shift();
          waiting.push(intendedAtS);
          if (waiting.length > 35) dead = true;
          return dead;
        },
      },
    });
    const reason = reasonOf(run, "inconclusive");
    assert.match(
      reason,
      /the target did not come back; restart it, and search with --max-rate \d+/,
    );
    assert.ok(run.elapsedS < 200, String(run.elapsedS));
  });

  test("one that is slower for good after it is answered for as it is now, and told", () => {
    let slower = 1;
    const server = fifoServer({
      slots: 4,
      seed: 21,
      serviceS: (draws, { waitS }) => {
        if (waitS > 3) slower = 1.3;
        return slower * draws.exponential(10);
      },
    });
    const answer = answerOf(searchAt({ server }));
    const truth = mmcMaxRate({ c: 4, mu: 10 / 1.3, limitS: 1, quantile: 0.99 });
    assert.ok(
      Math.abs(answer.ratePerSecond / truth - 1) < 0.15,
      `${answer.ratePerSecond}, ${truth}`,
    );
    assert.match(answer.notes.join(), /it has become slower/);
  });

  test("one that has not recovered when the search goes on is told", () => {
    let heldFromS = Infinity;
    let nowS = 0;
    const server = fifoServer({
      slots: 4,
      seed: 21,
      serviceS: (draws, { startS, waitS }) => {
        nowS = startS;
        // Some of what the held backlog sends: more than two minutes of work.
        const sentS = startS - waitS - heldFromS;
        return sentS > 12 && sentS < 14 ? 12 : draws.exponential(10);
      },
    });
    const run = searchAt({
      server,
      run: {
        validity: ({ purpose }) => {
          if (purpose === "saturate") heldFromS = Math.min(heldFromS, nowS);
          return "valid";
        },
      },
    });
    const { notes } = run.steps.at(-1)!.state;
    assert.match(notes.join(), /after saturation the service did not recover within 12\d s/);
    assert.ok(run.decision.kind === "found" || run.decision.kind === "inconclusive");
    if (run.decision.kind === "found")
      assert.doesNotMatch(run.decision.answer.notes.join(), /backlog was gone/);
  });

  test("recovery is reported", () => {
    assert.match(
      answerOf(searchAt({ server: mm4() })).notes.join(),
      /backlog was gone within \d+ s/,
    );
  });
});

describe("a server that does not hold still", () => {
  test("one whose capacity falls by 10 % on the way is answered for between its two rates", () => {
    const server = fifoServer({
      slots: 4,
      seed: 31,
      serviceS: (draws, { startS }) =>
        draws.exponential(10) * (1 + 0.1 * Math.min(1, startS / 300)),
    });
    const answer = answerOf(searchAt({ server, options: { precisionFraction: 0.005 } }));
    assert.ok(answer.ratePerSecond < MM4.truthPerSecond * 1.03);
    assert.ok(answer.ratePerSecond > MM4.truthPerSecond * 0.85);
  });

  test("one that pauses for 0.3 s every 15 s is measured with its pauses", () => {
    const server = fifoServer({
      slots: 4,
      seed: 41,
      serviceS: (draws) => draws.exponential(10),
      pause: { everyS: 15, forS: 0.3 },
    });
    // The truth is of a long run of the prototype's.
    assert.ok(holds(answerOf(searchAt({ server })), 34.05));
  });

  test("a cold one is warmed up first", () => {
    const run = searchAt({ server: coldServer() });
    assert.ok(stepsOf(run).has("warm-up"));
    answerOf(run);
    assert.equal(run.segments.filter(({ request }) => request.purpose === "calibrate").length, 2);
  });
});

describe("what may be asked for", () => {
  test("--quick stops after the drain, with an interval that is wide and true", () => {
    const run = searchAt({ server: mm4(), options: { quick: true } });
    const answer = answerOf(run);
    assert.ok(run.elapsedS < 100, String(run.elapsedS));
    assert.ok(!stepsOf(run).has("focus"));
    assert.ok(holds(answer, MM4.truthPerSecond));
    assert.match(answer.notes.join(), /a first answer/);
  });

  test("--confirm judges the low end by a window of its own", () => {
    const run = searchAt({ server: mm4(), options: { confirm: true } });
    const answer = answerOf(run);
    assert.ok(stepsOf(run).has("confirm"));
    const last = run.segments.at(-1)!.request.mode;
    assert.ok(last.kind === "open" && last.ratePerSecond < answer.ratePerSecond);
    assert.ok(run.elapsedS <= 301);
    assert.match(answer.notes.join(), /confirmed: a window of its own at [\d.]+ .* meets the SLO/);
  });

  test("an answer whose confirming window violates the SLO is none", () => {
    let isConfirming = false;
    let sent = 0;
    const run = searchAt({
      server: mm4(),
      options: { confirm: true },
      run: {
        validity: ({ purpose }) => {
          isConfirming ||= purpose === "probe";
          return "valid";
        },
        failing: () => isConfirming && ++sent % 5 === 0,
      },
    });
    assert.match(
      reasonOf(run, "inconclusive"),
      /^the low end, [\d.]+ requests\/s, was judged by a window of its own and violates the SLO: ttft/,
    );
    assert.equal(run.judged.at(-1)?.verdict, "violated");
  });

  test("an answer whose confirming window is void stands, and is told to be unconfirmed", () => {
    const run = searchAt({
      server: mm4(),
      options: { confirm: true },
      run: { validity: ({ purpose }) => (purpose === "probe" ? "invalid" : "valid") },
    });
    const { notes } = answerOf(run);
    assert.match(notes.join(), /the confirming window at [\d.]+ requests\/s was void/);
    assert.doesNotMatch(notes.join(), /confirmed/);
  });

  test("a search ends as soon as the interval is as narrow as asked", () => {
    const run = searchAt({ server: mm4(), options: { precisionFraction: 0.15 } });
    assert.ok(run.elapsedS < 280, String(run.elapsedS));
  });

  test("it takes six blocks all the same, since fewer say little of their own spread", () => {
    const run = searchAt({ server: mm4(), options: { precisionFraction: 0.5 } });
    const blocks = run.steps.at(-1)!.state.blocks.filter(({ kind }) => kind === "focus");
    assert.equal(blocks.length, 6);
  });

  test("a hot block is cut short and drained", () => {
    // Priors put the first block far above M/M/1's answer.
    const server = fifoServer({ slots: 1, serviceS: (draws) => draws.exponential(20), seed: 66 });
    const run = searchAt({ clauses: [quantileClause("ttft", 0.99, 0.5)], server });
    answerOf(run);
    const drains = run.segments.filter(({ request }) => request.purpose === "drain");
    assert.ok(drains.length >= 2, String(drains.length));
  });

  test("so is one whose gaps alone are over: a batch that has filled takes a minute to empty", () => {
    const { clauses, truthPerSecond } = BATCH_ITL;
    const seed = 900_040;
    const options = { precisionFraction: 0.005 };
    const server = BATCH_ITL.server(seed * 7919);
    const run = searchAt({ clauses, server, options, seed: seed * 104_729 });
    const { ratePerSecond } = answerOf(run);
    assert.ok(Math.abs(ratePerSecond / truthPerSecond - 1) < 0.1, String(ratePerSecond));
    assert.ok(run.segments.filter(({ request }) => request.purpose === "drain").length >= 2);
  });
});

describe("clauses that are only counted", () => {
  const errors: Counted = {
    clause: {
      kind: "error_rate",
      text: "error_rate <= 0.5%",
      limitFraction: 0.005,
      className: undefined,
    },
    thresholds: [],
  };

  test("errors that grow with the rate bind, and the answer says how it was estimated", () => {
    let draw = 12345;
    const chance = (): number => (draw = (draw * 48_271) % 2_147_483_647) / 2_147_483_647;
    const run = searchAt({
      clauses: [...MM4.clauses, errors],
      server: mm4(),
      options: { precisionFraction: 0.005 },
      run: {
        // 0.5 % at 24 requests/s.
        failing: (_, rate) => chance() < 0.005 * Math.exp(0.25 * (Math.min(rate, 34) - 24)),
      },
    });
    const answer = answerOf(run);
    assert.equal(answer.boundBy, "error_rate <= 0.5%");
    assert.ok(Math.abs(answer.ratePerSecond / 24 - 1) < 0.12, String(answer.ratePerSecond));
    assert.ok(holds(answer, 24), JSON.stringify(answer));
    assert.match(answer.notes.join(), /by counting alone/);
  });

  test("no errors at all leave the other clause to bind", () => {
    const answer = answerOf(searchAt({ clauses: [...MM4.clauses, errors], server: mm4() }));
    assert.equal(answer.boundBy, MM4.binding);
    assert.equal(answer.clauseRates?.[1]?.ratePerSecond, null);
  });

  test("goodput binds no later than the clause that most requests break", () => {
    const goodput: Counted = {
      clause: {
        kind: "goodput",
        text: "goodput >= 99%",
        limitFraction: 0.99,
        className: undefined,
      },
      thresholds: [],
    };
    const run = searchAt({
      clauses: [...BATCH_TTFT.clauses, goodput],
      server: BATCH_TTFT.server(71),
    });
    const answer = answerOf(run);
    assert.ok(Math.abs(answer.ratePerSecond / BATCH_TTFT.truthPerSecond - 1) < 0.2);
  });
});

test("each step of the search is one that a search comes to", () => {
  const whole = searchAt({ server: coldServer(), options: { confirm: true } });
  const bounded = searchAt({ server: mm4(), options: { rateMaxPerSecond: 15 } });
  const reached = new Set([...stepsOf(whole), ...stepsOf(bounded)]);
  assert.deepEqual([...reached].sort(), Object.keys(STEPS).sort());
});
