/**
 * The words of a subject that is published to; undefined when it is none: an empty word, a character that
 * cannot be seen, or a wildcard, which only subscriptions may hold.
 */
export function literalTokens(subject: string): readonly string[] | undefined {
  const tokens = patternTokens(subject);
  return tokens?.some((token) => token === "*" || token === ">") === true ? undefined : tokens;
}

/** The words of a subject that is subscribed to: `*` is any one word, `>` (only last) is one word or more. */
export function patternTokens(subject: string): readonly string[] | undefined {
  if (/[\x00-\x20\x7f]/.test(subject)) return undefined;
  const tokens = subject.split(".");
  if (tokens.includes("")) return undefined;
  const restAt = tokens.indexOf(">");
  return restAt >= 0 && restAt < tokens.length - 1 ? undefined : tokens;
}

interface Node<T> {
  readonly children: Map<string, Node<T>>;
  /** Patterns that end here. */
  readonly values: Set<T>;
}

const newNode = <T>(): Node<T> => ({ children: new Map(), values: new Set() });

/** Values under subject patterns, found by the subjects they match. Wildcards are children like any other word. */
export class SubjectTrie<T> {
  readonly #root = newNode<T>();

  add(pattern: readonly string[], value: T): void {
    let node = this.#root;
    for (const token of pattern) {
      let child = node.children.get(token);
      if (child === undefined) {
        child = newNode<T>();
        node.children.set(token, child);
      }
      node = child;
    }
    node.values.add(value);
  }

  /** Harmless when it is not there. Leaves no empty branch behind. */
  remove(pattern: readonly string[], value: T): void {
    const path: { parent: Node<T>; token: string; child: Node<T> }[] = [];
    let node = this.#root;
    for (const token of pattern) {
      const child = node.children.get(token);
      if (child === undefined) return;
      path.push({ parent: node, token, child });
      node = child;
    }
    node.values.delete(value);
    for (const { parent, token, child } of path.reverse()) {
      if (child.values.size > 0 || child.children.size > 0) return;
      parent.children.delete(token);
    }
  }

  /** Every value whose pattern matches, each once. */
  match(subject: readonly string[]): T[] {
    const found: T[] = [];
    let nodes = [this.#root];
    for (const token of subject) {
      const next: Node<T>[] = [];
      for (const { children } of nodes) {
        const rest = children.get(">");
        for (const value of rest?.values ?? []) found.push(value);
        const literal = children.get(token);
        if (literal !== undefined) next.push(literal);
        const any = children.get("*");
        if (any !== undefined) next.push(any);
      }
      nodes = next;
    }
    for (const { values } of nodes) for (const value of values) found.push(value);
    return found;
  }

  /** Whether nothing is held, not even an empty branch. */
  get isEmpty(): boolean {
    return this.#root.children.size === 0;
  }
}
