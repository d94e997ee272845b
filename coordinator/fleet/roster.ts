import { type Hello, LEAVING_STATE } from "../../shared/control/control.ts";
import type { ClockOffset } from "../../shared/time/clock-offset.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";

/** What the coordinator knows of one agent. */
export interface Member {
  readonly hello: Hello;
  /** Coordinator's clock, ns: when it was last heard of. */
  readonly heardAtNs: number;
  /** The agent's clock minus the coordinator's; undefined until probed. */
  readonly clockOffset: ClockOffset | undefined;
  /** How far the offset has moved since, by a later measurement, beyond what both could be wrong by; ns. */
  readonly clockMovedNs: number;
  /** Silent for too long, or started anew, while it was part of this run. */
  readonly lost: boolean;
}

/** A stretch in which nothing was heard of an agent; coordinator's clock, ns. */
interface Silence {
  readonly fromNs: number;
  readonly untilNs: number;
}

/**
 * An epoch is the wall clock at an agent's start: of two, the later is the newer one, unless that clock was set back
 * between them. Agents say hello each second: one that is silent for this long is no more.
 */
const SUCCEEDED_AFTER_NS = 3 * NS_PER_SECOND;
/** Shorter silences are the rhythm of reports and heartbeats; so many longer ones of an agent are remembered. */
const SILENCE_NS_MIN = NS_PER_SECOND;
const SILENCES_MAX = 256;

/** Who is there. Agents make themselves known each second; nobody is ever asked. */
export class Roster {
  readonly #members = new Map<string, Member>();
  readonly #silences = new Map<string, Silence[]>();

  /**
   * An agent said hello. A new epoch means it was started anew: a run that it held is gone from it. An earlier epoch is
   * late word of a process that was followed by the one that is known; once that one is silent, it is the one that follows.
   */
  hear(hello: Hello, nowNs: number): void {
    const known = this.#members.get(hello.agentId);
    if (known === undefined) {
      this.#members.set(hello.agentId, newMember(hello, nowNs));
      return;
    }
    const isEarlier = hello.epoch < known.hello.epoch;
    if (isEarlier && nowNs - known.heardAtNs <= SUCCEEDED_AFTER_NS) return;
    this.#heard(known, nowNs);
    const restarted = known.hello.epoch !== hello.epoch;
    this.#members.set(hello.agentId, {
      ...(restarted ? newMember(hello, nowNs) : { ...known, hello, heardAtNs: nowNs }),
      // One that was free lost nothing by it.
      lost: known.lost || (restarted && known.hello.runId !== undefined),
    });
  }

  /** Other news of the agent, such as a report, prove it alive as well as a hello. */
  alive(agentId: string, nowNs: number): void {
    this.#heard(this.#members.get(agentId), nowNs);
    this.#update(agentId, { heardAtNs: nowNs });
  }

  /** The longest stretch without news of the agent that reached into [fromNs, untilNs), of at least 1 s; else 0. */
  longestSilenceNs(agentId: string, fromNs: number, untilNs: number): number {
    const lengths = (this.#silences.get(agentId) ?? [])
      .filter((silence) => silence.fromNs < untilNs && silence.untilNs > fromNs)
      .map((silence) => silence.untilNs - silence.fromNs);
    return Math.max(0, ...lengths);
  }

  probed(agentId: string, clockOffset: ClockOffset): void {
    this.#update(agentId, { clockOffset });
  }

  /** The offset was measured again; the run goes on by the first one. */
  probedAgain(agentId: string, now: ClockOffset): void {
    const first = this.#members.get(agentId)?.clockOffset;
    if (first === undefined) return;
    const movedNs = Math.abs(now.aheadNs - first.aheadNs) - now.errorBoundNs - first.errorBoundNs;
    this.#update(agentId, { clockMovedNs: Math.max(0, movedNs) });
  }

  markLost(agentId: string): void {
    this.#update(agentId, { lost: true });
  }

  /** As it was noted down. */
  restore(members: readonly Member[]): void {
    this.#members.clear();
    for (const member of members) this.#members.set(member.hello.agentId, member);
  }

  /** Whoever is there says so within a second. */
  forget(): void {
    this.#members.clear();
  }

  get(agentId: string): Member | undefined {
    return this.#members.get(agentId);
  }

  /** In the order of their ids, so that places in a share map do not depend on who spoke first. */
  members(): readonly Member[] {
    return [...this.#members.values()].sort((a, b) => (a.hello.agentId < b.hello.agentId ? -1 : 1));
  }

  /** Agents that no other run holds, that do not leave, and that were heard of within `silenceNs`. */
  takers(runId: string, nowNs: number, silenceNs: number): readonly Member[] {
    return this.members().filter(
      ({ hello, heardAtNs }) =>
        nowNs - heardAtNs <= silenceNs &&
        // One that leaves waits for the run that holds it.
        (hello.runId === undefined ? hello.state !== LEAVING_STATE : hello.runId === runId),
    );
  }

  /** Of the given agents, those not heard of for longer than `silenceNs` or started anew. */
  missing(agentIds: readonly string[], nowNs: number, silenceNs: number): readonly string[] {
    return agentIds.filter((agentId) => {
      const member = this.#members.get(agentId);
      return member === undefined || member.lost || nowNs - member.heardAtNs > silenceNs;
    });
  }

  #heard(member: Member | undefined, nowNs: number): void {
    if (member === undefined || nowNs - member.heardAtNs < SILENCE_NS_MIN) return;
    const { agentId } = member.hello;
    const silences = this.#silences.get(agentId) ?? [];
    silences.push({ fromNs: member.heardAtNs, untilNs: nowNs });
    this.#silences.set(agentId, silences.slice(-SILENCES_MAX));
  }

  #update(agentId: string, change: Partial<Member>): void {
    const member = this.#members.get(agentId);
    if (member !== undefined) this.#members.set(agentId, { ...member, ...change });
  }
}

function newMember(hello: Hello, nowNs: number): Member {
  return { hello, heardAtNs: nowNs, clockOffset: undefined, clockMovedNs: 0, lost: false };
}
