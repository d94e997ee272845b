import { listModels, pickModel } from "../agent/endpoint/probe.ts";
import { type Plan, resolveTarget } from "../coordinator/plan/plan.ts";
import type { Target } from "../shared/control/control.ts";
import { SystemClock } from "../shared/platform/system-clock.ts";
import { readFlagFile } from "./flag-file.ts";
import { waitUntilReady } from "./wait-ready.ts";

/**
 * The list of models is asked for when the plan leaves the model open, or waits for the target: nothing else reaches
 * the target before the first arrival.
 */
export async function resolvedTargetOf({ target, waitReadyS }: Plan): Promise<Target> {
  const caPem =
    target.caFile === undefined
      ? undefined
      : await readFlagFile("--ca", target.caFile, "a PEM file");
  const access = {
    url: target.url,
    headers: target.headers,
    apiKey: target.apiKeyEnv === undefined ? undefined : process.env[target.apiKeyEnv],
    caPem,
    tlsInsecure: target.tlsInsecure,
    clock: new SystemClock(),
  };
  if (waitReadyS !== undefined) await waitUntilReady(access, waitReadyS);
  const model = target.model ?? pickModel(await listModels(access), undefined);
  return resolveTarget(target, { model, caPem });
}
