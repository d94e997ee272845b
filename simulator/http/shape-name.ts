/** The servers whose streams the simulator can play. */
export const SHAPE_NAMES = [
  "openai",
  "vllm",
  "llmd",
  "llama-server",
  "llama-cpp-python",
  "transformers",
  "guidellm",
] as const;
export type ShapeName = (typeof SHAPE_NAMES)[number];
