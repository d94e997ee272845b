import type { CompletionEndpoint } from "./completion-request.ts";
import { wordOf } from "./event-stream.ts";
import { UNICODE_WORDS } from "./event-text.ts";
import type { StreamIdentity } from "./event-text.ts";
import type { StreamForm, StreamShape } from "./shape.ts";

/** The JSON of an answer that is not streamed; always with usage, as every server seen does. */
export function wholeBody(answer: {
  readonly endpoint: CompletionEndpoint;
  readonly identity: StreamIdentity;
  readonly shape: StreamShape;
  readonly form: StreamForm;
  readonly choices: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly finishReason: "stop" | "length";
}): string {
  const { endpoint, identity, shape, form, choices, promptTokens, outputTokens } = answer;
  const words = form.unicode ? UNICODE_WORDS : shape.text.words;
  let text = "";
  for (let k = 1; k <= outputTokens; k++) text += wordOf(words, k, form.emptyEvery);
  const choice = (index: number) => ({
    index,
    ...(endpoint === "chat" ? { message: { role: "assistant", content: text } } : { text }),
    logprobs: null,
    finish_reason: answer.finishReason,
  });
  const completionTokens = outputTokens * choices;
  return JSON.stringify({
    id: identity.id,
    object: endpoint === "chat" ? "chat.completion" : "text_completion",
    created: identity.created,
    model: identity.model,
    choices: Array.from({ length: choices }, (_, index) => choice(index)),
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  });
}
