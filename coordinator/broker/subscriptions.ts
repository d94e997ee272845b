import type { Client, Subscription } from "./client.ts";
import { SubjectTrie } from "./subject-trie.ts";

/** Who gets what: the subscriptions of every client, by the subjects they match. */
export class Subscriptions {
  readonly #trie = new SubjectTrie<Subscription>();
  #draw: number;
  #count = 0;

  /** @param seed of the choice among the members of a queue group; any integer. */
  constructor(seed: number) {
    // The generator below stays at zero for ever once it is there.
    this.#draw = seed | 0 || 1;
  }

  get count(): number {
    return this.#count;
  }

  add(subscription: Subscription): void {
    subscription.client.subscriptions.set(subscription.id, subscription);
    this.#trie.add(subscription.pattern, subscription);
    this.#count++;
  }

  remove(subscription: Subscription): void {
    subscription.client.subscriptions.delete(subscription.id);
    this.#trie.remove(subscription.pattern, subscription);
    this.#count--;
  }

  removeAllOf(client: Client): void {
    for (const subscription of client.subscriptions.values()) this.remove(subscription);
  }

  /** Everyone outside of groups, and one member of each group, whichever pattern brought it here. */
  receivers(publisher: Client, subject: readonly string[]): readonly Subscription[] {
    const receivers: Subscription[] = [];
    const groups = new Map<string, Subscription[]>();
    for (const subscription of this.#trie.match(subject)) {
      if (subscription.client === publisher && publisher.options?.echo === false) continue;
      if (subscription.queue === "") {
        receivers.push(subscription);
        continue;
      }
      const members = groups.get(subscription.queue);
      if (members === undefined) groups.set(subscription.queue, [subscription]);
      else members.push(subscription);
    }
    for (const members of groups.values()) {
      const chosen = members[this.#nextDraw() % members.length];
      if (chosen !== undefined) receivers.push(chosen);
    }
    return receivers;
  }

  /** The client's own subscription to that subject, if it has one. */
  own(client: Client, subject: readonly string[]): Subscription | undefined {
    return this.#trie.match(subject).find((each) => each.client === client);
  }

  /** xorshift32 (Marsaglia 2003): enough to spread work over a group, and the same in every replay. */
  #nextDraw(): number {
    this.#draw ^= this.#draw << 13;
    this.#draw ^= this.#draw >>> 17;
    this.#draw ^= this.#draw << 5;
    return this.#draw >>> 0;
  }
}
