import type { BodyField } from "./body-field.ts";

/** `POST {base}/completions`, the older call: a prompt without a chat template around it. */
export const COMPLETIONS_PATH = "/completions";

/** What a completions request says besides the fields that every request has. */
export function completionsFields(): readonly BodyField[] {
  return [{ name: "prompt", value: [{ slot: "prompt" }] }];
}
