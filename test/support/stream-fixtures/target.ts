import type { Target } from "../../../shared/control/control.ts";

/** A target with nothing special but what the test says. */
export function aTarget(options: Partial<Target> & Pick<Target, "url">): Target {
  return {
    endpoint: "chat",
    model: "tiny",
    apiKeyEnv: undefined,
    headers: {},
    extraBody: {},
    timeoutNs: 0,
    caPem: undefined,
    tlsInsecure: false,
    forceOutput: false,
    ...options,
  };
}
