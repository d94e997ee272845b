/** A binary heap of things to happen, the earliest first; those of one instant in the order they were pushed. */
export class EventHeap<Payload> {
  readonly #atNs: number[] = [];
  readonly #orders: number[] = [];
  readonly #payloads: Payload[] = [];
  #pushed = 0;

  get size(): number {
    return this.#atNs.length;
  }

  push(atNs: number, payload: Payload): void {
    const order = this.#pushed++;
    let hole = this.#atNs.length;
    while (hole > 0) {
      const parent = (hole - 1) >> 1;
      if (this.#isBefore(parent, atNs, order)) break;
      this.#move(parent, hole);
      hole = parent;
    }
    this.#put(hole, { atNs, order, payload });
  }

  /** Instant of the earliest event; Infinity when there is none. */
  topAtNs(): number {
    return this.#atNs[0] ?? Infinity;
  }

  top(): Payload | undefined {
    return this.#payloads[0];
  }

  pop(): Payload | undefined {
    const top = this.#payloads[0];
    const atNs = this.#atNs.pop();
    const order = this.#orders.pop();
    const payload = this.#payloads.pop();
    if (atNs === undefined || order === undefined || payload === undefined) return undefined;
    if (this.#atNs.length > 0) this.#sink({ atNs, order, payload });
    return top;
  }

  /** Lets the last element sink from the root to its place. */
  #sink(last: { atNs: number; order: number; payload: Payload }): void {
    const size = this.#atNs.length;
    let hole = 0;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && this.#isBefore(right, this.#atNs[child] ?? 0, this.#orders[child] ?? 0)) {
        child = right;
      }
      if (!this.#isBefore(child, last.atNs, last.order)) break;
      this.#move(child, hole);
      hole = child;
    }
    this.#put(hole, last);
  }

  #isBefore(place: number, atNs: number, order: number): boolean {
    const placeAtNs = this.#atNs[place] ?? Infinity;
    return placeAtNs < atNs || (placeAtNs === atNs && (this.#orders[place] ?? 0) < order);
  }

  #move(from: number, to: number): void {
    this.#atNs[to] = this.#atNs[from] ?? 0;
    this.#orders[to] = this.#orders[from] ?? 0;
    // `from` is a place of the heap, so it holds a payload.
    this.#payloads[to] = this.#payloads[from] as Payload;
  }

  #put(place: number, event: { atNs: number; order: number; payload: Payload }): void {
    this.#atNs[place] = event.atNs;
    this.#orders[place] = event.order;
    this.#payloads[place] = event.payload;
  }
}
