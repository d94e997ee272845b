/** Maps a value to a coordinate, and knows the values worth a line in the grid. */
export interface Scale {
  at(value: number): number;
  readonly ticks: readonly number[];
}

interface Span {
  /** Coordinates of the lowest and of the highest value. */
  readonly from: number;
  readonly to: number;
}

/** From 0 to a round number at or above `max`; `stepMin` 1 keeps the ticks of things that are counted whole. */
export function linearScale(max: number, span: Span & { readonly stepMin?: number }): Scale {
  const step = Math.max(span.stepMin ?? 0, roundUp(max > 0 ? max / 6 : 1));
  const top = Math.max(step, Math.ceil(max / step - 1e-9) * step);
  const steps = Math.round(top / step);
  return {
    at: (value) => span.from + (value / top) * (span.to - span.from),
    ticks: Array.from({ length: steps + 1 }, (_, index) => index * step),
  };
}

/** Logarithmic, from the round number at or below `min` to the one at or above `max`; both positive. */
export function logScale(min: number, max: number, span: Span): Scale {
  const low = roundDown(min);
  const high = roundUp(Math.max(max, low * 2));
  const perDecade = (span.to - span.from) / Math.log10(high / low);
  return {
    at: (value) => span.from + Math.log10(Math.max(value, low) / low) * perDecade,
    ticks: logTicks(low, high),
  };
}

const MANTISSAS = [1, 2, 5] as const;

/** 1, 2, 5, 10, … within [low, high]; powers of ten alone where those would be too many. */
function logTicks(low: number, high: number): readonly number[] {
  const ticks: number[] = [];
  const mantissas = high / low > 2_000 ? [1] : MANTISSAS;
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  for (let exponent = first; exponent <= last; exponent += 1) {
    for (const mantissa of mantissas) {
      const tick = power(mantissa, exponent);
      if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
    }
  }
  return ticks;
}

/** The least 1, 2 or 5 times a power of ten at or above `value`. */
function roundUp(value: number): number {
  const exponent = Math.floor(Math.log10(value));
  const found = MANTISSAS.map((mantissa) => power(mantissa, exponent)).find(
    (candidate) => candidate >= value * (1 - 1e-9),
  );
  return found ?? power(1, exponent + 1);
}

/** The greatest 1, 2 or 5 times a power of ten at or below `value`. */
function roundDown(value: number): number {
  const exponent = Math.floor(Math.log10(value) + 1e-12);
  const found = MANTISSAS.map((mantissa) => power(mantissa, exponent)).findLast(
    (candidate) => candidate <= value * (1 + 1e-9),
  );
  return found ?? power(1, exponent);
}

/** Read as text, since 2 × 10^-1 in floats need not be 0.2. */
function power(mantissa: number, exponent: number): number {
  return Number(`${mantissa}e${exponent}`);
}
