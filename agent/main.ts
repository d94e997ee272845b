import { lookup } from "node:dns/promises";
import { availableParallelism, constants, hostname, setPriority } from "node:os";
import type { NatsConnection } from "@nats-io/transport-node";
import type { PolicySummary, PrepareRun, Refusal, Target } from "../shared/control/control.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import type { Identity } from "../shared/platform/identity.ts";
import { assertMaySubscribe, connectNats } from "../shared/platform/nats.ts";
import { fleetSubjects } from "../shared/platform/nats-subjects.ts";
import { SystemGauges } from "../shared/platform/process-gauges.ts";
import { settleCode } from "../shared/platform/settle-code.ts";
import { socketLimits } from "../shared/platform/socket-limits.ts";
import { SystemClock } from "../shared/platform/system-clock.ts";
import { Agent, type AgentIdentity, type AgentOptions } from "./agent.ts";
import { AgentRun } from "./agent-run.ts";
import { openaiEndpoint } from "./endpoint/openai.ts";
import { orderEncoder } from "./endpoint/order-encoder.ts";
import { type EncodeOrder, twoEncoders, twoEndpoints } from "./endpoint/two-endpoints.ts";
import { HealthMeter } from "./health/health-meter.ts";
import { grpcReportLink } from "./link/grpc-report-link.ts";
import { natsAgentLink } from "./link/nats-link.ts";
import type { OnAgentNews } from "./news.ts";
import { checkPlan, checkSegment } from "./policy/policy.ts";
import { socketsHeld } from "./policy/sockets.ts";
import { resolveTargetAddresses } from "./policy/resolve.ts";
import type { Endpoint, NullSink } from "./ports.ts";
import { Reporter } from "./reporting/reporter.ts";
import { calibrateSelf, type SelfCalibration } from "./self-calibration/self-calibration.ts";

export interface AgentMainOptions {
  /** Tried in turn. */
  readonly natsUrls: readonly string[];
  readonly fleet: string;
  readonly agentId: string;
  readonly version: string;
  /** Of the message engine and of the report server alike; undefined where neither asks for one. */
  readonly token: string | undefined;
  /** This agent's own proof of who it is; undefined where a token is enough. */
  readonly identity: Identity | undefined;
  readonly policy: PolicySummary;
  /** Public nkeys whose signature a command needs; empty: it needs none. */
  readonly signers: readonly string[];
  /** How many agents of this host, this one included, share `policy` and the host's local ports. */
  readonly workerOf: number;
  /** Addresses of this host to connect from, in turn; empty leaves it to the system. */
  readonly sourceAddresses: readonly string[];
  /** Starts the server, on this host, that the agent calibrates itself against. */
  readonly startNullSink: () => Promise<NullSink>;
  readonly onNews: OnAgentNews;
}

export interface StartedAgent {
  /** It was drained, and no run holds it any more. */
  readonly left: Promise<void>;
  close(): Promise<void>;
}

/** Starts one agent in this process: joins the fleet and waits for a coordinator. */
export async function startAgent(asked: AgentMainOptions): Promise<StartedAgent> {
  const options = { ...asked, policy: ownPolicy(asked) };
  const { agentId, fleet, token, identity, onNews } = options;
  const clock = new SystemClock();
  const gauges = new SystemGauges(clock);
  const connection = await connectNats({
    servers: options.natsUrls,
    clientId: agentId,
    ...(identity === undefined ? { token } : { identity }),
    waitForServer: true,
    onWaiting: (error) => {
      onNews({ kind: "waiting", error });
    },
  });
  void tellOfConnection(connection, onNews);
  await assertMayTakePart(connection, fleet, agentId);
  const link = natsAgentLink({
    connection,
    fleet,
    agentId,
    signers: options.signers,
    onFault: (error) => {
      onNews({ kind: "fault", error });
    },
  });
  preferThisProcess();
  // Before the first hello: an agent that says it is free is ready to be timed.
  const calibration = await calibrate(options, { clock, gauges });
  settleCode();
  const described = { ...describe(options), ...calibration };
  const { promise: left, resolve: onLeft } = Promise.withResolvers<undefined>();
  const agent = new Agent({
    identity: described,
    clock,
    link,
    openRun: openerOf(options, { clock, gauges, described }),
    checkSegment: ({ segment }) => checkSegment(options.policy, segment, agentId),
    onLeft: () => {
      onLeft(undefined);
    },
    onNews,
  });
  agent.start();
  onNews({ kind: "joined", cleanRatePerSecond: described.cleanRatePerSecond });
  return {
    left,
    close: async () => {
      await agent.close();
      await connection.close();
    },
  };
}

