import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePlan } from "../../../coordinator/plan/parse.ts";
import { LoadError } from "../../../shared/errors.ts";

const RUN = { target: "http://127.0.0.1:8000", rate: "1" };

function urlsOf(serverMetrics: unknown): readonly string[] | undefined {
  return parsePlan({ command: "run", flags: { ...RUN, serverMetrics } }).serverMetricsUrls;
}

test("an endpoint's path is /metrics where it has none, and one that is said twice is one", () => {
  assert.deepEqual(
    urlsOf(["http://a:8000", "http://a:8000/metrics", "https://b/prometheus/metrics?x=1"]),
    ["http://a:8000/metrics", "https://b/prometheus/metrics?x=1"],
  );
  assert.equal("serverMetricsUrls" in parsePlan({ command: "run", flags: RUN }), false);
});

test("a plan file names one or a list, for every command that measures", () => {
  const planFile = (text: string) => ({ planFile: { name: "plan.yaml", text } });
  for (const [command, flags] of [
    ["run", RUN],
    ["sweep", { target: RUN.target }],
    ["find", { target: RUN.target, slo: ["ttft p99 <= 1s"] }],
  ] as const) {
    const one = parsePlan({ command, flags, ...planFile("server-metrics: http://a:1/m") });
    assert.deepEqual(one.serverMetricsUrls, ["http://a:1/m"]);
    const two = parsePlan({
      command,
      flags,
      ...planFile("server-metrics: [http://a:1, http://b:1]"),
    });
    assert.equal(two.serverMetricsUrls?.length, 2);
  }
});

for (const [url, says] of [
  ["a:8000/metrics", /it is no http:\/\/ or https:\/\/ URL/],
  ["file:///etc/passwd", /it is no http/],
  ["http://me:hunter2@a/metrics", /holds a user or password/],
  ["http://a/metrics#x", /holds a fragment/],
] as const) {
  test(`${url.replace("hunter2", "…")} is refused, and not repeated`, () => {
    assert.throws(
      () => urlsOf([url]),
      (error: unknown) => {
        assert.ok(error instanceof LoadError);
        assert.equal(error.code, "LL_PLAN_INVALID");
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });
}

test("a Prometheus server is named with the matchers that pin the target, and instead of endpoints", () => {
  const prometheus = "http://prom:9090/prefix";
  const prometheusMatch = 'namespace="prod",model_name=~"ll.*"';
  const plan = parsePlan({ command: "run", flags: { ...RUN, prometheus, prometheusMatch } });
  assert.deepEqual(plan.prometheus, { url: prometheus, match: prometheusMatch });
  const wrong = [
    [{ prometheus, serverMetrics: ["http://a"] }, /scraped by this run already/],
    [{ prometheusMatch }, /none is named/],
    [{ prometheus, prometheusMatch: "up} or vector(1)" }, /not of the right form/],
    [{ prometheus: "prom:9090" }, /no http:\/\/ or https:\/\/ URL/],
  ] as const;
  for (const [flags, says] of wrong)
    assert.throws(() => parsePlan({ command: "run", flags: { ...RUN, ...flags } }), says);
});
