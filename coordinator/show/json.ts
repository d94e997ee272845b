import type { Result } from "./result.ts";

/** `result.json`: indented, with a line break at its end. */
export function renderJson(result: Result): string {
  return `${JSON.stringify(result, null, 2)}\n`;
}
