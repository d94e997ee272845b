import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseClause } from "../../../shared/slo/grammar.ts";
import { LoadError } from "../../../shared/errors.ts";

const digits = (max: number, decimals: number) =>
  fc
    .tuple(fc.nat(max), fc.nat(10 ** decimals - 1))
    .map(([whole, part]) => `${whole}.${String(part).padStart(decimals, "0")}`);

const timeClause = fc
  .record({
    metric: fc.constantFrom("ttft", "itl", "gap", "max_gap", "e2e", "service_ttft", "service_e2e"),
    percentile: digits(99, 3),
    limit: digits(99_999, 6),
    unit: fc.constantFrom("us", "ms", "s", "min"),
  })
  .map((parts) => `${parts.metric} p${parts.percentile} <= ${parts.limit}${parts.unit}`);

const otherClause = fc.oneof(
  digits(5000, 6).map((speed) => `output_tokens_per_second p95 >= ${speed}`),
  digits(101, 6).map((percent) => `error_rate <= ${percent}%`),
  digits(101, 6).map((percent) => `goodput >= ${percent}%`),
);

test("the canonical text of any clause reads as the same clause", () => {
  let read = 0;
  fc.assert(
    fc.property(fc.oneof(timeClause, otherClause), fc.boolean(), (text, prefixed) => {
      let clause;
      try {
        clause = parseClause(prefixed ? `rag-1: ${text}` : text);
      } catch (error) {
        assert.ok(error instanceof LoadError);
        return;
      }
      read += 1;
      assert.deepEqual(parseClause(clause.text), clause);
    }),
    { numRuns: 2000 },
  );
  assert.ok(read > 500, "most of the drawn clauses are readable");
});

test("no text makes the parser fail in any other way than by a LoadError", () => {
  const word = fc.constantFrom(
    "ttft",
    "p99",
    "<=",
    ">=",
    "200",
    "ms",
    "%",
    ":",
    " ",
    "goodput",
    "-",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word).map((words) => words.join(" ")),
      ),
      (text) => {
        try {
          parseClause(text);
        } catch (error) {
          assert.ok(error instanceof LoadError, String(error));
        }
      },
    ),
    { numRuns: 2000 },
  );
});
