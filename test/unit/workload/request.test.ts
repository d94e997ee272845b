import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { agentArrivals } from "../../../shared/arrivals/striped.ts";
import type { Segment } from "../../../shared/segment/segment.ts";
import { promptText } from "../../../shared/workload/prompt.ts";
import { drawRequest, type RequestKey } from "../../../shared/workload/request.ts";
import type { Workload } from "../../../shared/workload/workload.ts";

const chatAndRag: Workload = {
  classes: [
    {
      name: "chat",
      weight: 4,
      promptTokens: { kind: "lognormal", mean: 60, coefficientOfVariation: 0.8 },
      outputTokens: { kind: "uniform", low: 1, high: 1_000 },
    },
    {
      name: "rag",
      weight: 1,
      promptTokens: { kind: "normal", mean: 200, standardDeviation: 20 },
      outputTokens: { kind: "fixed", tokens: 5 },
    },
    {
      name: "off",
      weight: 0,
      promptTokens: { kind: "fixed", tokens: 1 },
      outputTokens: { kind: "fixed", tokens: 1 },
    },
  ],
};

const promptOf = (key: RequestKey): string => promptText(drawRequest(chatAndRag, key));

function segmentOf(agents: number): Segment {
  return {
    number: 3,
    mode: { kind: "open", arrivals: { kind: "poisson", ratePerSecond: 100 } },
    startAtNs: 0,
    recordFromNs: 0,
    recordUntilNs: 4e9,
    endByNs: 4e9,
    requestsMax: 0,
    shares: Array.from({ length: agents }, (_, place) => ({
      agentId: `agent-${place}`,
      capacity: 1 + (place % 3),
    })),
  };
}

test("the same seed sends the same prompts at the same instants with 1 agent or 50", () => {
  const promptsWith = (agents: number): string[] => {
    const segment = segmentOf(agents);
    const sent: { index: number; line: string }[] = [];
    for (const { agentId } of segment.shares) {
      const walk = agentArrivals({ segment, seed: 9, agentId });
      while (walk.next()) {
        const prompt = promptOf({ seed: 9, segment: segment.number, index: walk.index });
        sent.push({ index: walk.index, line: `${walk.intendedAtNs} ${prompt}` });
      }
    }
    return sent.sort((a, b) => a.index - b.index).map(({ line }) => line);
  };
  const alone = promptsWith(1);
  assert.ok(alone.length > 300);
  assert.deepEqual(promptsWith(50), alone);
  assert.deepEqual(promptsWith(7), alone);
});

test("classes come by their weight; one of weight 0 never does", () => {
  const classes = [1, 2, 0, 3].map((weight) => ({ ...chatAndRag.classes[0]!, weight }));
  const counts = [0, 0, 0, 0];
  for (let index = 0; index < 12_000; index++) {
    counts[drawRequest({ classes }, { seed: 1, segment: 1, index }).classIndex]! += 1;
  }
  // Binomial deviations are at most 55 here.
  for (const [i, expected] of [2_000, 4_000, 0, 6_000].entries()) {
    assert.ok(Math.abs(counts[i]! - expected) <= expected / 20, `${counts[i]}, not ${expected}`);
  }
});

test("the lengths of prompt and output know nothing of each other", () => {
  const uniform = { kind: "uniform", low: 0, high: 1_000 } as const;
  const workload: Workload = {
    classes: [{ name: "default", weight: 1, promptTokens: uniform, outputTokens: uniform }],
  };
  let products = 0;
  for (let index = 0; index < 10_000; index++) {
    const request = drawRequest(workload, { seed: 1, segment: 1, index });
    products += (request.promptTokens / 500 - 1) * (request.outputTokens / 500 - 1);
  }
  // The variance of each factor is 1/3, so a correlation of 1 gives 3,333 and none 0 ± 33.
  assert.ok(Math.abs(products) < 150, `${products}`);
});

test("drawing more for one purpose moves no other", () => {
  const [chat, rag] = chatAndRag.classes;
  const only = (promptTokens: Workload["classes"][0]["promptTokens"]): Workload => ({
    classes: [{ ...chat!, promptTokens }],
  });
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.maxSafeNat(), (seed, index) => {
      const key = { seed, segment: 1, index };
      // No draw, one draw and many draws for the prompt: outputs and nonces stay.
      const [none, one, many] = [
        drawRequest(only({ kind: "fixed", tokens: 8 }), key),
        drawRequest(only({ kind: "uniform", low: 1, high: 9 }), key),
        drawRequest(only({ kind: "normal", mean: 50, standardDeviation: 9 }), key),
      ];
      for (const other of [one, many]) {
        assert.deepEqual([other.outputTokens, other.nonce], [none.outputTokens, none.nonce]);
      }
      // Nor does a second class, which makes the class a draw.
      const mixed = drawRequest({ classes: [chat!, { ...chat!, name: rag!.name }] }, key);
      const single = drawRequest({ classes: [chat!] }, key);
      assert.deepEqual({ ...mixed, classIndex: 0 }, single);
    }),
    { seed: 4 },
  );
});

test("requests of another index, segment, seed, agent or ordinal have another nonce", () => {
  const keys: RequestKey[] = [
    { seed: 1, segment: 1, index: 0 },
    { seed: 1, segment: 1, index: 1 },
    { seed: 1, segment: 2, index: 0 },
    { seed: 2, segment: 1, index: 0 },
    { seed: 1, segment: 1, place: 0, ordinal: 0 },
    { seed: 1, segment: 1, place: 1, ordinal: 0 },
    { seed: 1, segment: 1, place: 0, ordinal: 1 },
  ];
  const nonces = keys.map((key) => drawRequest(chatAndRag, key).nonce);
  assert.equal(new Set(nonces).size, keys.length);
  assert.ok(nonces.every((nonce) => Number.isSafeInteger(nonce) && nonce >= 0));
});

test("requests are what they were: a seed means the same run in every release", () => {
  assert.deepEqual(drawRequest(chatAndRag, { seed: 1, segment: 1, index: 0 }), {
    classIndex: 1,
    promptTokens: 182,
    outputTokens: 5,
    nonce: 3585620174174560,
  });
});
