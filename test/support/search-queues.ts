import type { Clause } from "../../shared/slo/slo.ts";
import { md1MaxRate, mmcMaxRate } from "../../simulator/theory.ts";
import { quantileClause } from "./virtual-queue.ts";
import { batchServer, fifoServer, type VirtualServer } from "./virtual-server.ts";

/** A server whose highest rate within an SLO is known. */
export interface SearchQueue {
  readonly name: string;
  readonly clauses: readonly { readonly clause: Clause; readonly thresholds: readonly number[] }[];
  /** requests/s. */
  readonly truthPerSecond: number;
  /** Text of the clause that binds. */
  readonly binding: string;
  readonly server: (seed: number) => VirtualServer;
}

function queue(
  name: string,
  options: {
    readonly clauses: SearchQueue["clauses"];
    readonly truthPerSecond: number;
    readonly bindingIndex?: number;
    readonly server: SearchQueue["server"];
  },
): SearchQueue {
  const { clauses, truthPerSecond, server } = options;
  const binding = clauses[options.bindingIndex ?? 0]?.clause.text ?? "";
  return { name, clauses, truthPerSecond, binding, server };
}

/** An M/M/c queue: `slots` servers of `mu` requests/s each, and a limit on the time to the first token. */
export function mmc(
  name: string,
  {
    slots,
    mu,
    limitS,
    quantile = 0.99,
  }: { slots: number; mu: number; limitS: number; quantile?: number },
): SearchQueue {
  return queue(name, {
    clauses: [quantileClause("ttft", quantile, limitS)],
    truthPerSecond: mmcMaxRate({ c: slots, mu, limitS, quantile }),
    server: (seed) => fifoServer({ slots, serviceS: (draws) => draws.exponential(mu), seed }),
  });
}

export const MM1 = mmc("M/M/1", { slots: 1, mu: 20, limitS: 0.5 });
export const MM4 = mmc("M/M/4", { slots: 4, mu: 10, limitS: 1 });
export const MM8 = mmc("M/M/8", { slots: 8, mu: 10, limitS: 0.6, quantile: 0.95 });
/** Only 2,000 requests in 300 s: one of the limits that docs/search.md states. */
export const MM8_SLOW = mmc("M/M/8, slow", { slots: 8, mu: 1, limitS: 6 });
/** The server of `npm start`. */
export const MM16_FAST = mmc("M/M/16, fast", { slots: 16, mu: 1 / 0.06, limitS: 0.5 });

export const MD1 = queue("M/D/1", {
  clauses: [quantileClause("ttft", 0.99, 0.2)],
  truthPerSecond: md1MaxRate({ serviceS: 0.02, limitS: 0.2, quantile: 0.99 }),
  server: (seed) => fifoServer({ slots: 1, serviceS: () => 0.02, seed }),
});

/** Bound by its first tokens. The truth is of four runs of 12,000 s at each of five rates, between them log-linear. */
export const BATCH_TTFT = queue("batching, TTFT binds", {
  clauses: [quantileClause("ttft", 0.99, 0.5), quantileClause("itl", 0.99, 0.05)],
  truthPerSecond: 18.32,
  server: (seed) =>
    batchServer({
      baseS: 0.008,
      perSequenceS: 0.00005,
      perPromptTokenS: 0.00005,
      sequencesMax: 256,
      tokensPerStep: 512,
      promptTokens: (draws) => draws.logNormal(512, 0.8),
      outputTokens: (draws) => draws.logNormal(128, 0.7),
      seed,
    }),
});

/** Bound by its steps. The truth is found as that of BATCH_TTFT. */
export const BATCH_ITL = queue("batching, ITL binds", {
  clauses: [quantileClause("ttft", 0.99, 1), quantileClause("itl", 0.99, 0.042)],
  truthPerSecond: 16.39,
  bindingIndex: 1,
  server: (seed) =>
    batchServer({
      baseS: 0.008,
      perSequenceS: 0.0002,
      perPromptTokenS: 0.00002,
      sequencesMax: 512,
      tokensPerStep: 1024,
      promptTokens: (draws) => draws.logNormal(256, 0.8),
      outputTokens: (draws) => draws.logNormal(200, 0.7),
      seed,
    }),
});
