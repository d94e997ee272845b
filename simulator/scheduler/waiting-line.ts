/** One that waits; `left` is set when it gave up. */
export interface Waiter {
  left: boolean;
}

/** First come first served. Who gave up keeps its place until it is reached, or until half the line gave up. */
export class WaitingLine<W extends Waiter> {
  #line: W[] = [];
  #head = 0;
  #present = 0;

  /** Who waits and has not given up. */
  get size(): number {
    return this.#present;
  }

  join(waiter: W): void {
    this.#line.push(waiter);
    this.#present += 1;
  }

  first(): W | undefined {
    while (this.#line[this.#head]?.left === true) this.#head += 1;
    const first = this.#line[this.#head];
    if (first === undefined && this.#head > 0) this.#compact();
    return first;
  }

  takeFirst(): W | undefined {
    const first = this.first();
    if (first === undefined) return undefined;
    this.#head += 1;
    this.#present -= 1;
    this.#compactWhenSparse();
    return first;
  }

  leave(waiter: W): void {
    waiter.left = true;
    this.#present -= 1;
    this.#compactWhenSparse();
  }

  #compactWhenSparse(): void {
    // Amortised: a pass over the line is paid for by as many who came and went.
    if (this.#line.length > 64 && this.#line.length > 2 * this.#present) this.#compact();
  }

  #compact(): void {
    this.#line = this.#line.slice(this.#head).filter((waiter) => !waiter.left);
    this.#head = 0;
  }
}
