import { type Forecast, forecastOf, REPLAY_S_MAX } from "./forecast.ts";
import { dataLinesOf, forecastInvalid } from "./lines.ts";
import { secondsOf } from "./time-text.ts";

const BIN_S = 60;

/**
 * A trace: the instant of one request a line, in its first column, in any order; a head that begins with `t` is skipped.
 * It becomes a forecast of the mean rate of each whole minute.
 *
 * @param place the file, for the message.
 * @throws LoadError LL_FORECAST_INVALID
 */
export function readTrace(text: string, place: string): Forecast {
  const all = dataLinesOf(text);
  const hasHead = all[0]?.cells[0]?.toLowerCase().startsWith("t") === true;
  const lines = hasHead ? all.slice(1) : all;
  const instants = lines.map(({ cells }) => secondsOf(cells[0] ?? ""));
  const problems = lines.flatMap(({ number, cells }, index) =>
    Number.isNaN(instants[index]) ? [`line ${number}: "${cells[0] ?? ""}" is no time`] : [],
  );
  if (problems.length > 0) throw forecastInvalid(place, problems);
  const first = instants.reduce((a, b) => Math.min(a, b), Infinity);
  const last = instants.reduce((a, b) => Math.max(a, b), -Infinity);
  if (!(last - first >= 2 * BIN_S))
    throw forecastInvalid(place, ["it is shorter than two minutes"]);
  if (last - first > REPLAY_S_MAX) throw forecastInvalid(place, ["it is longer than 31 days"]);
  const counts = new Array<number>(Math.floor((last - first) / BIN_S)).fill(0);
  for (const atS of instants) {
    const bin = Math.floor((atS - first) / BIN_S);
    if (counts[bin] !== undefined) counts[bin] += 1;
  }
  return forecastOf(
    counts.map((count, bin) => ({
      time: String(bin * BIN_S),
      atS: bin * BIN_S,
      requestsPerSecond: count / BIN_S,
      promptTokensPerSecond: null,
      outputTokensPerSecond: null,
    })),
  );
}
