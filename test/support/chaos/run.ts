import type { Agent } from "../../../agent/agent.ts";
import { parsePlan } from "../../../coordinator/plan/parse.ts";
import type { Plan } from "../../../coordinator/plan/plan.ts";
import { concludeRun } from "../../../coordinator/run/conclude.ts";
import { Run } from "../../../coordinator/run/run.ts";
import type { RunEnd } from "../../../coordinator/run/run-contract.ts";
import { LoadError } from "../../../shared/errors.ts";
import { randomStream } from "../../../shared/random/stream.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import { RUN_ID, type ServedRequest, simAgent, TARGET } from "../sim-cluster.ts";
import { SimClock } from "../sim-clock.ts";
import { SimNetwork } from "../sim-network.ts";
import { clusterOptions, replayOf } from "../sim-run.ts";
import { type Disk, diskStore } from "./disk.ts";
import { Life, stalledClock } from "./mortal.ts";
import { type AgentFate, type Fate, type FateOptions, fateOf } from "./weather.ts";

export interface ChaosOptions extends FateOptions {
  readonly requestsPerSecond: number;
  /** The planted bug: reports are acknowledged before they are written down. */
  readonly acknowledgesFirst?: boolean;
}

/** What came of it, beside the simulator's own log. */
export interface ChaosEnd {
  readonly plan: Plan;
  readonly fate: Fate;
  readonly served: readonly ServedRequest[];
  readonly disk: Disk;
  /** As the last coordinator has it; undefined when it refused to go on, and then `error` says why. */
  readonly end: RunEnd | undefined;
  readonly error: LoadError | undefined;
  /** The answer was there when the last coordinator was killed: nobody was asked for what is missing. */
  readonly isConcluded: boolean;
  readonly seen: SimNetwork["seen"];
  readonly virtualS: number;
}

const BEGAN_NS = 10 * NS_PER_SECOND;
/** Agents are ready by then, and the first segment is on its way. */
const CALM_NS = 2 * NS_PER_SECOND;
const WINDOWS = 4;

/** A run over a fleet, with everything going wrong that the seed says, until it has an end. */
export async function runChaos(options: ChaosOptions): Promise<ChaosEnd> {
  const { seed } = options;
  const fate = fateOf(options, BEGAN_NS + CALM_NS);
  const clock = new SimClock(BEGAN_NS);
  const prng = randomStream({ seed, segment: 0, purpose: "nonce" });
  const network = new SimNetwork(clock, prng, fate.weather);
  network.isCut = cutsOf(fate, clock);
  const served: ServedRequest[] = [];
  const lives = fate.agents.map((each) => startAgent(each, { clock, prng, network, served }));
  const plan = planOf(options);
  const disk: Disk = [];
  const last = await coordinate({ ...options, plan, fate, clock, network, disk });
  await Promise.all(lives.map((close) => close()));
  const virtualS = (clock.nowNs() - BEGAN_NS) / NS_PER_SECOND;
  return { plan, fate, served, disk, ...last, seen: network.seen, virtualS };
}

/** Every fourth run is a search, whose windows are repeated; the others are lists of rates. */
export function planOf({ seed, durationS, requestsPerSecond: rate }: ChaosOptions): Plan {
  const common = { target: TARGET.url, slo: ["ttft p50 <= 100ms"], seed: String(seed) };
  if (seed % 4 === 0)
    return parsePlan({
      command: "find",
      flags: {
        ...{ ...common, method: "bisect", minRate: String(rate), maxRate: String(2 * rate) },
        timeBudget: `${Math.max(10, durationS)}s`,
      },
    });
  const rates = Array.from({ length: WINDOWS }, (_, place) => (rate * (place + 2)) / WINDOWS);
  const duration = `${durationS / WINDOWS}s`;
  return parsePlan({ command: "run", flags: { ...common, rate: rates.join(","), duration } });
}

interface Place {
  readonly clock: SimClock;
  readonly prng: ReturnType<typeof randomStream>;
  readonly network: SimNetwork;
  readonly served: ServedRequest[];
}

