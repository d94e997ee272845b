import { readFileSync } from "node:fs";

/** From package.json, which lies beside `cli/` in a checkout and beside `dist/` in a package. */
export function readVersion(): string {
  for (const place of ["../package.json", "../../package.json"]) {
    try {
      const text = readFileSync(new URL(place, import.meta.url), "utf8");
      const { version } = JSON.parse(text) as { version: string };
      return version;
    } catch {
      // The other place.
    }
  }
  return "unknown";
}
