import type { BodyField } from "./body-field.ts";

/** `POST {base}/chat/completions`. */
export const CHAT_PATH = "/chat/completions";

/** What a chat request says besides the fields that every request has: one user message, the prompt. */
export function chatFields(): readonly BodyField[] {
  return [
    {
      name: "messages",
      value: ['[{"role":"user","content":', { slot: "prompt" }, "}]"],
    },
  ];
}
