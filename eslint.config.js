import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";
import { pureFolders } from "./.pure-folders.mjs";

const takeAClock = "Take a Clock, so that the code runs on simulated time.";
const ambient = ["Date", "performance", "setTimeout", "setInterval"].map((name) => ({
  name,
  message: takeAClock,
}));

export default defineConfig(
  { ignores: ["dist/", "runs/", "shared/wire/gen/", "*.config.js", ".*.mjs"] },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "max-depth": ["error", 3],
      "max-params": ["error", 3],
      // "modified": an exhaustive switch is one decision, however many cases it names.
      complexity: ["error", { max: 10, variant: "modified" }],
      "no-warning-comments": ["error", { terms: ["todo", "fixme", "xxx"] }],
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["test", "describe", "it"] },
          ],
        },
      ],
    },
  },
  {
    files: [
      "shared/**",
      ...pureFolders.map((folder) => `${folder}/**`),
      "agent/{firing,recording}/**",
    ],
    ignores: ["shared/platform/**"],
    rules: {
      "no-restricted-globals": ["error", ...ambient],
      "no-restricted-properties": [
        "error",
        { object: "Math", property: "random", message: "Take a Prng, so that the run replays." },
      ],
    },
  },
  {
    // On the firing path an options object a call would be garbage a token.
    files: ["agent/{firing,recording,endpoint}/**"],
    rules: { "max-params": ["error", 4] },
  },
  {
    files: ["test/**", "bench/**"],
    rules: {
      "max-lines": ["error", { max: 600, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": "off",
      "max-params": "off",
      complexity: "off",
      "@typescript-eslint/no-non-null-assertion": "off",
    },
  },
);
