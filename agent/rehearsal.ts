import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { PrepareRun, Target } from "../shared/control/control.ts";
import { GEOMETRY } from "../shared/measurement/histogram.ts";
import type { Segment } from "../shared/segment/segment.ts";
import { sleepUntil } from "../shared/time/clock.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../shared/units.ts";
import { AgentRun } from "./agent-run.ts";
import type { HealthMeter } from "./health/health-meter.ts";
import type { Endpoint, PacingClock, ReportLink, RequestOrder } from "./ports.ts";
import { Reporter } from "./reporting/reporter.ts";

const RATE_PER_SECOND = 300;
const DURATION_NS = 1.2 * NS_PER_SECOND;
const TOKENS = 24;
const REHEARSAL = { runId: "rehearsal", incarnation: 1, seed: 1 } as const;

/** The real parts that are rehearsed with; `health` is closed at the end. */
export interface Stage {
  readonly clock: PacingClock;
  readonly health: HealthMeter;
  readonly endpointOf: (target: Target) => Endpoint;
  readonly encoderOf: (target: Target) => (prompt: string, outputTokens: number) => RequestOrder;
}

/**
 * Fires a second of load at a sink within this process, so that every line of the firing path is compiled before
 * the first request that counts: without it the first second of a run is sent up to 25 ms late. Nothing of it is
 * kept, and no other host sees it.
 */
export async function rehearse(agentId: string, stage: Stage): Promise<void> {
  const { clock } = stage;
  const server = await startSink();
  const { port } = server.address() as AddressInfo;
  const prepareRun = rehearsalOf(`http://127.0.0.1:${port}/v1`);
  const { target } = prepareRun;
  const run = new AgentRun({
    agentId,
    prepareRun,
    clock,
    endpoint: stage.endpointOf(target),
    encode: stage.encoderOf(target),
    reporter: new Reporter({
      runId: REHEARSAL.runId,
      agentId,
      epoch: 1,
      clock,
      link: NULL_LINK,
      address: prepareRun.report,
    }),
    health: stage.health,
    onStart: () => undefined,
  });
  const segment = segmentFor(agentId);
  const clockOffset = { aheadNs: clock.nowNs(), errorBoundNs: 0 };
  await run.arm({ runId: REHEARSAL.runId, incarnation: 1, segment, clockOffset });
  run.lease({ ...REHEARSAL, segmentNumber: 1, expiresInNs: 2 * DURATION_NS });
  await sleepUntil(clock, clockOffset.aheadNs + segment.endByNs);
  await run.release();
  server.closeAllConnections();
  server.close();
}

function segmentFor(agentId: string): Segment {
  const startAtNs = 20 * NS_PER_MS;
  return {
    number: 1,
    mode: { kind: "open", arrivals: { kind: "poisson", ratePerSecond: RATE_PER_SECOND } },
    startAtNs,
    recordFromNs: startAtNs,
    recordUntilNs: startAtNs + DURATION_NS,
    endByNs: startAtNs + DURATION_NS,
    requestsMax: 0,
    shares: [{ agentId, capacity: 1 }],
  };
}

function rehearsalOf(url: string): PrepareRun {
  const target: Target = {
    url,
    endpoint: "chat",
    model: "rehearsal",
    apiKeyEnv: undefined,
    headers: {},
    extraBody: {},
    timeoutNs: NS_PER_SECOND,
    caPem: undefined,
    tlsInsecure: false,
    forceOutput: false,
  };
  const lengths = { kind: "fixed", tokens: TOKENS } as const;
  return {
    ...REHEARSAL,
    target,
    workload: {
      classes: [{ name: "default", weight: 1, promptTokens: lengths, outputTokens: lengths }],
    },
    thresholds: [
      { clause: 0, metric: "ttft", thresholds: [NS_PER_MS, NS_PER_SECOND], className: undefined },
      { clause: 1, metric: "itl", thresholds: [1, 2, 3, 4], className: undefined },
      { clause: 2, metric: "goodput", thresholds: [], className: undefined },
    ],
    geometry: GEOMETRY,
    report: { url: "127.0.0.1:0", certificateFingerprint: "" },
    limits: {
      inFlightMax: RATE_PER_SECOND,
      drainMaxNs: NS_PER_SECOND,
      intervalNs: NS_PER_SECOND / 4,
      leaseNs: 2 * DURATION_NS,
    },
    keepRecords: true,
  };
}

/** Takes every report and forgets it. */
const NULL_LINK: ReportLink = {
  open: (_address, _agentId, events) => {
    queueMicrotask(() => {
      events.onOpen();
    });
    return {
      sendInterval: (report) => {
        queueMicrotask(() => {
          events.onAck(report.epoch, report.sequence);
        });
        return true;
      },
      sendRecords: () => true,
      close: () => Promise.resolve(),
    };
  },
};

function startSink(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume();
    request.once("end", () => {
      stream(response);
    });
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve(server);
    });
  });
}

/** A token each millisecond or so, in the shape of the common server. */
function stream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let left = TOKENS;
  const next = (): void => {
    left -= 1;
    if (response.destroyed) return;
    if (left > 0) {
      response.write(event({ choices: [{ index: 0, delta: { content: "word " } }] }));
      setTimeout(next, 1);
      return;
    }
    const usage = { prompt_tokens: TOKENS, completion_tokens: TOKENS, total_tokens: 2 * TOKENS };
    response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: "length" }] }));
    response.write(event({ choices: [], usage }));
    response.end("data: [DONE]\n\n");
  };
  next();
}

function event(fields: Record<string, unknown>): string {
  return `data: ${JSON.stringify({ id: "rehearsal", object: "chat.completion.chunk", ...fields })}\n\n`;
}
