import assert from "node:assert/strict";
import { test } from "node:test";
import { readForecast } from "../../../coordinator/size/forecast.ts";
import { LoadError } from "../../../shared/errors.ts";

function problemsOf(text: string): string {
  try {
    readForecast(text, "day.csv");
  } catch (error) {
    assert.ok(error instanceof LoadError && error.code === "LL_FORECAST_INVALID");
    return error.message;
  }
  assert.fail("it was read");
}

test("times may be of the clock, of the calendar, or seconds; a comment and empty lines are passed over", () => {
  const clock = readForecast("# a day\ntime,requests_per_second\n\n09:00,10\n09:30,20\n", "f");
  assert.deepEqual([clock.stepS, clock.steps.map(({ atS }) => atS)], [1_800, [0, 1_800]]);
  const calendar = readForecast(
    "requests_per_second,time,output_tokens_per_second\n1,2024-02-28T23:00:00Z,64\n2,2024-02-29T23:00:00Z,128\n3,2024-03-01T23:00:00Z,1\n",
    "f",
  );
  assert.equal(calendar.stepS, 86_400, "29 February 2024 was a day");
  assert.deepEqual(
    calendar.steps.map((step) => step.outputTokensPerSecond),
    [64, 128, 1],
  );
  assert.equal(calendar.steps[0]?.promptTokensPerSecond, null);
  assert.equal(readForecast("time,requests_per_second\n0,1\n0.5,2", "f").stepS, 0.5);
});

test("gaps, disorder and nonsense are told by their lines, several at once", () => {
  const head = "time,requests_per_second\n";
  assert.match(
    problemsOf(`${head}09:00,1\n10:00,2\n14:00,3`),
    /line 4: there is a gap of 14400 s before 14:00/,
  );
  assert.match(problemsOf(`${head}09:00,1\n10:00,2\n10:30,3`), /line 4: there is a step of 1800 s/);
  assert.match(problemsOf(`${head}10:00,1\n09:00,2`), /09:00 does not come after 10:00/);
  assert.match(
    problemsOf(`${head}09:00,-1\n25:00,x\n11:00,`),
    /line 2: .*"-1"; line 3: time is "25:00"; line 3: .*"x"; line 4: .* is empty/,
  );
  assert.match(problemsOf(`${head}09:00,1`), /fewer than two steps/);
  assert.match(problemsOf("when,rps\n1,2\n2,3"), /no time; its head has no requests_per_second/);
  assert.match(
    problemsOf("time,requests_per_second,rps\n1,2,3\n2,3,4"),
    /"rps", which is not known/,
  );
});
