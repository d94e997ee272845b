import type { Target } from "../../shared/control/control.ts";
import type { Clock } from "../../shared/time/clock.ts";

/** How to reach a target before there is a plan for it. */
export interface TargetAccess {
  /** Base URL, as `normaliseTargetUrl` gives it. */
  readonly url: string;
  readonly clock: Clock;
  readonly apiKey?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly caPem?: string | undefined;
  readonly tlsInsecure?: boolean;
  /** How long the whole answer may take, ns. */
  readonly timeoutNs?: number;
  readonly addresses?: readonly string[];
}

export interface ProbeOptions extends TargetAccess {
  readonly endpoint: Target["endpoint"];
  /** Asked from `/v1/models` when left out. */
  readonly model?: string | undefined;
  readonly extraBody?: Readonly<Record<string, unknown>>;
  readonly outputTokens?: number;
}

/** What one streamed request showed of a target. */
export interface TargetFacts {
  readonly url: string;
  readonly model: string;
  /** What `/v1/models` lists; undefined when it has no list. */
  readonly models: readonly string[] | undefined;
  /** A role-only (or empty) event came before the first content. */
  readonly roleFirst: boolean;
  readonly contentEvents: number;
  /** Where the server's token counts came, or that they never did. */
  readonly usage: "own-event" | "finish-event" | "every-event" | "never";
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly finishReason: boolean;
  readonly doneMarker: boolean;
  /** The connection was still open a moment after the stream's end. */
  readonly keepsConnection: boolean;
  readonly headersNs: number;
  readonly firstContentNs: number;
}

export function listModels(access: TargetAccess): Promise<readonly string[]> {
  return Promise.reject(new Error(`not built: ${access.url}`));
}

/** The one model a target serves, or `wanted` when it is among them. */
export function pickModel(models: readonly string[], wanted: string | undefined): string {
  throw new Error(`not built: ${String(models.length)} ${String(wanted)}`);
}

export function probeTarget(options: ProbeOptions): Promise<TargetFacts> {
  return Promise.reject(new Error(`not built: ${options.url}`));
}
