import { type Prng, randomStream } from "../../../shared/random/stream.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../../shared/units.ts";
import type { Stretch } from "../sim-cluster.ts";
import type { Weather } from "../sim-network.ts";

/** What happens to one agent. Instants on the virtual clock, ns. */
export interface AgentFate {
  readonly agentId: string;
  /** Killed, and started again unless `againAtNs` is undefined. */
  readonly killedAtNs: number | undefined;
  readonly againAtNs: number | undefined;
  /** Nothing passes between it and the coordinator; its reports only, where only `reports` says so. */
  readonly cuts: readonly (Stretch & { readonly path: "all" | "reports" })[];
  /** As by SIGSTOP. */
  readonly stalls: readonly Stretch[];
}

/** Everything that goes wrong in one run, from its seed. */
export interface Fate {
  readonly weather: Weather;
  readonly agents: readonly AgentFate[];
  /** No control message reaches anybody. */
  readonly controlOut: Stretch | undefined;
  /** The coordinator is killed at each `fromNs`, and resumed at `untilNs`. */
  readonly coordinatorOut: readonly Stretch[];
}

export interface FateOptions {
  readonly seed: number;
  readonly agents: number;
  readonly durationS: number;
}

const KILL_RATE = 0.08;
const AGAIN_RATE = 0.5;
const CUT_RATE = 0.1;
const STALL_RATE = 0.08;
const CONTROL_OUT_RATE = 0.2;
const COORDINATOR_RATES = [0.4, 0.15] as const;
/** Agents of a large fleet do not all die: so many at most are harmed on average. */
const HARMED_MAX = 12;

/** What goes wrong under a seed: half of the runs have some of it, a tenth has none. */
export function fateOf({ seed, agents, durationS }: FateOptions, beganNs: number): Fate {
  const prng = randomStream({ seed, segment: 0, purpose: "prompt-tokens" });
  const scale = Math.min(1, HARMED_MAX / agents) * (prng.nextUnit() < 0.1 ? 0 : 1);
  const lengthNs = durationS * NS_PER_SECOND;
  const at = (): number => beganNs + Math.round(prng.nextUnit() * lengthNs);
  const stretch = (minS: number, maxS: number): Stretch => {
    const fromNs = at();
    const forS = minS + prng.nextUnit() * (maxS - minS);
    return { fromNs, untilNs: fromNs + Math.round(forS * NS_PER_SECOND) };
  };
  const happens = (rate: number): boolean => prng.nextUnit() < rate * scale;
  return {
    weather: weatherOf(prng),
    agents: Array.from({ length: agents }, (_, place) => {
      const killedAtNs = happens(KILL_RATE) ? at() : undefined;
      const isAgain = killedAtNs !== undefined && prng.nextUnit() < AGAIN_RATE;
      return {
        agentId: `agent-${place + 1}`,
        killedAtNs,
        againAtNs: isAgain
          ? killedAtNs + Math.round((0.5 + 15 * prng.nextUnit()) * NS_PER_SECOND)
          : undefined,
        cuts: happens(CUT_RATE)
          ? [
              {
                ...stretch(0.5, 12),
                path: prng.nextUnit() < 0.5 ? ("all" as const) : ("reports" as const),
              },
            ]
          : [],
        stalls: happens(STALL_RATE) ? [stretch(0.2, 12)] : [],
      };
    }),
    controlOut: prng.nextUnit() < CONTROL_OUT_RATE * Math.ceil(scale) ? stretch(0.5, 8) : undefined,
    coordinatorOut: outagesOf(prng, stretch, Math.ceil(scale)),
  };
}

function weatherOf(prng: Prng): Weather {
  const isSlow = prng.nextUnit() < 0.3;
  return {
    delayMinNs: 0.2 * NS_PER_MS,
    delayMaxNs: (isSlow ? 30 : 3) * NS_PER_MS,
    duplicateRate: 0.2 * prng.nextUnit(),
    breakRate: 0.05 * prng.nextUnit(),
    lossRate: prng.nextUnit() < 0.5 ? 0 : 0.04 * prng.nextUnit(),
  };
}

function outagesOf(
  prng: Prng,
  stretch: (minS: number, maxS: number) => Stretch,
  scale: number,
): readonly Stretch[] {
  const outages: Stretch[] = [];
  for (const rate of COORDINATOR_RATES) {
    if (prng.nextUnit() >= rate * scale) continue;
    const next = stretch(0.05, 8);
    const last = outages.at(-1);
    if (last === undefined || next.fromNs > last.untilNs) outages.push(next);
  }
  return outages;
}
