import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const WORDS = 500;
const UNKNOWN = "<unk>";

/**
 * Writes a tokenizer in the form of Hugging Face: a word is a token. The peers want one to make prompts and to count
 * answers, and the ones that they know lie on a hub. Without their cost of splitting words it favours them.
 */
export async function writeTokenizer(folder: string): Promise<void> {
  const words = Array.from({ length: WORDS }, (_, place) => `w${place}`);
  const vocabulary = [UNKNOWN, "<s>", "</s>", "word", ...words];
  const added = (content: string, special: boolean): object => ({
    id: vocabulary.indexOf(content),
    content,
    special,
    ...{ single_word: false, lstrip: false, rstrip: false, normalized: false },
  });
  const tokenizer = {
    version: "1.0",
    truncation: null,
    padding: null,
    // Not special: a peer whose prompts are all unknown words must still send them.
    added_tokens: [added(UNKNOWN, false), added("<s>", true), added("</s>", true)],
    normalizer: null,
    pre_tokenizer: { type: "WhitespaceSplit" },
    post_processor: null,
    decoder: null,
    model: {
      type: "WordLevel",
      vocab: Object.fromEntries(vocabulary.map((word, id) => [word, id])),
      unk_token: UNKNOWN,
    },
  };
  const config = {
    tokenizer_class: "PreTrainedTokenizerFast",
    bos_token: "<s>",
    eos_token: "</s>",
    pad_token: "</s>",
    model_max_length: 131_072,
  };
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  await writeFile(join(folder, "tokenizer_config.json"), JSON.stringify(config));
}
