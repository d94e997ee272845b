import type { Verdict } from "../../shared/slo/slo.ts";
import type { ProbeView, Quantile, Summary } from "./result.ts";

/** Verdicts as people read them. */
export const VERDICT_WORDS = {
  met: "PASS",
  violated: "FAIL",
  undecided: "UNDECIDED",
} as const satisfies Record<Verdict, string>;

/** The verdict on a window; one that the generator spoiled is void, whatever was counted. Empty without an SLO. */
export function verdictWord(probe: ProbeView): string {
  if (probe.verdict === null) return "";
  return probe.validity.verdict === "invalid" ? "VOID" : VERDICT_WORDS[probe.verdict];
}

/** What is shown where there is nothing to show. */
export const NOTHING = "–";

/** A rate, per second: three significant digits or the whole number, without an exponent. */
export function rate(valuePerSecond: number): string {
  return significant(valuePerSecond);
}

/** A number that was chosen, not measured: without zeros nobody wrote. */
export function chosen(value: number): string {
  const text = significant(value);
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** A time, given in ms, without its unit. */
export function ms(valueMs: number): string {
  return significant(valueMs);
}

/** A length of time, given in s, with its unit. */
export function seconds(valueS: number): string {
  if (valueS < 90) return `${significant(valueS)} s`;
  const whole = Math.round(valueS);
  const rest = whole % 60;
  return rest === 0 ? `${Math.floor(whole / 60)} min` : `${Math.floor(whole / 60)} min ${rest} s`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** A fraction as per cent, with as many digits as tell it from 0 and from 100. */
export function percent(fraction: number): string {
  const value = fraction * 100;
  if (value === 0 || value === 100) return `${value} %`;
  const distance = Math.min(value, 100 - value);
  if (distance >= 10) return `${value.toFixed(0)} %`;
  return `${Number(value.toFixed(distance >= 0.1 ? 1 : 2))} %`;
}

/** A quantile of a summary, or how many samples it takes. */
export function quantile(summary: Summary, name: Quantile): string {
  const value = summary[name];
  if (value !== null) return significant(value);
  const needed = summary.samplesNeeded?.[name];
  return summary.count === 0 || needed === undefined ? NOTHING : `n/a (needs ${count(needed)})`;
}

function significant(value: number): string {
  const size = Math.abs(value);
  if (size >= 1_000) return count(value);
  if (size >= 99.95) return value.toFixed(0);
  if (size >= 9.995) return value.toFixed(1);
  return value.toFixed(2);
}

/** "1 agent", "2 agents". */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}
