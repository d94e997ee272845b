import { mean, pointsIn, type Stretch } from "./points.ts";
import type { ServerLog } from "./server-log.ts";
import { endToEndMeanS, serverWindowOf, together } from "./window.ts";

/** Whether two accounts of one thing agree. */
export interface ServerCheck {
  readonly name: "littles-law" | "in-flight" | "completions";
  readonly holds: boolean;
  /** A sentence with both figures. */
  readonly text: string;
}

/** One recorded window, by both accounts. */
export interface CheckedWindow {
  /** In words: "20 requests/s". */
  readonly load: string;
  readonly window: Stretch;
  readonly server: ServerLog;
  /** As the agents saw them: requests in flight, their mean time from sent to last content, and how many ended well. */
  readonly inFlightMean: number;
  readonly endToEndMeanS: number | null;
  readonly completedPerSecond: number;
  readonly completions:
    | { readonly theirs: number; readonly oursMin: number; readonly oursMax: number }
    | undefined;
}

export interface ServerChecks {
  readonly checks: readonly ServerCheck[];
  /** Sentences: what could not be checked. */
  readonly unchecked: readonly string[];
}

/** Compares what the server says of itself with what the agents saw, and with itself. */
export function checkServer(windows: readonly CheckedWindow[]): ServerChecks {
  const found = [littlesLaw(windows), inFlight(windows), completions(windows)];
  return {
    checks: found.filter((check) => typeof check !== "string"),
    unchecked: found.filter((check) => typeof check === "string"),
  };
}

/** Fewer looks than these say nothing about a mean. */
const LOOKS_MIN = 5;
const TOLERANCE_FRACTION = 0.1;
/** Requests: a handful of looks at a number below 1 cannot be closer. */
const TOLERANCE_REQUESTS = 0.5;

interface Level {
  readonly mean: number;
  /** How far the mean of what was seen may lie from the true one, by chance. */
  readonly noise: number;
  readonly isSteady: boolean;
}

/** Requests at the server, running and waiting, as they were seen each second; undefined with too few looks. */
function levelOf({ server, window }: CheckedWindow): Level | undefined {
  const running = together(server.tracks, "running", window);
  const waiting = together(server.tracks, "waiting", window);
  const seen = running.map(
    ({ atNs, value }) =>
      value + (pointsIn(waiting, { fromNs: atNs, untilNs: atNs })[0]?.value ?? 0),
  );
  const average = mean(seen);
  if (average === null || seen.length < LOOKS_MIN) return undefined;
  const variance = mean(seen.map((value) => (value - average) ** 2)) ?? 0;
  const half = Math.floor(seen.length / 2);
  const drift = Math.abs((mean(seen.slice(half)) ?? 0) - (mean(seen.slice(0, half)) ?? 0));
  return {
    mean: average,
    // Two looks in a row see much the same requests, so that they count as one: thus twice the variance, and three sd.
    noise: 3 * Math.sqrt((2 * variance) / seen.length),
    isSteady: drift <= Math.max(2, average / 2),
  };
}

function toleranceOf(level: Level): number {
  return Math.max(TOLERANCE_REQUESTS, TOLERANCE_FRACTION * level.mean) + level.noise;
}

interface Compared {
  readonly load: string;
  readonly theirs: number;
  readonly other: number;
  readonly tolerance: number;
}

/**
 * Little's law: the mean number at the server is the rate of completions times the mean time there, where nothing
 * builds up. Both factors are the server's own where it has them.
 *
 * @see J. D. C. Little, "A Proof for the Queuing Formula: L = λW", Operations Research 9 (1961).
 */
function littlesLaw(windows: readonly CheckedWindow[]): ServerCheck | string {
  const compared = windows.flatMap((each): Compared[] => {
    const level = levelOf(each);
    const rate =
      serverWindowOf(each.server, each.window).completedPerSecond ?? each.completedPerSecond;
    const timeS = endToEndMeanS(each.server.tracks, each.window) ?? each.endToEndMeanS;
    if (level === undefined || !level.isSteady || timeS === null) return [];
    const tolerance = toleranceOf(level);
    return [{ load: each.load, theirs: level.mean, other: rate * timeS, tolerance }];
  });
  if (compared.length === 0)
    return `Little's law was not checked: no window is steady and has ${LOOKS_MIN} scrapes`;
  const { worst, holds } = worstOf(compared, ({ theirs, other }) => Math.abs(theirs - other));
  return {
    name: "littles-law",
    holds,
    text: `at ${worst.load} the server holds ${figure(worst.theirs)} requests (running + waiting), and its rate times their time is ${figure(worst.other)}${within(worst.tolerance)}`,
  };
}

/** What is in flight here and not at the server is between the two: the network, and a gateway. */
function inFlight(windows: readonly CheckedWindow[]): ServerCheck | string {
  const compared = windows.flatMap((each): Compared[] => {
    const level = levelOf(each);
    if (level === undefined) return [];
    const { load, inFlightMean: other } = each;
    return [{ load, theirs: level.mean, other, tolerance: toleranceOf(level) }];
  });
  if (compared.length === 0)
    return `requests in flight were not compared: no window has ${LOOKS_MIN} scrapes that tell running`;
  const { holds, worst } = worstOf(compared, ({ theirs, other }) => theirs - other);
  const most = holds ? compared.reduce((a, b) => (b.other > a.other ? b : a)) : worst;
  const between = compared.map(({ theirs, other }) => other - theirs);
  const range = [Math.min(...between), Math.max(...between)].map(figure);
  return {
    name: "in-flight",
    holds,
    text:
      `in flight here minus running + waiting there is ${range[0] === range[1] ? range[0] : `${range[0]} to ${range[1]}`} requests (network and gateway); ` +
      `at ${most.load}: ${figure(most.other)} here, ${figure(most.theirs)} there${within(most.tolerance)}`,
  };
}

/** Completions that differ by no more than these are the same: a request may be counted at its other end. */
const COMPLETIONS_MORE = 2;
const COMPLETIONS_FRACTION = 0.02;

function completions(windows: readonly CheckedWindow[]): ServerCheck | string {
  const known = windows.flatMap((each) => each.completions ?? []);
  const total = (name: "theirs" | "oursMin" | "oursMax"): number =>
    known.reduce((sum, each) => sum + each[name], 0);
  const [theirs, least, most] = [total("theirs"), total("oursMin"), total("oursMax")];
  if (known.length === 0 || most === 0)
    return "completions were not compared: the server does not count them, or no window is long enough";
  const more = COMPLETIONS_MORE + COMPLETIONS_FRACTION * most;
  return {
    name: "completions",
    holds: theirs >= least - more && theirs <= most + more,
    text: `between the first and the last scrape of each window the server completed ${theirs} requests by its own count, and ${least} to ${most} ended here`,
  };
}

/** The window that is furthest beyond its tolerance, or nearest to it; and whether all are within. */
function worstOf(
  compared: readonly Compared[],
  off: (each: Compared) => number,
): { readonly worst: Compared; readonly holds: boolean } {
  const beyond = (each: Compared): number => off(each) - each.tolerance;
  const worst = compared.reduce((a, b) => (beyond(b) > beyond(a) ? b : a));
  return { worst, holds: beyond(worst) <= 0 };
}

function within(tolerance: number): string {
  return ` (within ± ${figure(tolerance)} they agree)`;
}

function figure(value: number): string {
  const text = Math.abs(value) >= 99.95 ? value.toFixed(0) : value.toFixed(1);
  return text === "-0.0" ? "0.0" : text;
}
