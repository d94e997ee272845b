import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { LoadError } from "../../../shared/errors.ts";
import { parseClause, parseSlo } from "../../../shared/slo/grammar.ts";

function refusalOf(task: () => unknown): LoadError {
  try {
    task();
  } catch (error) {
    assert.ok(error instanceof LoadError, String(error));
    assert.equal(error.code, "LL_SLO_INVALID");
    assert.equal(error.exitCode, 2);
    return error;
  }
  assert.fail("nothing was refused");
}

describe("an SLO clause", () => {
  test("limits a quantile of a time, in ns", () => {
    assert.deepEqual(parseClause("ttft p99 <= 200ms"), {
      kind: "quantile",
      text: "ttft p99 <= 200ms",
      metric: "ttft",
      quantile: 0.99,
      limit: 200_000_000,
      className: undefined,
    });
  });

  test("limits the slow side of a speed from below", () => {
    assert.deepEqual(parseClause("output_tokens_per_second p99>=20"), {
      kind: "quantile",
      text: "output_tokens_per_second p99 >= 20",
      metric: "output_tokens_per_second",
      quantile: 0.99,
      limit: 20,
      className: undefined,
    });
  });

  test("limits the fractions of failed and of good requests", () => {
    assert.deepEqual(parseClause("error_rate <= 0.1%"), {
      kind: "error_rate",
      text: "error_rate <= 0.1%",
      limitFraction: 0.001,
      className: undefined,
    });
    assert.deepEqual(parseClause("goodput >= 99 %"), {
      kind: "goodput",
      text: "goodput >= 99%",
      limitFraction: 0.99,
      className: undefined,
    });
  });

  test("may be about one traffic class", () => {
    const clause = parseClause(" chat :  TTFT P99.9 <=  1500 ms ");
    assert.equal(clause.className, "chat");
    assert.equal(clause.text, "chat: ttft p99.9 <= 1.5s");
    assert.equal(clause.kind === "quantile" && clause.quantile, 0.999);
  });

  test("takes us, ms, s and min, and writes the largest that gives at least 1", () => {
    const texts = ["1500us", "1500 µs", "0.5ms", "90s", "2min", "1.1s", "60min"];
    assert.deepEqual(
      texts.map((text) => parseClause(`e2e p50 <= ${text}`).text.replace("e2e p50 <= ", "")),
      ["1.5ms", "1.5ms", "500us", "90s", "120s", "1.1s", "3600s"],
    );
  });

  for (const [text, message, hint] of [
    ["ttft p99 <= 200", /"200" has no unit/, /200ms, 200s/],
    ["ttft p99 <= 200sec", /"sec" is not a unit/, /200ms/],
    ["ttft p99 <= -3ms", /nothing can take -3ms/, /from 1us to 60min/],
    ["ttft p99 <= 0ms", /nothing can take 0ms/, /from 1us/],
    ["ttft p99 <= 61min", /outside of what is measured/, /60min/],
    ["ttft p99 <= fast", /"fast" is not a duration/, /200ms/],
    ["ttft p100 <= 200ms", /p100 is the largest value/, /p99\.999/],
    ["ttft p0 <= 200ms", /p0 is the smallest value/, /p0\.001/],
    ["ttft q99 <= 200ms", /"q99" is not a quantile/, /p99/],
    ["ttft p99.12345 <= 200ms", /is not a quantile/, /three decimals/],
    ["ttft <= 200ms", /at which quantile ttft/, /ttft p99/],
    ["tttf p99 <= 200ms", /no metric "tttf"/, /did you mean "ttft"\?.*max_gap/],
    ["tpot p99 <= 200ms", /no metric "tpot"/, /did you mean "itl"\?/],
    ["foo p99 <= 200ms", /no metric "foo"/, /^an SLO may limit ttft/],
    ["send_delay p99 <= 200ms", /no metric "send_delay"/, /may limit/],
    ["ttft p99 < 200ms", /ttft is to be at most its limit/, /write "<=", not "<"/],
    ["ttft p99 >= 200ms", /at most its limit/, /write "<="/],
    ["output_tokens_per_second p99 <= 20", /at least its limit/, /write ">="/],
    ["output_tokens_per_second p99 >= 20ms", /"20ms" is not a speed/, /bare number/],
    ["output_tokens_per_second p99 >= 0", /held to 0 tokens/, /from 0\.001/],
    ["output_tokens_per_second p99 >= -1", /held to -1 tokens/, /from 0\.001/],
    ["error_rate <= 0.1", /"0\.1" is not a percentage/, /error_rate <= 0\.1%/],
    ["error_rate <= 100%", /100% promises nothing/, /not 100%/],
    ["error_rate p99 <= 1%", /has no quantile/, /leave out "p99"/],
    ["goodput >= 0%", /0% promises nothing/, /above 0%/],
    ["goodput >= 101%", /101% promises nothing/, /100%/],
    ["goodput <= 99%", /at least its limit/, /write ">="/],
    ["", /not of the form/, /write "ttft p99/],
    ["ttft p99 200ms", /not of the form/, /ttft p99 <= 200ms/],
    ["a b: ttft p99 <= 200ms", /"a b" is no name/, /chat: ttft/],
    [": ttft p99 <= 200ms", /"" is no name/, /chat: ttft/],
  ] as const) {
    test(`"${text}" is refused`, () => {
      const refusal = refusalOf(() => parseClause(text));
      assert.match(refusal.message, message);
      assert.match(refusal.hint, hint);
    });
  }
});

describe("an SLO", () => {
  test("keeps the order of its clauses", () => {
    const slo = parseSlo(["itl p99 <= 50ms", "ttft p99 <= 200ms", "chat: ttft p99 <= 100ms"]);
    assert.deepEqual(
      slo.map((clause) => clause.text),
      ["itl p99 <= 50ms", "ttft p99 <= 200ms", "chat: ttft p99 <= 100ms"],
    );
  });

  test("reports every problem at once", () => {
    const refusal = refusalOf(() => parseSlo(["ttft p99 <= 200", "e2e p99 <= 1s", "goodput > 1%"]));
    assert.equal(refusal.message.split("\n").length, 2);
    assert.match(refusal.message, /has no unit/);
    assert.match(refusal.message, /goodput is to be at least/);
  });

  test("limits nothing twice", () => {
    const refusal = refusalOf(() => parseSlo(["ttft p99 <= 200ms", "ttft p99.0 <= 300ms"]));
    assert.match(refusal.message, /"ttft p99 <= 200ms" already limits the same thing/);
  });
});