/** Starts an agent, kills it and starts it again in its time; returns what closes it in the end. */
function startAgent(fate: AgentFate, place: Place): () => Promise<void> {
  const { clock } = place;
  let process = agentProcess(fate, place, 1);
  if (fate.killedAtNs !== undefined)
    clock.callAt(fate.killedAtNs, () => {
      process.life.kill();
    });
  if (fate.againAtNs !== undefined)
    clock.callAt(fate.againAtNs, () => {
      process = agentProcess(fate, place, 1_000);
    });
  return () => process.agent.close();
}

function agentProcess(
  { agentId, stalls }: AgentFate,
  { clock, prng, network, served }: Place,
  epoch: number,
): { readonly life: Life; readonly agent: Agent } {
  const life = new Life();
  const agent = simAgent(agentId, {
    clock: life.clock(stalledClock(clock, stalls)),
    prng,
    network: {
      controlLink: (id) => life.controlLink(network.controlLink(id)),
      reportLink: () => life.reportLink(network.reportLink()),
    },
    served,
    epoch,
    faults: {},
  });
  agent.start();
  return { life, agent };
}

function cutsOf({ agents, controlOut }: Fate, clock: SimClock): SimNetwork["isCut"] {
  const cuts = new Map(agents.map((each) => [each.agentId, each.cuts] as const));
  return (agentId, path) => {
    const nowNs = clock.nowNs();
    const isOut = path === "control" && controlOut !== undefined;
    if (isOut && nowNs >= controlOut.fromNs && nowNs < controlOut.untilNs) return true;
    return (cuts.get(agentId) ?? []).some(
      (cut) =>
        nowNs >= cut.fromNs && nowNs < cut.untilNs && (cut.path === "all" || path === "reports"),
    );
  };
}

interface Coordinating extends ChaosOptions {
  readonly plan: Plan;
  readonly fate: Fate;
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly disk: Disk;
}

/** One coordinator after the other, each going on from what is on the disk. */
async function coordinate(
  of: Coordinating,
): Promise<Pick<ChaosEnd, "end" | "error" | "isConcluded">> {
  const { clock, fate, network } = of;
  for (let incarnation = 1; ; incarnation += 1) {
    const out = fate.coordinatorOut[incarnation - 1];
    const life = new Life();
    let isKilled = false;
    if (out !== undefined)
      clock.callAt(out.fromNs, () => {
        life.kill();
        network.endReportServer();
        isKilled = true;
      });
    let last: Pick<ChaosEnd, "end" | "error" | "isConcluded"> | undefined;
    oneCoordinator(of, { life, incarnation }).then(
      ({ end, isConcluded }) => {
        last = { end, isConcluded, error: undefined };
      },
      (error: unknown) => {
        if (!(error instanceof LoadError)) throw error;
        last = { end: undefined, isConcluded: false, error };
      },
    );
    await clock.runUntil(() => last !== undefined || isKilled);
    if (last !== undefined) return last;
    let isAgain = false;
    clock.callAt(out?.untilNs ?? 0, () => {
      isAgain = true;
    });
    await clock.runUntil(() => isAgain);
  }
}

async function oneCoordinator(
  { plan, seed, agents, clock, network, disk, acknowledgesFirst = false }: Coordinating,
  { life, incarnation }: { readonly life: Life; readonly incarnation: number },
): Promise<{ readonly end: RunEnd; readonly isConcluded: boolean }> {
  const store = diskStore(disk, { life, clock: life.clock(clock) }, acknowledgesFirst);
  const isFirst = !disk.some(({ kind }) => kind === "line");
  const ledger = isFirst ? undefined : await replayOf(plan, disk);
  if (ledger?.decided !== undefined)
    return {
      end: await concludeRun(ledger, { decision: ledger.decided, store }),
      isConcluded: true,
    };
  const options = clusterOptions(plan);
  const run = new Run(
    {
      ...options,
      runId: RUN_ID,
      ...{ incarnation, seed, target: TARGET },
      // Whoever resumes goes on with whom there is.
      agentsMin: isFirst ? agents : 1,
      intervalNs: NS_PER_SECOND,
      armLeadNs: NS_PER_SECOND,
    },
    {
      clock: life.clock(clock),
      link: life.fleetLink(network.fleetLink()),
      store,
      startReportServer: (receiver) => network.startReportServer(receiver),
      onEvent: () => undefined,
      interrupt: new AbortController().signal,
    },
    ledger,
  );
  return { end: await life.promise(run.execute()), isConcluded: false };
}
