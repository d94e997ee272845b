import type { Reading } from "../plan/problem.ts";
import { chosen, percent } from "../show/format.ts";
import { isFraction, SIMULATED_SIGNALS, type SimulatedSignal } from "./service-model.ts";
import type { ScalingRule } from "./simulation.ts";

const TARGET_MAX = 1e6;
const HINT = `write SIGNAL=NUMBER, such as waiting=5 or gpu=80%; signals: ${SIMULATED_SIGNALS.join(", ")}`;

/** `waiting=5`, `gpu=80%`. */
export function readRule(text: string): Reading<ScalingRule> {
  const [name, number] = text.split("=").map((part) => part.trim());
  if (name === undefined || !isSignal(name))
    return { message: `"${name ?? ""}" is no signal`, hint: HINT };
  const target = isFraction(name) ? partOf(number) : requestsOf(number);
  if (target !== undefined) return { value: { signal: name, target } };
  return {
    message: `"${number ?? ""}" is no number for ${name}`,
    hint: isFraction(name) ? `write ${name}=80%` : `write ${name}=5`,
  };
}

function partOf(text = ""): number | undefined {
  const target = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : 0;
  return target > 0 && target <= 1 ? target : undefined;
}

function requestsOf(text = ""): number | undefined {
  const target = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  return target > 0 && target <= TARGET_MAX ? target : undefined;
}

function isSignal(name: string): name is SimulatedSignal {
  return (SIMULATED_SIGNALS as readonly string[]).includes(name);
}

/** A rule as people read it. */
export function ruleText({ signal, target }: ScalingRule): string {
  return `${signal} ${isFraction(signal) ? percent(target) : chosen(target)}`;
}
