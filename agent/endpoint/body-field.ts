/**
 * A piece of a request's body: literal JSON text, or the place of a value of the one request. Everything that is no
 * slot is the same for each request of a target.
 */
export type BodyPiece = string | { readonly slot: "prompt" | "outputTokens" };

/** A field of the body, with its value as JSON. */
export interface BodyField {
  readonly name: string;
  readonly value: readonly BodyPiece[];
}
