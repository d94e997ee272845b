import type { Hello } from "../../shared/control/control.ts";
import type { ClockOffset } from "../../shared/time/clock-offset.ts";

/** What the coordinator knows of one agent. */
export interface Member {
  readonly hello: Hello;
  /** Coordinator's clock, ns: when it was last heard of. */
  readonly heardAtNs: number;
  /** The agent's clock minus the coordinator's; undefined until probed. */
  readonly clockOffset: ClockOffset | undefined;
  /** Silent for too long, or started anew, while it was part of this run. */
  readonly lost: boolean;
}

/** Who is there. Agents make themselves known each second; nobody is ever asked. */
export class Roster {
  readonly #members = new Map<string, Member>();

  /** An agent said hello. A new epoch means it was started anew: a run that it held is gone from it. */
  hear(hello: Hello, nowNs: number): void {
    const known = this.#members.get(hello.agentId);
    const restarted = known !== undefined && known.hello.epoch !== hello.epoch;
    if (known !== undefined && hello.epoch < known.hello.epoch) return;
    this.#members.set(hello.agentId, {
      hello,
      heardAtNs: nowNs,
      clockOffset: restarted ? undefined : known?.clockOffset,
      // One that was free lost nothing by it.
      lost: known?.lost === true || (restarted && known.hello.runId !== undefined),
    });
  }

  /** Other news of the agent, such as a report, prove it alive as well as a hello. */
  alive(agentId: string, nowNs: number): void {
    this.#update(agentId, { heardAtNs: nowNs });
  }

  probed(agentId: string, clockOffset: ClockOffset): void {
    this.#update(agentId, { clockOffset });
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

  /** Agents that no run holds and that were heard of within `silenceNs`. */
  free(nowNs: number, silenceNs: number): readonly Member[] {
    return this.members().filter(
      (member) => member.hello.runId === undefined && nowNs - member.heardAtNs <= silenceNs,
    );
  }

  /** Of the given agents, those not heard of for longer than `silenceNs` or started anew. */
  missing(agentIds: readonly string[], nowNs: number, silenceNs: number): readonly string[] {
    return agentIds.filter((agentId) => {
      const member = this.#members.get(agentId);
      return member === undefined || member.lost || nowNs - member.heardAtNs > silenceNs;
    });
  }

  #update(agentId: string, change: Partial<Member>): void {
    const member = this.#members.get(agentId);
    if (member !== undefined) this.#members.set(agentId, { ...member, ...change });
  }
}
