import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Forecast,
  rateAt,
  readForecast,
  type Spacing,
} from "../../../coordinator/forecast/forecast.ts";
import { readTrace } from "../../../coordinator/forecast/trace.ts";
import { steepestGrowth } from "../../../coordinator/calibrate/growth.ts";
import { LoadError } from "../../../shared/errors.ts";

function loose(text: string): Forecast {
  return readForecast(text, { place: "day.csv", spacing: "loose" });
}

function even(text: string): Forecast {
  return readForecast(text, { place: "day.csv", spacing: "even" });
}

function at(forecast: Forecast, ...instants: number[]): number[] {
  const cursor = { place: 0 };
  return instants.map((atS) => rateAt(forecast, atS, cursor));
}

test("a forecast is straight between its points, in seconds, by the clock or with dates", () => {
  for (const text of [
    "time,rate\n0,10\n60,40\n120,40\n",
    "08:00,10\r\n08:01,40\r\n08:02,40\r\n",
    "# a day\n2026-11-25T23:59:00Z,10\n2026-11-26T00:00:00Z,40\n2026-11-26T00:01:00Z,40",
  ]) {
    const forecast = loose(text);
    assert.equal(forecast.durationS, 120);
    assert.deepEqual(at(forecast, 0, 30, 60, 90, 120, 900), [10, 25, 40, 40, 40, 40]);
  }
});

test("dates count over the ends of months and years", () => {
  const forecast = loose("2028-02-28T12:00,1\n2028-03-01T12:00,1\n");
  assert.equal(forecast.durationS, 2 * 86_400);
});

const WRONG: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  nothing: ["", /it has 0 steps, and a forecast needs two/],
  "one point": ["0,5", /it has 1 steps/],
  "a rate that is none": [
    "0,5\n60,many\n120,",
    /line 2: "many" is no requests_per_second.*line 3: "" is no req/,
  ],
  "a rate below 0": ["0,5\n60,-1", /line 2: "-1" is no requests_per_second/],
  "no number": ["0,5\n60,NaN", /"NaN" is no requests_per_second/],
  "a time that is none": ["0,5\nsoon,5", /line 2: "soon" is no time/],
  "a third column": ["0,5,1\n60,5,1", /line 1: it has 3 columns/],
  "decimal commas": ["0;5\n60;7", /line 1: it has 1 columns/],
  "time that goes back": ["0,5\n60,5\n30,5", /line 3: 30 does not come after 60/],
  "a day that wraps": ["23:00,5\n00:00,5", /line 2: 00:00 does not come after 23:00/],
  "a gap": [
    "0,5\n60,5\n120,5\n600,5",
    /line 4: there is a gap of 480 s before 600, where 60 s are usual/,
  ],
  "no load at all": ["0,0\n60,0", /every rate is 0/],
  years: ["0,5\n99999999,5", /longer than 31 days/],
};

describe("a forecast that makes no sense is refused, line by line", () => {
  for (const [what, [text, message]] of Object.entries(WRONG))
    test(what, () => {
      assert.throws(
        () => loose(text),
        (error) => {
          assert.ok(error instanceof LoadError);
          assert.equal(error.code, "LL_FORECAST_INVALID");
          assert.match(error.message, /^day\.csv is no forecast: /);
          assert.match(error.message, message);
          return true;
        },
      );
    });

  test("only the first lines of many are told", () => {
    const text = Array.from({ length: 9 }, () => "x,1").join("\n");
    assert.throws(() => loose(text), /line 5: "x" is no time; and 4 more$/);
  });
});

test("a trace becomes the rate of each whole minute", () => {
  const instants = [0, 10, 20, 70, 80, 130];
  const forecast = readTrace(instants.map((s) => `${s},128,64`).join("\n"), "trace.csv");
  assert.deepEqual(
    forecast.steps.map(({ requestsPerSecond }) => requestsPerSecond),
    [3 / 60, 2 / 60],
  );
  assert.throws(() => readTrace("0\n20\n", "trace.csv"), /shorter than two minutes/);
  assert.throws(() => readTrace("0\nx\n", "trace.csv"), /line 2: "x" is no time/);
});

test("the steepest growth is over the time that replicas take", () => {
  const forecast = loose("0,10\n600,10\n1200,20\n1800,20");
  const growth = steepestGrowth(forecast, 60);
  assert.equal(growth?.atS, 600);
  assert.ok(Math.abs(growth.perSecond - 0.1 / 60) < 1e-12);
  assert.equal(steepestGrowth(loose("0,9\n60,3"), 30), undefined);
});

function problemsOf(text: string, spacing: Spacing = "even"): string {
  try {
    readForecast(text, { place: "day.csv", spacing });
  } catch (error) {
    assert.ok(error instanceof LoadError && error.code === "LL_FORECAST_INVALID");
    return error.message;
  }
  assert.fail("it was read");
}

test("times may be of the clock, of the calendar, or seconds; a comment and empty lines are passed over", () => {
  const clock = even("# a day\ntime,requests_per_second\n\n09:00,10\n09:30,20\n");
  assert.deepEqual([clock.stepS, clock.steps.map(({ atS }) => atS)], [1_800, [0, 1_800]]);
  const calendar = even(
    "requests_per_second,time,output_tokens_per_second\n1,2024-02-28T23:00:00Z,64\n2,2024-02-29T23:00:00Z,128\n3,2024-03-01T23:00:00Z,1\n",
  );
  assert.equal(calendar.stepS, 86_400, "29 February 2024 was a day");
  assert.deepEqual(
    calendar.steps.map((step) => step.outputTokensPerSecond),
    [64, 128, 1],
  );
  assert.equal(calendar.steps[0]?.promptTokensPerSecond, null);
  assert.equal(even("time,requests_per_second\n0,1\n0.5,2").stepS, 0.5);
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
    /line 2: "-1" is no .*; line 3: "25:00" is no time; line 3: "x" is no .*; line 4: "" is no /,
  );
  assert.match(problemsOf(`${head}09:00,1`), /it has 1 steps/);
  assert.match(problemsOf("when,rps\n1,2\n2,3"), /no time; its head has no requests_per_second/);
  assert.match(
    problemsOf("time,requests_per_second,rps\n1,2,3\n2,3,4"),
    /"rps", which is not known/,
  );
});

test("a forecast is one file for both of its readers: with a head or without, uneven only where it is replayed", () => {
  const bare = even("0,1\n60,2\n");
  assert.deepEqual(bare, loose("time,rate\n0,1\n60,2\n"));
  assert.deepEqual(bare, even("time,requests_per_second\n0,1\n60,2\n"));
  const uneven = "0,1\n60,2\n180,3\n";
  assert.equal(loose(uneven).durationS, 180);
  assert.match(problemsOf(uneven), /line 3: there is a gap of 120 s before 180/);
  assert.match(problemsOf("0,1\n60,2\n120,2\n600,3\n", "loose"), /line 4: there is a gap/);
  const mix = loose("time,rate,output_tokens_per_second\n0,1,64\n60,2,128\n");
  assert.equal(mix.steps[1]?.outputTokensPerSecond, 128);
});
