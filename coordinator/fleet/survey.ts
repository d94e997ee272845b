import type { Hello } from "../../shared/control/control.ts";
import { type Clock, sleepUntil } from "../../shared/time/clock.ts";
import { type ClockProbe, estimateClockOffset } from "../../shared/time/clock-offset.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../shared/units.ts";
import type { FleetLink } from "../ports.ts";

/** Each agent says hello every second: two of them, and some time on the way. */
const LISTEN_NS = 2.5 * NS_PER_SECOND;
/** As many exchanges as a run takes. */
const CLOCK_PROBES = 16;
const PROBE_TIMEOUT_NS = 2 * NS_PER_SECOND;

/** One agent as it shows itself from outside, without a run. */
export interface SurveyedAgent {
  /** Its newest. */
  readonly hello: Hello;
  /** Processes that said hello by this id, as "host (process 7)": more than one disturb each other. */
  readonly processes: readonly string[];
  /** How wrong its clock's offset may be; undefined: it did not answer. */
  readonly clockErrorBoundNs: number | undefined;
}

/** Who is there: listens to hellos, then asks each agent for the time. In the order of the ids. */
export async function surveyFleet(
  link: Pick<FleetLink, "onHello" | "request">,
  clock: Clock,
): Promise<readonly SurveyedAgent[]> {
  const hellos = new Map<string, Hello>();
  const processes = new Map<string, Set<string>>();
  link.onHello((hello) => {
    const { agentId, host, processId } = hello;
    const known = processes.get(agentId) ?? new Set();
    processes.set(agentId, known.add(`${host} (process ${processId})`));
    if (hello.epoch >= (hellos.get(agentId)?.epoch ?? 0)) hellos.set(agentId, hello);
  });
  await sleepUntil(clock, clock.nowNs() + LISTEN_NS);
  const heard = [...hellos.values()].sort((a, b) => (a.agentId < b.agentId ? -1 : 1));
  return Promise.all(
    heard.map(async (hello) => ({
      hello,
      processes: [...(processes.get(hello.agentId) ?? [])],
      clockErrorBoundNs: await clockErrorBoundNs(link, clock, hello.agentId).catch(() => undefined),
    })),
  );
}

async function clockErrorBoundNs(
  link: Pick<FleetLink, "request">,
  clock: Clock,
  agentId: string,
): Promise<number | undefined> {
  const probes: ClockProbe[] = [];
  for (let attempt = 0; attempt < CLOCK_PROBES; attempt += 1) {
    const request = { kind: "clock-probe", sentAtNs: clock.nowNs() } as const;
    const response = await link.request(agentId, request, PROBE_TIMEOUT_NS);
    const answeredAtNs = clock.nowNs();
    if (response.kind !== "clock-probe") return undefined;
    const { requestSentAtNs: sentAtNs, receivedAtNs, repliedAtNs } = response;
    probes.push({ sentAtNs, receivedAtNs, repliedAtNs, answeredAtNs });
    await sleepUntil(clock, clock.nowNs() + NS_PER_MS);
  }
  return estimateClockOffset(probes).errorBoundNs;
}
