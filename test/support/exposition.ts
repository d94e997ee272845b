import assert from "node:assert/strict";

/** The samples of a page, `name{labels}` → value; fails on a line that Prometheus would not take. */
export function readExposition(page: string): ReadonlyMap<string, number> {
  assert.ok(page.endsWith("\n"), "the last line ends");
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of page.trimEnd().split("\n")) {
    const type = /^# TYPE ([a-z_]+[a-z0-9_]*) (counter|gauge)$/.exec(line);
    if (type !== null) {
      assert.ok(!types.has(type[1]!), `${type[1]!} is one family`);
      types.set(type[1]!, type[2]!);
      continue;
    }
    if (/^# HELP [a-z_]+[a-z0-9_]* \S/.test(line)) continue;
    const sample =
      /^([a-z_][a-z0-9_]*)(\{(?:[a-z_]+="(?:[^"\\]|\\["\\n])*",?)+\})? (NaN|[+-]?Inf|-?[\d.e+-]+)$/.exec(
        line,
      );
    assert.ok(sample !== null, `no sample: ${line}`);
    const [, name = "", labels = "", value = ""] = sample;
    assert.ok(types.has(name), `${name} has a type`);
    if (types.get(name) === "counter") assert.match(name, /_total$/);
    assert.ok(!samples.has(name + labels), `${name}${labels} is one sample`);
    samples.set(name + labels, Number(value.replace("Inf", "Infinity")));
  }
  return samples;
}
