import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const ROOT = new URL("../../", import.meta.url);

/** The source makes a family's name of a prefix and a word: `gauge("connected", …)` is loadline_agent_connected. */
const SOURCES = [
  ["agent/observe/agent-metrics.ts", "loadline_agent"],
  ["coordinator/web/run-metrics.ts", "loadline_run"],
  ["shared/platform/process-metrics.ts", ""],
] as const;

test("docs/metrics.md has every family that is served, and no other", () => {
  const text = readFileSync(new URL("docs/metrics.md", ROOT), "utf8");
  const documented = [...text.matchAll(/^\| `(loadline_\w+)` \| (\w+) \|/gm)].map(
    ([, name, type]) => `${name!} ${type!}`,
  );
  assert.deepEqual(documented.toSorted(), SOURCES.flatMap(familiesOf).toSorted());
});

function familiesOf([file, prefix]: (typeof SOURCES)[number]): readonly string[] {
  const source = readFileSync(new URL(file, ROOT), "utf8");
  const short = [...source.matchAll(/\b(gauge|counter|optional)\(\s*"(\w+)"/g)].map(
    ([, kind, name]) =>
      kind === "counter" ? `${prefix}_${name!}_total counter` : `${prefix}_${name!} gauge`,
  );
  const whole = [
    ...source.matchAll(/(?:single\(|name:)\s*"(loadline_\w+)",[^]*?"(gauge|counter)"/g),
  ].map(([, name, type]) => `${name!} ${type!}`);
  const counted = source.includes("counterFamilies(")
    ? [`${prefix}_arrivals_total counter`, `${prefix}_requests_total counter`]
    : [];
  return [...short, ...whole, ...counted];
}

test("metrics are made in these files only", () => {
  const makers = ["agent", "coordinator", "cli", "shared"].flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true, encoding: "utf8" })
      .map((name) => `${folder}/${name}`)
      .filter((name) => name.endsWith(".ts"))
      // The names of an autoscaler's metrics, of which Loadline itself makes none.
      .filter((name) => !name.startsWith("coordinator/calibrate/"))
      .filter((name) => /"loadline_|`loadline_/.test(readFileSync(new URL(name, ROOT), "utf8"))),
  );
  assert.deepEqual(makers.toSorted(), SOURCES.map(([file]) => file).toSorted());
});
