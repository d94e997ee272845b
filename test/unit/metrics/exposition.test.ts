import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { renderMetrics } from "../../../shared/metrics/exposition.ts";
import { readExposition } from "../../support/exposition.ts";

test("a page is what Prometheus' text format asks for", () => {
  const page = renderMetrics([
    { name: "a_total", help: "One\nline.", type: "counter", samples: [{ value: 3 }] },
    {
      name: "b",
      help: "Two.",
      type: "gauge",
      samples: [
        { labels: { x: 'say "hi"\\', y: "2" }, value: 1.5e-7 },
        { labels: { x: "\n" }, value: Number.POSITIVE_INFINITY },
      ],
    },
    { name: "none", help: "Left out.", type: "gauge", samples: [] },
  ]);
  assert.equal(
    page,
    [
      "# HELP a_total One\\nline.",
      "# TYPE a_total counter",
      "a_total 3",
      "# HELP b Two.",
      "# TYPE b gauge",
      'b{x="say \\"hi\\"\\\\",y="2"} 1.5e-7',
      'b{x="\\n"} +Inf',
      "",
    ].join("\n"),
  );
});

test("no label value can break a page or say another sample", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.double(), (text, value) => {
      const labels = { x: text };
      const samples = readExposition(
        renderMetrics([{ name: "a", help: "A.", type: "gauge", samples: [{ labels, value }] }]),
      );
      assert.deepEqual([...samples.values()], [value === 0 ? 0 : value]);
    }),
  );
});