async function tellOfConnection(connection: NatsConnection, onNews: OnAgentNews): Promise<void> {
  onNews({ kind: "connected", server: connection.getServer() });
  for await (const status of connection.status()) {
    if (status.type === "reconnect") onNews({ kind: "connected", server: status.server });
    if (status.type === "disconnect") onNews({ kind: "disconnected", server: status.server });
  }
}

/** What one agent of this machine would say of itself. */
export interface OneAgent extends SelfCalibration {
  readonly cores: number;
  /** Requests in flight that the system lets it hold. */
  readonly inFlightMax: number;
}

/** Calibrates this process as if it were an agent; takes about two seconds. */
export async function calibrateThisMachine(
  startNullSink: () => Promise<NullSink>,
): Promise<OneAgent> {
  const clock = new SystemClock();
  preferThisProcess();
  const gauges = new SystemGauges(clock);
  const calibration = await calibrate({ agentId: "preflight", startNullSink }, { clock, gauges });
  const inFlightMax = socketsHeld(socketLimits(), 1);
  return { ...calibration, cores: availableParallelism(), inFlightMax };
}

function calibrate(
  { agentId, startNullSink }: Pick<AgentMainOptions, "agentId" | "startNullSink">,
  { clock, gauges }: { readonly clock: SystemClock; readonly gauges: SystemGauges },
): Promise<SelfCalibration> {
  const stage = {
    agentId,
    clock,
    gauges: new SystemGauges(clock),
    healthMeter: () => new HealthMeter(clock, gauges),
    endpointOf: (target: Target) => openaiEndpoint({ target, clock, apiKey: undefined }),
    encoderOf: orderEncoder,
  };
  return calibrateSelf(stage, startNullSink);
}

/** This agent's part of what the operator allows, as far as the system allows it too. */
function ownPolicy({ policy, workerOf, sourceAddresses }: AgentMainOptions): PolicySummary {
  const sources = Math.max(1, sourceAddresses.length);
  // An address that is all its own brings ports that are.
  const held = socketsHeld(socketLimits(), sourceAddresses.length > 0 ? sources : 1 / workerOf);
  return {
    ...policy,
    ratePerSecondMax: policy.ratePerSecondMax / workerOf,
    inFlightMax: Math.min(Math.max(1, Math.floor(policy.inFlightMax / workerOf)), held),
  };
}

