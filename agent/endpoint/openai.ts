import type { Target } from "../../shared/control/control.ts";
import type { Clock } from "../../shared/time/clock.ts";
import type { Endpoint } from "../ports.ts";

export interface OpenAiEndpointOptions {
  readonly target: Target;
  readonly clock: Clock;
  /** The key itself, resolved on this machine; never logged. */
  readonly apiKey: string | undefined;
  /** Connect to these addresses only, whatever the name says by now (see agent/policy). */
  readonly addresses?: readonly string[];
}

export function openaiEndpoint(options: OpenAiEndpointOptions): Endpoint {
  throw new Error(`not built: ${options.target.url}`);
}
