import type { StreamListener } from "../../../agent/ports.ts";
import type { Outcome } from "../../../shared/measurement/outcome.ts";

export interface ContentCall {
  readonly atNs: number;
  readonly events: number;
  readonly hasAnswer: boolean;
  /** How many reads or HTTP chunks had come by then. */
  readonly chunk: number;
}

export interface EndCall {
  readonly atNs: number;
  readonly outcome: Outcome;
  readonly status: number;
  readonly detail: string;
}

/** Keeps everything an endpoint tells of one request; fails on what it must not tell. */
export class RecordedStream implements StreamListener {
  readonly calls: string[] = [];
  readonly headers: { readonly atNs: number; readonly status: number }[] = [];
  readonly contents: ContentCall[] = [];
  readonly usages: { readonly inputTokens: number; readonly outputTokens: number }[] = [];
  chunks = 0;
  bytes = 0;
  end: EndCall | undefined;
  readonly ended: Promise<EndCall>;

  #resolveEnded: ((end: EndCall) => void) | undefined;
  #wakers: (() => void)[] = [];

  constructor() {
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  onHeaders(atNs: number, status: number): void {
    this.#call("headers");
    this.headers.push({ atNs, status });
  }

  onContent(atNs: number, events: number, hasAnswer: boolean): void {
    this.#call("content");
    this.contents.push({ atNs, events, hasAnswer, chunk: this.chunks });
  }

  onBytes(count: number): void {
    this.#call("bytes");
    this.chunks += 1;
    this.bytes += count;
  }

  onUsage(inputTokens: number, outputTokens: number): void {
    this.#call("usage");
    this.usages.push({ inputTokens, outputTokens });
  }

  onEnd(...[atNs, outcome, status, detail]: Parameters<StreamListener["onEnd"]>): void {
    this.#call("end");
    this.end = { atNs, outcome, status, detail };
    this.#resolveEnded?.(this.end);
  }

  get contentEvents(): number {
    return this.contents.reduce((sum, content) => sum + content.events, 0);
  }

  /** Resolves once `holds` does; looked at after every call. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
  }

  #call(name: string): void {
    if (this.end !== undefined) {
      throw new Error(`${name} was told after the end`);
    }
    this.calls.push(name);
    const wakers = this.#wakers;
    this.#wakers = [];
    for (const wake of wakers) {
      wake();
    }
  }
}
