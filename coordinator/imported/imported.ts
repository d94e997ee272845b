import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { Contender } from "../compare/contender.ts";
import { readAiperf } from "./aiperf.ts";
import { Fields } from "./fields.ts";
import { readGuidellm } from "./guidellm.ts";
import type { Imported } from "./imported-run.ts";
import { readVllmBench } from "./vllm-bench.ts";

/**
 * Reads the result file of GuideLLM, AIPerf or `vllm bench serve`; which of them it is, its own fields say.
 *
 * @param place the file, for messages.
 * @throws LoadError LL_IMPORT_UNKNOWN, LL_IMPORT_VERSION.
 */
export function readImported(text: string, place: string): Imported {
  const file = new Fields(jsonOf(text));
  const imported =
    readGuidellm(file, place) ?? readAiperf(file, place) ?? readVllmBench(file, place);
  if (imported !== undefined) return imported;
  const schema = file.at("schema").text;
  throw new LoadError(
    schema?.startsWith("loadline/") === true
      ? `${place} is a file of a Loadline run, and the run is asked for`
      : `${place} is no result file that is known`,
    {
      code: "LL_IMPORT_UNKNOWN",
      hint:
        schema?.startsWith("loadline/") === true
          ? "give the run's folder"
          : "give a run's folder, GuideLLM's benchmarks.json, AIPerf's profile_export_aiperf.json, or what vllm bench serve --save-result writes",
      exitCode: ExitCode.PlanInvalid,
    },
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Another tool's run as a comparison sees it. */
export function contenderOfImported(
  imported: Imported,
  { name, source }: { readonly name: string; readonly source: string },
): Contender {
  const { tool, model, windows, limits } = imported;
  return {
    name,
    origin: tool,
    source,
    model,
    maxRate: undefined,
    noRateReason: `${tool} searched no maximum rate`,
    isHopeless: false,
    saturationPerSecond: null,
    leadMetric: "ttft",
    windows: [...windows].sort((a, b) => a.requestsPerSecond - b.requestsPerSecond),
    traits: { model: { key: model, text: model } },
    warnings: [`figures of ${tool}, taken as they are`, ...limits],
  };
}
