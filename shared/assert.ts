/**
 * Checks something that only a bug of ours can break; errors of the world are `LoadError`s.
 *
 * @param invariant what must hold, in words, for the one who reads the stack trace.
 */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) {
    throw new Error(`assertion failed: ${invariant} (this is a bug in Loadline, please report it)`);
  }
}
