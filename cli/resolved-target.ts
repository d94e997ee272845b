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
export async function resolvedTargetOf({
  target,
  waitReadyS,
}: Pick<Plan, "target" | "waitReadyS">): Promise<Target> {
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

/** As `resolvedTargetOf`, of the other endpoint of a plan that has one: everything but its place and model is alike. */
export async function resolvedAgainstOf(
  { target, against, waitReadyS }: Pick<Plan, "target" | "against" | "waitReadyS">,
  model = target.model,
): Promise<Target | undefined> {
  if (against === undefined) return undefined;
  return await resolvedTargetOf({ target: { ...target, url: against.url, model }, waitReadyS });
}
