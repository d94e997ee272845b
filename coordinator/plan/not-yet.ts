import { notYetField } from "./field.ts";

/** What the design names as a flag and is not built: refused by name, never ignored. Words of other flags are in fields.ts. */
export const NOT_YET_FIELDS = {
  dataset: notYetField("--dataset"),
  tokenizer: notYetField("--tokenizer"),
  "prefix-tokens": notYetField("--prefix-tokens"),
  "prefix-groups": notYetField("--prefix-groups"),
  dashboard: notYetField("--dashboard"),
  scenario: notYetField("--scenario"),
} as const;

export const NOT_YET_NAMES: readonly string[] = Object.keys(NOT_YET_FIELDS);
