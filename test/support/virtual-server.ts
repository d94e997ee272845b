/** Seeded random numbers of the virtual servers (sfc32); independent of the product's own streams. */
export class Draws {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream: number) {
    let hash = seed ^ Math.imul(stream + 0x9e3779b9, 0x85ebca6b);
    const next = (): number => {
      hash = (hash + 0x9e3779b9) | 0;
      let mixed = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    };
    this.#a = next();
    this.#b = next();
    this.#c = next();
    for (let i = 0; i < 12; i++) this.unit();
  }

  /** Uniform in (0, 1). */
  unit(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return ((sum >>> 0) + 0.5) / 2 ** 32;
  }

  exponential(rate: number): number {
    return -Math.log(this.unit()) / rate;
  }

  logNormal(mean: number, coefficientOfVariation: number): number {
    const variance = Math.log(1 + coefficientOfVariation ** 2);
    const normal = Math.sqrt(-2 * Math.log(this.unit())) * Math.cos(2 * Math.PI * this.unit());
    return Math.exp(Math.log(mean) - variance / 2 + Math.sqrt(variance) * normal);
  }
}

/** A request inside a virtual server. Instants are s; Infinity until they have happened (or are known). */
export interface VirtualRequest {
  readonly index: number;
  readonly intendedAtS: number;
  readonly recorded: boolean;
  firstAtS: number;
  doneAtS: number;
  outputTokens: number;
  ok: boolean;
}

/** A server in virtual time. What it writes into a request lies at or before the instant it was advanced to, or is in the future. */
export interface VirtualServer {
  arrive(request: VirtualRequest): void;
  /** Lets everything happen up to `toS`. */
  advance(toS: number): void;
  /** The next instant at which something will end; Infinity when idle. */
  nextEventAtS(): number;
}

/** First in, first out, `slots` at a time; the answer comes whole, so first token and end coincide. */
export function fifoServer(options: {
  readonly slots: number;
  /** @param at when the service begins, and how long the request has waited, s. */
  readonly serviceS: (draws: Draws, at: { startS: number; waitS: number }) => number;
  readonly seed: number;
  /** Nothing moves for so long at the start of each such period. */
  readonly pause?: { readonly everyS: number; readonly forS: number };
}): VirtualServer {
  const draws = new Draws(options.seed, 1);
  const freeAtS = new Float64Array(options.slots);
  let ends: number[] = [];
  let nowS = 0;
  /** A service is held up by a pause that it begins in, and by each that begins in it. */
  function paused(startS: number, endS: number): number {
    if (options.pause === undefined) return endS;
    const { everyS, forS } = options.pause;
    const period = Math.floor(startS / everyS);
    let heldS = endS + Math.max(0, period * everyS + forS - startS);
    for (let k = period + 1; k * everyS < heldS; k++) heldS += forS;
    return heldS;
  }
  return {
    arrive(request) {
      let slot = 0;
      for (let k = 1; k < freeAtS.length; k++) if (freeAtS[k]! < freeAtS[slot]!) slot = k;
      const startS = Math.max(request.intendedAtS, freeAtS[slot]!);
      const waitS = startS - request.intendedAtS;
      const endS = paused(startS, startS + options.serviceS(draws, { startS, waitS }));
      freeAtS[slot] = endS;
      request.firstAtS = endS;
      request.doneAtS = endS;
      ends.push(endS);
    },
    advance(toS) {
      nowS = toS;
    },
    nextEventAtS() {
      ends = ends.filter((endS) => endS > nowS);
      return ends.reduce((soonest, endS) => Math.min(soonest, endS), Infinity);
    },
  };
}

interface Sequence {
  readonly request: VirtualRequest;
  promptLeft: number;
  endsAtStep: number;
}

/**
 * Continuous batching: a step takes `baseS + perSequenceS · decoding + perPromptTokenS · prompt tokens`, at most
 * `sequencesMax` run at once, and prompts are prefilled in chunks within a budget of tokens a step.
 */
export function batchServer(options: {
  readonly baseS: number;
  readonly perSequenceS: number;
  readonly perPromptTokenS: number;
  readonly sequencesMax: number;
  readonly tokensPerStep: number;
  readonly promptTokens: (draws: Draws) => number;
  readonly outputTokens: (draws: Draws) => number;
  readonly seed: number;
}): VirtualServer {
  const draws = new Draws(options.seed, 1);
  const waiting: Sequence[] = [];
  let prefilling: Sequence[] = [];
  let decoding: Sequence[] = [];
  let step = 0;
  let stepEndsAtS = Infinity;

  /** Plans the step that begins at `atS`; none when there is nothing to do. */
  function begin(atS: number): void {
    while (prefilling.length + decoding.length < options.sequencesMax && waiting.length > 0) {
      prefilling.push(waiting.shift()!);
    }
    let tokens = Math.max(0, options.tokensPerStep - decoding.length);
    let promptTokens = 0;
    for (const sequence of prefilling) {
      const chunk = Math.min(tokens, sequence.promptLeft);
      sequence.promptLeft -= chunk;
      tokens -= chunk;
      promptTokens += chunk;
    }
    const idle = decoding.length === 0 && promptTokens === 0;
    const takesS =
      options.baseS +
      options.perSequenceS * decoding.length +
      options.perPromptTokenS * promptTokens;
    stepEndsAtS = idle ? Infinity : atS + takesS;
  }

  function end(): void {
    step++;
    for (const sequence of decoding) {
      if (sequence.endsAtStep <= step) sequence.request.doneAtS = stepEndsAtS;
    }
    decoding = decoding.filter((sequence) => sequence.endsAtStep > step);
    for (const sequence of prefilling) {
      if (sequence.promptLeft > 0) continue;
      sequence.request.firstAtS = stepEndsAtS;
      sequence.endsAtStep = step + sequence.request.outputTokens - 1;
      if (sequence.request.outputTokens <= 1) sequence.request.doneAtS = stepEndsAtS;
      else decoding.push(sequence);
    }
    prefilling = prefilling.filter((sequence) => sequence.promptLeft > 0);
  }

  return {
    arrive(request) {
      request.outputTokens = Math.max(1, Math.round(options.outputTokens(draws)));
      const promptLeft = Math.max(1, Math.round(options.promptTokens(draws)));
      waiting.push({ request, promptLeft, endsAtStep: 0 });
      if (stepEndsAtS === Infinity) begin(request.intendedAtS);
    },
    advance(toS) {
      while (stepEndsAtS <= toS) {
        const atS = stepEndsAtS;
        end();
        begin(atS);
      }
    },
    nextEventAtS: () => stepEndsAtS,
  };
}
