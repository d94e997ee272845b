/**
 * Generates the protocol code and the plan's JSON Schema anew and compares them with what is committed, so that
 * neither can be edited by hand or left behind. Prints what differs, and ends with 1 then.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { planJsonSchema } from "../../coordinator/plan/schema.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const SCHEMA_FILE = "docs/plan.schema.json";

function filesUnder(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) {
      const path = join(entry.parentPath, entry.name);
      files.set(relative(directory, path), readFileSync(path, "utf8"));
    }
  return files;
}

function staleProtocolFiles(): string[] {
  const out = mkdtempSync(join(tmpdir(), "loadline-gen-"));
  try {
    execFileSync("buf", ["lint", "proto"], { cwd: root, stdio: "inherit" });
    execFileSync(
      "buf",
      ["generate", "proto", "--template", "proto/buf.gen.yaml", "--output", out],
      { cwd: root, stdio: "inherit" },
    );
    const fresh = filesUnder(join(out, "shared/wire/gen"));
    const committed = filesUnder(join(root, "shared/wire/gen"));
    return [...new Set([...fresh.keys(), ...committed.keys()])]
      .filter((name) => fresh.get(name) !== committed.get(name))
      .map((name) => join("shared/wire/gen", name));
  } finally {
    rmSync(out, { recursive: true });
  }
}

function staleSchema(): string[] {
  const fresh = `${JSON.stringify(planJsonSchema(), null, 2)}\n`;
  return readFileSync(join(root, SCHEMA_FILE), "utf8") === fresh ? [] : [SCHEMA_FILE];
}

/** `--write`, for `npm run generate`: buf has written its files by then. */
if (process.argv.includes("--write"))
  writeFileSync(join(root, SCHEMA_FILE), `${JSON.stringify(planJsonSchema(), null, 2)}\n`);

const stale = [...staleProtocolFiles(), ...staleSchema()];
if (stale.length > 0) {
  console.error(`not fresh: ${stale.join(", ")}\n  to do: npm run generate`);
  process.exitCode = 1;
}
