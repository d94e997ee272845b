import { setFlagsFromString } from "node:v8";

/**
 * What V8 optimised with its second compiler (TurboFan) stays so, and nothing more is. For a process that is warm, and is to
 * be undisturbed from now on: each compilation takes its core for ms at a time (docs/decisions/0025).
 */
export function settleCode(): void {
  setFlagsFromString("--no-turbofan");
}
