import type { RequestOrder } from "../ports.ts";
import type { Target } from "../../shared/control/control.ts";
import type { BodyField, BodyPiece } from "./body-field.ts";
import { chatFields } from "./openai-chat.ts";
import { completionsFields } from "./openai-completions.ts";

/** Encodes requests of one target; made once a run, so that a request costs two splices. */
export type OrderEncoder = (prompt: string, outputTokens: number) => RequestOrder;

/**
 * Makes the encoder of `target`.
 *
 * The output length is asked for with `max_tokens`: vLLM, llama-server, the simulators and older servers all obey it,
 * while llama_cpp.server and transformers ignore `max_completion_tokens`, and OpenAI refuses both at once. A target
 * that wants the newer name gets it by naming it in `extraBody`, which then takes the place of `max_tokens`.
 * Nothing about sampling is said unless `extraBody` says it. `extraBody` is merged last and replaces whole fields,
 * but `stream_options` keeps `include_usage`, which the token counts need.
 */
export function orderEncoder(target: Target): OrderEncoder {
  const parts = compile(bodyFields(target));
  return (prompt, outputTokens) => {
    let text = "";
    for (const part of parts) {
      if (typeof part === "string") {
        text += part;
      } else {
        text += part.slot === "prompt" ? JSON.stringify(prompt) : String(outputTokens);
      }
    }
    return { body: Buffer.from(text), outputTokens };
  };
}

/** One request of a target; for many, make an `orderEncoder` once. */
export function encodeOrder(options: {
  readonly model?: string;
  readonly prompt: string;
  readonly outputTokens: number;
  readonly target: Target;
}): RequestOrder {
  const { prompt, outputTokens, target } = options;
  const model = options.model ?? target.model;
  return orderEncoder({ ...target, model })(prompt, outputTokens);
}

function bodyFields(target: Target): readonly BodyField[] {
  const { extraBody } = target;
  const streamOptions = extraBody["stream_options"];
  const extra: Record<string, unknown> = {
    ...extraBody,
    stream_options: isRecord(streamOptions)
      ? { include_usage: true, ...streamOptions }
      : { include_usage: true },
  };
  const own: BodyField[] = [
    { name: "model", value: [JSON.stringify(target.model)] },
    ...(target.endpoint === "chat" ? chatFields() : completionsFields()),
    { name: "stream", value: ["true"] },
  ];
  if (!Object.hasOwn(extraBody, "max_completion_tokens")) {
    own.push({ name: "max_tokens", value: [{ slot: "outputTokens" }] });
  }
  if (target.forceOutput) {
    own.push({ name: "ignore_eos", value: ["true"] });
    own.push({ name: "min_tokens", value: [{ slot: "outputTokens" }] });
  }
  return [
    ...own.filter((field) => !Object.hasOwn(extra, field.name)),
    ...Object.entries(extra)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => ({ name, value: [JSON.stringify(value)] })),
  ];
}

/** Joins neighbouring literals, so that a body is as few pieces as it has slots, and one more. */
function compile(fields: readonly BodyField[]): readonly BodyPiece[] {
  const parts: BodyPiece[] = [];
  let literal = "{";
  fields.forEach((field, index) => {
    literal += `${index === 0 ? "" : ","}${JSON.stringify(field.name)}:`;
    for (const piece of field.value) {
      if (typeof piece === "string") {
        literal += piece;
      } else {
        parts.push(literal, piece);
        literal = "";
      }
    }
  });
  parts.push(`${literal}}`);
  return parts;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
