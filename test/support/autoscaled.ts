import { once } from "node:events";
import { Agent, request as ask, type IncomingMessage, type ServerResponse } from "node:http";
import type { TestContext } from "node:test";
import { startHttp, startSimulator } from "./cli.ts";

/** A fleet behind a gateway, with a small autoscaler of its own: what Kubernetes does in minutes, in tenths of a second. */
export interface AutoscaledFleet {
  /** Of the gateway, with `/v1`. */
  readonly url: string;
  /** Prometheus text in the names of the llm-d endpoint picker, which tell how many replicas are ready. */
  readonly metricsUrl: string;
  /** How many replicas served, each time that changed; the first at the start. */
  readonly counts: readonly number[];
}

export interface AutoscaledOptions {
  /** Flags of `loadline simulate-server`, of each replica. */
  readonly replica: readonly string[];
  /** Requests in flight for each replica; undefined: nothing is ever scaled. */
  readonly target: number | undefined;
  readonly minReplicas: number;
  readonly maxReplicas: number;
  /** From a decision until a replica serves, ms. */
  readonly startupMs: number;
  readonly periodMs: number;
}

/**
 * All replicas run from the start, so that none has to be waited for; the gateway sends to as many as are up, in turn.
 * `ceil(in flight / target)` is asked for each period, and only ever more: a ramp does not fall.
 */
export async function startAutoscaled(
  context: TestContext,
  options: AutoscaledOptions,
): Promise<AutoscaledFleet> {
  const { replica, target, minReplicas, maxReplicas, startupMs, periodMs } = options;
  const replicas = await Promise.all(
    Array.from({ length: maxReplicas }, (_, place) =>
      startSimulator(context, [...replica, "--seed", String(place + 1)]),
    ),
  );
  const counts = [minReplicas];
  let asked = minReplicas;
  let inFlight = 0;
  let completed = 0;
  let turn = 0;
  const agent = new Agent({ keepAlive: true });
  const up = (): number => counts.at(-1) ?? minReplicas;
  const starts = new Set<NodeJS.Timeout>();
  const decide = setInterval(() => {
    if (target === undefined) return;
    const wanted = Math.min(maxReplicas, Math.ceil(inFlight / target));
    if (wanted <= asked) return;
    asked = wanted;
    starts.add(setTimeout(() => counts.push(wanted), startupMs));
  }, periodMs);
  context.after(() => {
    clearInterval(decide);
    for (const start of starts) clearTimeout(start);
    agent.destroy();
  });
  const metrics = (): string =>
    [
      `llm_d_epp_flow_control_queue_size 0`,
      `llm_d_epp_request_running ${inFlight}`,
      `llm_d_epp_ready_endpoints ${up()}`,
      `llm_d_epp_request_duration_seconds_count ${completed}`,
    ].join("\n");
  const pass = (incoming: IncomingMessage, answer: ServerResponse): void => {
    const base = replicas[turn++ % up()]?.url ?? "";
    inFlight += 1;
    const { method, headers } = incoming;
    const outgoing = ask(new URL(incoming.url ?? "", base), { method, headers, agent });
    outgoing.on("response", (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    outgoing.on("error", () => answer.destroy());
    void once(answer, "close").then(() => {
      inFlight -= 1;
      completed += 1;
    });
    incoming.pipe(outgoing);
  };
  const url = await startHttp(context, (incoming, answer) => {
    if (incoming.url === "/metrics") answer.end(`${metrics()}\n`);
    else pass(incoming, answer);
  });
  return { url: `${url}/v1`, metricsUrl: `${url}/metrics`, counts };
}
