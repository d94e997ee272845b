import { KeyMixer } from "../random/key-mixer.ts";
import { randomStream } from "../random/stream.ts";
import { PROMPT_WORDS } from "./words.ts";

/**
 * The text of a synthetic prompt: `promptTokens` words that are one token each in common vocabularies.
 *
 * It starts with the nonce, spelled in words, so that no two prompts share their beginning and a server's prefix
 * cache has nothing to find; a prompt shorter than the nonce has as much of it as fits. Then come pieces of a
 * long text made once, from places that the nonce says: a copy instead of a draw a word.
 *
 * @param request as drawRequest gives it.
 */
export function promptText(request: {
  readonly promptTokens: number;
  readonly nonce: number;
}): string {
  const { promptTokens, nonce } = request;
  let text = nonceText(nonce, Math.min(NONCE_WORDS, promptTokens));
  let left = promptTokens - NONCE_WORDS;
  for (let piece = 0; left > 0; piece++) {
    const words = Math.min(left, PIECE_WORDS);
    text += pieceText(nonce, piece, words);
    left -= words;
  }
  return text;
}

/**
 * A request's nonce in one run: another in every run, so that a prompt which an earlier run of the same seed sent is
 * not found in the server's prefix cache (docs/decisions/0009).
 *
 * @param nonce as drawRequest gives it.
 * @param runSalt of the run, as `saltOfRun` gives it.
 */
export function nonceInRun(nonce: number, runSalt: number): number {
  const [high, low] = new KeyMixer().absorb([nonce, nonce / WORD, runSalt, 1]).finish();
  return (high >>> 0) * 2 ** 21 + (low >>> 11);
}

/** 32 bits of a run's id. */
export function saltOfRun(runId: string): number {
  const mixer = new KeyMixer();
  for (let at = 0; at < runId.length; at += 4) {
    const code = (place: number): number => (place < runId.length ? runId.charCodeAt(place) : 0);
    mixer.absorb([code(at), code(at + 1), code(at + 2), code(at + 3)]);
  }
  return mixer.finish()[0] >>> 0;
}

/** 48 bits at 8 a word: of a million prompts, two are alike with probability 0.2 %. */
const NONCE_WORDS = 6;
const PIECE_WORDS = 64;
const TEXT_WORDS = 8_192;
const WORD = 2 ** 32;

/** Made once and never changed: the long text, each word with a space before it, and where each word starts. */
const longText = makeLongText();

function makeLongText(): { readonly text: string; readonly starts: Uint32Array } {
  const prng = randomStream({ seed: 0, segment: 0, purpose: "nonce" });
  const starts = new Uint32Array(TEXT_WORDS + 1);
  let text = "";
  for (let i = 0; i < TEXT_WORDS; i++) {
    starts[i] = text.length;
    text += ` ${wordAt(Math.floor(prng.nextUnit() * PROMPT_WORDS.length))}`;
  }
  starts[TEXT_WORDS] = text.length;
  return { text, starts };
}

function nonceText(nonce: number, words: number): string {
  let text = "";
  let rest = nonce;
  for (let i = 0; i < words; i++) {
    text += i === 0 ? wordAt(rest % 256) : ` ${wordAt(rest % 256)}`;
    rest = Math.floor(rest / 256);
  }
  return text;
}

function pieceText(nonce: number, piece: number, words: number): string {
  const [mixed] = new KeyMixer().absorb([nonce, nonce / WORD, piece, 0]).finish();
  const first = (mixed >>> 0) % (TEXT_WORDS - PIECE_WORDS + 1);
  const { text, starts } = longText;
  return text.slice(starts[first], starts[first + words]);
}

function wordAt(index: number): string {
  return PROMPT_WORDS[index] ?? "";
}
