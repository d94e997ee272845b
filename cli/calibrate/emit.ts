import type { Command } from "commander";
import { calibrate } from "../../coordinator/calibrate/calibration.ts";
import { calibrationJson } from "../../coordinator/calibrate/calibration-json.ts";
import { calibrationText } from "../../coordinator/calibrate/calibration-text.ts";
import { ENGINE_NAMES, type EngineName, isEngineName } from "../../coordinator/server/engines.ts";
import {
  AUTOSCALERS,
  asksEngine,
  type Autoscaler,
  emitFiles,
  isAutoscaler,
} from "../../coordinator/calibrate/files/emit.ts";
import type { Deployment } from "../../coordinator/calibrate/files/emitted-file.ts";
import { limitsOf } from "../../coordinator/calibrate/validity-limits.ts";
import { printable } from "../../coordinator/show/paint.ts";
import type { Result } from "../../coordinator/show/result.ts";
import { readResultOfOne } from "../read-run.ts";
import { flagInvalid } from "../flag-invalid.ts";
import { addDelayFlags, calibrationOptionsOf, type DelayFlags, replicaBoundsOf } from "./flags.ts";
import { writeFiles } from "./write-files.ts";

interface EmitFlags extends DelayFlags {
  readonly for: string;
  readonly engine?: string;
  readonly namespace?: string;
  readonly deployment?: string;
  readonly model?: string;
  readonly prometheus: string;
  readonly hardware?: string;
  readonly out?: string;
  readonly json?: true;
}

/** What a run's folder is calibrated with. */
export function addEmitFlags(command: Command): Command {
  return addDelayFlags(command)
    .option("--for <autoscaler,...>", `files to write: ${AUTOSCALERS.join(", ")}`, "keda,hpa,ray")
    .option("--engine <name>", `whose metrics are asked for: ${ENGINE_NAMES.join(", ")}`)
    .option("--namespace <name>", "Kubernetes namespace of the deployment")
    .option("--deployment <name>", "its name (default: the model's, as a DNS label)")
    .option("--model <name>", "in the engine's metrics (default: the run's)")
    .option(
      "--prometheus <url>",
      "that KEDA asks",
      "http://prometheus-server.monitoring.svc.cluster.local",
    )
    .option("--hardware <text>", "what the run was measured on, for the validity limits")
    .option("--out <dir>", "where the files go; without it none is written")
    .option("--json", "the calibration on standard output, and nothing else there");
}

/** `loadline calibrate RUN`: decides, says why, and writes the files when it is told where. */
export async function emit(directory: string, flags: EmitFlags): Promise<void> {
  const autoscalers = autoscalersOf(flags.for);
  const options = calibrationOptionsOf(flags);
  const bounds = replicaBoundsOf(flags);
  const result = await readResultOfOne(directory);
  const calibration = calibrate(result, options);
  const limits = limitsOf(result, { hardware: flags.hardware, engine: flags.engine });
  const said: string[] = [];
  if (flags.out !== undefined) {
    const deployment = { ...deploymentOf(result, flags, autoscalers), ...bounds };
    const files = emitFiles({ calibration, deployment, limits }, { autoscalers, slo: result.slo });
    await writeFiles(flags.out, files);
    said.push(`files            ${flags.out}: ${files.map(({ name }) => name).join(", ")}`);
  } else said.push(`files            none written; --out DIR writes those for ${flags.for}`);
  process.stdout.write(
    flags.json === true
      ? `${JSON.stringify(calibrationJson(calibration, limits), undefined, 2)}\n`
      : [...calibrationText(calibration).trimEnd().split("\n"), ...said]
          .map((line) => `${printable(line)}\n`)
          .join(""),
  );
}

function autoscalersOf(text: string): readonly Autoscaler[] {
  const names = [...new Set(text.split(",").map((name) => name.trim()))];
  const unknown = names.find((name) => !isAutoscaler(name));
  if (unknown !== undefined)
    throw flagInvalid(
      `--for names "${unknown}", and there are no files for it`,
      `give one or more of ${AUTOSCALERS.join(", ")}, with commas between`,
    );
  return names.filter(isAutoscaler);
}

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** SageMaker and Ray know no namespaces. */
const WITHOUT_NAMESPACE: readonly Autoscaler[] = ["ray", "sagemaker"];

function deploymentOf(
  result: Result,
  flags: EmitFlags,
  autoscalers: readonly Autoscaler[],
): Omit<Deployment, "minReplicas" | "maxReplicas"> {
  const model = flags.model ?? result.target.model;
  return {
    engine: engineOf(flags.engine ?? result.server?.engine ?? undefined, autoscalers),
    namespace: namespaceOf(flags.namespace, autoscalers),
    workload: dnsLabel("--deployment", flags.deployment ?? labelOf(model)),
    model,
    prometheusUrl: prometheusOf(flags.prometheus),
  };
}

function engineOf(name: string | undefined, autoscalers: readonly Autoscaler[]): EngineName {
  if (name !== undefined && isEngineName(name)) return name;
  const asking = autoscalers.find(asksEngine);
  // The others never ask for a metric of the engine.
  if (name === undefined && asking === undefined) return "vllm";
  throw flagInvalid(
    name === undefined
      ? `the file for ${asking ?? ""} asks for the engine's metrics, and the run does not say which engine served it`
      : `--engine is ${name}, whose metrics are not known`,
    `give --engine one of ${ENGINE_NAMES.join(", ")}`,
  );
}

function namespaceOf(name: string | undefined, autoscalers: readonly Autoscaler[]): string {
  if (name !== undefined) return dnsLabel("--namespace", name);
  const needing = autoscalers.find((each) => !WITHOUT_NAMESPACE.includes(each));
  if (needing === undefined) return "";
  throw flagInvalid(
    `the file for ${needing} names a namespace, and none is given`,
    "give --namespace, so that the query counts this model's pods and no others",
  );
}

function dnsLabel(flag: string, name: string): string {
  if (DNS_LABEL.test(name)) return name;
  throw flagInvalid(
    `${flag} is "${name}", which is no name of Kubernetes`,
    `give ${flag} lower-case letters, digits and hyphens, at most 63`,
  );
}

/** "meta-llama/Llama-3.1-8B" → "meta-llama-llama-3-1-8b". */
function labelOf(model: string): string {
  const label = model
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 63);
  return label.replace(/^-+/, "").replace(/-+$/, "") || "model";
}

function prometheusOf(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol)) return text;
  throw flagInvalid(`--prometheus is "${text}", which is no http URL`, "give its base URL");
}
