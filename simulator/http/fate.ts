import type { Prng } from "../../shared/random/stream.ts";
import type { RequestFaults } from "../faults.ts";
import type { EarlyEnd } from "./answers.ts";

/** What will happen to a request, decided when it arrives. */
export type Fate =
  | { readonly kind: "error"; readonly status: number }
  | { readonly kind: "silent" }
  | {
      readonly kind: "serve";
      /** May name more tokens than the request has. */
      readonly earlyEnd: EarlyEnd | undefined;
    };

/** Always as many draws, so that one fault does not move whom another one hits. */
export function drawFate(faults: RequestFaults, prng: Prng): Fate {
  const [errorDraw, silentDraw, cutDraw, streamErrorDraw] = [
    prng.nextUnit(),
    prng.nextUnit(),
    prng.nextUnit(),
    prng.nextUnit(),
  ];
  const { error, silent, cut, streamError } = faults;
  if (error !== undefined && errorDraw < error.fraction) {
    return { kind: "error", status: error.status };
  }
  if (silent !== undefined && silentDraw < silent.fraction) return { kind: "silent" };
  if (cut !== undefined && cutDraw < cut.fraction) {
    return { kind: "serve", earlyEnd: { kind: "cut", afterTokens: cut.after } };
  }
  if (streamError !== undefined && streamErrorDraw < streamError.fraction) {
    return { kind: "serve", earlyEnd: { kind: "stream-error", afterTokens: streamError.after } };
  }
  return { kind: "serve", earlyEnd: undefined };
}