/** @throws LoadError LL_NATS_FORBIDDEN, as when a key is used in the name of another agent. */
async function assertMayTakePart(
  connection: NatsConnection,
  fleet: string,
  agentId: string,
): Promise<void> {
  try {
    const subjects = fleetSubjects(fleet);
    await assertMaySubscribe(connection, [subjects.agent(agentId), subjects.lease, subjects.abort]);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

/** An agent is an instrument: beside other work it should run first. Where the system forbids it, it does not. */
function preferThisProcess(): void {
  try {
    setPriority(constants.priority.PRIORITY_HIGH);
  } catch {
    // Not ours to ask for on this machine; the send delay will tell whether it mattered.
  }
}

function describe({
  agentId,
  version,
  policy,
}: AgentMainOptions): Omit<AgentIdentity, keyof SelfCalibration> {
  return {
    agentId,
    // Wall-clock ms: grows from one start of the same agent to the next. Where the clock was set back between them, the
    // coordinator knows the new one by the silence of the other.
    epoch: Date.now(),
    version,
    host: hostname(),
    processId: process.pid,
    cores: availableParallelism(),
    policy,
  };
}

interface Machine {
  readonly clock: SystemClock;
  readonly gauges: SystemGauges;
  readonly described: AgentIdentity;
}

function openerOf(options: AgentMainOptions, machine: Machine): AgentOptions["openRun"] {
  const { agentId, policy, token, identity, sourceAddresses, onNews } = options;
  const { clock, gauges, described } = machine;
  return async (prepareRun, onStart) => {
    const { target, against } = prepareRun;
    const opening = { policy, prepareRun, clock, sourceAddresses };
    const opened = await openTarget(target, opening);
    if ("code" in opened) return opened;
    const other = against === undefined ? undefined : await openTarget(against, opening);
    if (other !== undefined && "code" in other) {
      await opened.endpoint.close();
      return other;
    }
    const { endpoint, encode } = other === undefined ? opened : alternating(opened, other);
    const reporter = new Reporter({
      runId: prepareRun.runId,
      agentId,
      // Each coordinator of the run starts a count of its own.
      epoch: described.epoch + prepareRun.incarnation - 1,
      clock,
      link: grpcReportLink({ agentId, token: token ?? "", clock, tls: identity }),
      address: prepareRun.report,
    });
    const run = new AgentRun({
      agentId,
      prepareRun,
      clock,
      endpoint,
      encode,
      reporter,
      health: new HealthMeter(clock, gauges),
      onStart,
      onSealed: (sealed) => {
        onNews({ kind: "sealed", runId: prepareRun.runId, sealed });
      },
    });
    return {
      run,
      attach: (address) => {
        reporter.attach(address);
        return reporter.spooledReports;
      },
    };
  };
}

interface OpenTarget {
  readonly endpoint: Endpoint;
  readonly encode: ReturnType<typeof orderEncoder>;
}

/** Names are resolved once a run and pinned; the policy judges the addresses, not the name. */
async function openTarget(
  target: Target,
  options: Pick<AgentMainOptions, "policy" | "sourceAddresses"> &
    Pick<Machine, "clock"> & { readonly prepareRun: PrepareRun },
): Promise<OpenTarget | Refusal> {
  const { policy, prepareRun, clock, sourceAddresses } = options;
  const resolved = await resolveTargetAddresses(target.url, lookUp);
  const refusal = checkPlan(policy, prepareRun, resolved);
  if (refusal !== undefined) return refusal;
  const { addresses } = resolved;
  const apiKey = apiKeyOf(target);
  return {
    endpoint: openaiEndpoint({ target, clock, apiKey, addresses, sourceAddresses }),
    encode: orderEncoder(target),
  };
}

function alternating(
  target: OpenTarget,
  against: OpenTarget,
): { readonly endpoint: Endpoint; readonly encode: EncodeOrder } {
  return {
    endpoint: twoEndpoints(target.endpoint, against.endpoint),
    encode: twoEncoders(target.encode, against.encode),
  };
}

async function lookUp(host: string): Promise<readonly string[]> {
  const addresses = await lookup(host, { all: true });
  return addresses.map(({ address }) => address);
}

/** Keys are named in a plan and never travel: only this process's environment holds them. */
function apiKeyOf({ apiKeyEnv }: Target): string | undefined {
  if (apiKeyEnv === undefined) return undefined;
  const key = process.env[apiKeyEnv];
  if (key !== undefined && key !== "") return key;
  throw new LoadError(
    `the plan names ${apiKeyEnv} as the variable that holds the API key, but this agent has no such variable`,
    {
      code: "LL_API_KEY_MISSING",
      hint: `set ${apiKeyEnv} where the agent runs`,
      exitCode: ExitCode.PlanInvalid,
    },
  );
}
