import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type Forecast,
  parseForecast,
  parseTrace,
  rateAt,
} from "../../../coordinator/calibrate/forecast.ts";
import { steepestGrowth } from "../../../coordinator/calibrate/growth.ts";
import { LoadError } from "../../../shared/errors.ts";

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
    const forecast = parseForecast(text, "day.csv");
    assert.equal(forecast.durationS, 120);
    assert.deepEqual(at(forecast, 0, 30, 60, 90, 120, 900), [10, 25, 40, 40, 40, 40]);
  }
});

test("dates count over the ends of months and years", () => {
  const forecast = parseForecast("2028-02-28T12:00,1\n2028-03-01T12:00,1\n", "leap.csv");
  assert.equal(forecast.durationS, 2 * 86_400);
});

const WRONG: Readonly<Record<string, readonly [text: string, message: RegExp]>> = {
  nothing: ["", /it has 0 points, and a forecast needs two/],
  "one point": ["0,5", /it has 1 points/],
  "a rate that is none": ["0,5\n60,many\n120,", /line 2: "many" is no rate.*line 3: "" is no rate/],
  "a rate below 0": ["0,5\n60,-1", /line 2: "-1" is no rate/],
  "no number": ["0,5\n60,NaN", /"NaN" is no rate/],
  "a time that is none": ["0,5\nsoon,5", /line 2: "soon" is no time/],
  "a third column": ["0,5,1\n60,5,1", /line 1 has 3 columns/],
  "decimal commas": ["0;5\n60;7", /line 1 has 1 columns/],
  "time that goes back": ["0,5\n60,5\n30,5", /time does not go forward at point 3/],
  "a day that wraps": ["23:00,5\n00:00,5", /time does not go forward at point 2/],
  "a gap": ["0,5\n60,5\n120,5\n600,5", /a gap of 480 s behind point 3, where 60 s are usual/],
  "no load at all": ["0,0\n60,0", /every rate is 0/],
  years: ["0,5\n99999999,5", /longer than 31 days/],
};

describe("a forecast that makes no sense is refused, line by line", () => {
  for (const [what, [text, message]] of Object.entries(WRONG))
    test(what, () => {
      assert.throws(
        () => parseForecast(text, "day.csv"),
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
    assert.throws(() => parseForecast(text, "day.csv"), /line 5: "x" is no time; and 4 more$/);
  });
});

test("a trace becomes the rate of each whole minute", () => {
  const instants = [0, 10, 20, 70, 80, 130];
  const forecast = parseTrace(instants.map((s) => `${s},128,64`).join("\n"), "trace.csv");
  assert.deepEqual(
    forecast.points.map(({ ratePerSecond }) => ratePerSecond),
    [3 / 60, 2 / 60],
  );
  assert.throws(() => parseTrace("0\n20\n", "trace.csv"), /shorter than two minutes/);
  assert.throws(() => parseTrace("0\nx\n", "trace.csv"), /line 2: "x" is no time/);
});

test("the steepest growth is over the time that replicas take", () => {
  const forecast = parseForecast("0,10\n600,10\n1200,20\n1800,20", "day.csv");
  const growth = steepestGrowth(forecast, 60);
  assert.equal(growth?.atS, 600);
  assert.ok(Math.abs(growth.perSecond - 0.1 / 60) < 1e-12);
  assert.equal(steepestGrowth(parseForecast("0,9\n60,3", "falls.csv"), 30), undefined);
});
