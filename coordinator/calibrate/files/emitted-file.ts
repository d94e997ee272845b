import { stringify } from "yaml";
import type { Calibration } from "../calibration.ts";
import type { EngineName } from "../../server/engines.ts";

/** A file that was decided on and not yet written. */
export interface EmittedFile {
  readonly name: string;
  readonly text: string;
}

/** Where the model is served, as the files have to name it. */
export interface Deployment {
  readonly namespace: string;
  /** Name of the Deployment, Knative service, Ray deployment or SageMaker endpoint. */
  readonly workload: string;
  readonly model: string;
  readonly engine: EngineName;
  readonly prometheusUrl: string;
  readonly minReplicas: number;
  readonly maxReplicas: number;
}

/** What a calibration holds for, and no longer than that. Values are short texts. */
export interface ValidityLimits {
  readonly loadline: string;
  readonly run: string;
  readonly measuredAt: string;
  readonly slo: string;
  readonly promptTokens: string;
  readonly outputTokens: string;
  readonly prefix: string;
  readonly engine: string;
  readonly hardware: string;
}

export interface FileInput {
  readonly calibration: Calibration;
  readonly deployment: Deployment;
  readonly limits: ValidityLimits;
}

const PREFIX = "loadline";

/** The limits and the numbers behind a manifest, as annotations of its object. */
export function annotationsOf({
  calibration,
  limits,
}: FileInput): Readonly<Record<string, string>> {
  const { target, measured, plannedPerSecond, headroomFraction } = calibration;
  const numbers = {
    signal: target.signal,
    target: String(target.value),
    knee: String(target.knee),
    "sustained-per-second": digits(measured.sustainedPerSecond),
    "planned-per-second": digits(plannedPerSecond),
    headroom: digits(headroomFraction),
  };
  const texts = {
    version: limits.loadline,
    run: limits.run,
    "measured-at": limits.measuredAt,
    slo: limits.slo,
    "prompt-tokens": limits.promptTokens,
    "output-tokens": limits.outputTokens,
    prefix: limits.prefix,
    engine: limits.engine,
    hardware: limits.hardware,
  };
  return Object.fromEntries(
    Object.entries({ ...numbers, ...texts }).map(([key, value]) => [`${PREFIX}/${key}`, value]),
  );
}

/** One YAML document under a comment of its own. */
export function yamlFile(name: string, comment: readonly string[], document: unknown): EmittedFile {
  const head = comment.map((line) => `# ${line}\n`).join("");
  return { name, text: head + stringify(document, { lineWidth: 0 }) };
}

/** What every file begins with. */
export function headOf({ calibration, limits }: FileInput): readonly string[] {
  const { target, measured, plannedPerSecond, delayS } = calibration;
  return [
    `Written by loadline calibrate from the run ${limits.run}.`,
    `One replica carries ${digits(measured.sustainedPerSecond)} requests/s within ${limits.slo}; ${digits(plannedPerSecond)} are planned,`,
    `so that ${digits(delayS)} s until new replicas are ready can be survived. ${target.signal} is ${target.value} there, ${target.knee} at the limit.`,
    "It holds for the lengths, engine and hardware below; measure again when they change.",
  ];
}

/** Three significant digits, or the whole number. */
export function digits(value: number): string {
  return value >= 1_000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** Shared by KEDA and the HPA: up at once, down slowly. */
export const BEHAVIOR = {
  scaleUp: {
    stabilizationWindowSeconds: 0,
    policies: [
      { type: "Percent", value: 100, periodSeconds: 15 },
      { type: "Pods", value: 4, periodSeconds: 15 },
    ],
    selectPolicy: "Max",
  },
  scaleDown: {
    stabilizationWindowSeconds: 300,
    policies: [
      { type: "Percent", value: 10, periodSeconds: 60 },
      { type: "Pods", value: 1, periodSeconds: 60 },
    ],
    selectPolicy: "Max",
  },
} as const;
