/**
 * What one event of a stream means, as bits that may be set together; 0 for an event that says nothing of interest
 * (a role, an empty text, a keep-alive).
 */
export const Meaning = {
  /** Non-empty answer text, in any choice. */
  text: 1,
  /** Non-empty reasoning text. */
  reasoning: 2,
  /** A part of a tool call. */
  toolCall: 4,
  /** A choice has its `finish_reason`. */
  finish: 8,
  /** Token counts of the server. */
  usage: 16,
  /** An `error`, though the status said 200. */
  error: 32,
  /** `[DONE]`. */
  done: 64,
  /** Not what a stream of completions sends: no JSON object. */
  malformed: 128,
} as const;

/** The bits of content, which are the lowest: an event with one of them is a content event. */
export const CONTENT_MEANING = Meaning.text | Meaning.reasoning | Meaning.toolCall;
