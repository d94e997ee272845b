import { calibrationJson } from "../calibration-json.ts";
import type { SloClauseView } from "../../show/result.ts";
import type { EmittedFile, FileInput } from "./emitted-file.ts";
import { adapterFile, hpaFile } from "./hpa.ts";
import { kedaFile } from "./keda.ts";
import { knativeFile } from "./knative.ts";
import { kserveFile } from "./kserve.ts";
import { rulesFile } from "./prometheus-rules.ts";
import { rayFile } from "./ray.ts";
import { jsonFile, sagemakerFiles } from "./sagemaker.ts";

type Emitter = (input: FileInput, slo: readonly SloClauseView[]) => readonly EmittedFile[];

/** By the name that `--for` takes. */
const EMITTERS = {
  keda: (input) => [kedaFile(input)],
  hpa: (input) => [hpaFile(input), adapterFile(input)],
  ray: (input) => [rayFile(input)],
  knative: (input) => [knativeFile(input)],
  kserve: (input) => [kserveFile(input)],
  sagemaker: (input) => sagemakerFiles(input),
  prometheus: (input, slo) => [rulesFile(input, slo)],
} as const satisfies Record<string, Emitter>;

export type Autoscaler = keyof typeof EMITTERS;

export const AUTOSCALERS = Object.keys(EMITTERS) as readonly Autoscaler[];

export function isAutoscaler(name: string): name is Autoscaler {
  return (AUTOSCALERS as readonly string[]).includes(name);
}

/** Whether an autoscaler's file asks Prometheus for the engine's own metrics. */
export function asksEngine(autoscaler: Autoscaler): boolean {
  return ["keda", "hpa", "prometheus"].includes(autoscaler);
}

/** All files, whole, and `calibration.json` with everything behind them. */
export function emitFiles(
  input: FileInput,
  options: { readonly autoscalers: readonly Autoscaler[]; readonly slo: readonly SloClauseView[] },
): readonly EmittedFile[] {
  return [
    ...options.autoscalers.flatMap((autoscaler) => EMITTERS[autoscaler](input, options.slo)),
    jsonFile("calibration.json", calibrationJson(input.calibration, input.limits)),
  ];
}
