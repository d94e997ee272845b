import { assert } from "../assert.ts";
import { type Prng, type Purpose, randomStream } from "../random/stream.ts";
import { drawLength } from "./lengths.ts";
import type { Lengths, TrafficClass, Workload } from "./workload.ts";

/** Which request of a run: the i-th of the schedule, or the n-th of an agent in a mode without a schedule. */
export type RequestKey =
  | {
      readonly seed: number;
      /** The segment's number. */
      readonly segment: number;
      /** Of the arrival, in the whole fleet's schedule. */
      readonly index: number;
    }
  | {
      readonly seed: number;
      readonly segment: number;
      /** The agent's position in the segment's shares. */
      readonly place: number;
      /** How many requests this agent sent in the segment before this one. */
      readonly ordinal: number;
    };

/** What is asked of the target. */
export interface DrawnRequest {
  /** Position in the workload's classes. */
  readonly classIndex: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** Makes the prompt unlike any other: a whole number below 2⁵³. */
  readonly nonce: number;
}

/** The request of a key: the same on every agent, whatever was drawn before it. */
export function drawRequest(workload: Workload, key: RequestKey): DrawnRequest {
  const { seed, segment } = key;
  const { index, lane } = positionOf(key);
  const stream = (purpose: Purpose) => randomStream({ seed, segment, purpose, index, lane });

  const classIndex = drawClass(workload.classes, () => stream("class").nextUnit());
  const trafficClass = workload.classes[classIndex];
  assert(trafficClass !== undefined, "a workload has at least one class");
  return {
    classIndex,
    promptTokens: lengthOf(trafficClass.promptTokens, () => stream("prompt-tokens")),
    outputTokens: lengthOf(trafficClass.outputTokens, () => stream("output-tokens")),
    nonce: stream("nonce").nextUnit() * 2 ** 53,
  };
}

/** A fixed length, as most are, needs no stream to be made. */
function lengthOf(lengths: Lengths, stream: () => Prng): number {
  return lengths.kind === "fixed" ? lengths.tokens : drawLength(lengths, stream());
}

/** Lane 0 is the schedule's, lane 1 + p that of the agent at place p, so that no two requests share a key. */
function positionOf(key: RequestKey): { readonly index: number; readonly lane: number } {
  if ("index" in key) return { index: key.index, lane: 0 };
  return { index: key.ordinal, lane: 1 + key.place };
}

/** By weight; a class of weight 0 is never drawn. */
function drawClass(classes: readonly TrafficClass[], nextUnit: () => number): number {
  if (classes.length === 1) return 0;
  const sum = classes.reduce((total, { weight }) => total + weight, 0);
  assert(sum > 0, "the weights of the classes add up to more than 0");
  let left = nextUnit() * sum;
  let last = 0;
  for (const [index, { weight }] of classes.entries()) {
    if (weight <= 0) continue;
    if (left < weight) return index;
    left -= weight;
    last = index;
  }
  // Only rounding can bring it here: the last class that may be drawn.
  return last;
}
