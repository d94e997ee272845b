import { ExitCode, LoadError } from "../../shared/errors.ts";

/** A score of lm-eval with its standard error; the mean over tasks where several have it. */
export interface Quality {
  /** `metric,filter`, with the task before it where only one was taken. */
  readonly key: string;
  readonly tasks: readonly string[];
  readonly value: number;
  /** null where the file has none ("N/A"). */
  readonly standardError: number | null;
}

/** What is left of the baseline's quality: 1 is all of it. */
export interface Recovery {
  readonly fraction: number;
  readonly standardError: number | null;
}

interface Score {
  readonly task: string;
  readonly key: string;
  readonly value: number;
  readonly standardError: number | null;
  readonly lowerIsBetter: boolean;
}

/**
 * Reads `results_*.json` of lm-evaluation-harness (0.4 and later), whose scores stand under `metric,filter` with
 * their standard error under `metric_stderr,filter`.
 *
 * @param options.key `metric,filter` or `task/metric,filter`; undefined: the only one there is.
 * @param options.place the file, for the message.
 * @throws LoadError LL_QUALITY_FILE
 */
export function readQuality(
  text: string,
  { key, place }: { readonly key: string | undefined; readonly place: string },
): Quality {
  const scores = scoresOf(text, place);
  const keys = [...new Set(scores.map((score) => score.key))];
  const [task, wanted] = splitKey(key);
  if (wanted === undefined && keys.length > 1) {
    throw problem(
      place,
      `has several scores (${keys.join("; ")})`,
      "say which with --quality-metric METRIC,FILTER",
    );
  }
  const chosen = scores.filter(
    (score) =>
      (wanted === undefined || score.key === wanted) && (task === undefined || score.task === task),
  );
  if (chosen.length === 0) {
    throw problem(
      place,
      `has no ${key ?? "score"}; it has ${keys.join("; ") || "none"}`,
      "give --quality-metric as the file has it, such as exact_match,strict-match or gsm8k/exact_match,strict-match",
    );
  }
  const falling = chosen.find((score) => score.lowerIsBetter);
  if (falling !== undefined) {
    throw problem(
      place,
      `has ${falling.task}/${falling.key}, of which lower is better: there is no part of it to recover`,
      "give a score of which higher is better, such as an accuracy, with --quality-metric",
    );
  }
  return meanOf(chosen, key ?? keys[0] ?? "");
}

/** The candidate's part of the baseline's score, and its error by the delta method, the two taken as independent. */
export function recoveryOf(candidate: Quality, baseline: Quality): Recovery | undefined {
  if (baseline.value <= 0) return undefined;
  const fraction = candidate.value / baseline.value;
  const errors = [candidate, baseline].map(({ standardError, value }) =>
    standardError === null ? NaN : standardError / value,
  );
  const standardError = fraction * Math.hypot(...errors);
  return { fraction, standardError: Number.isFinite(standardError) ? standardError : null };
}

function splitKey(key: string | undefined): readonly [string | undefined, string | undefined] {
  if (key === undefined) return [undefined, undefined];
  const slash = key.indexOf("/");
  return slash === -1 ? [undefined, key] : [key.slice(0, slash), key.slice(slash + 1)];
}

function meanOf(scores: readonly Score[], key: string): Quality {
  const count = scores.length;
  const squares = scores.reduce((sum, { standardError }) => sum + (standardError ?? NaN) ** 2, 0);
  return {
    key,
    tasks: scores.map(({ task }) => task),
    value: scores.reduce((sum, { value }) => sum + value, 0) / count,
    standardError: Number.isFinite(squares) ? Math.sqrt(squares) / count : null,
  };
}

function scoresOf(text: string, place: string): readonly Score[] {
  const file = recordOf(jsonOf(text));
  const results = recordOf(file?.["results"]);
  if (results === undefined) {
    throw problem(
      place,
      'has no "results"',
      "give the results_*.json that lm_eval --output_path writes",
    );
  }
  const directions = recordOf(file?.["higher_is_better"]);
  return Object.entries(results).flatMap(([task, value]) =>
    taskScores(recordOf(value) ?? {}, { task, higherIsBetter: recordOf(directions?.[task]) ?? {} }),
  );
}

function taskScores(
  fields: Readonly<Record<string, unknown>>,
  of: { readonly task: string; readonly higherIsBetter: Readonly<Record<string, unknown>> },
): readonly Score[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const [metric = "", filter] = name.split(",");
    if (filter === undefined || metric.endsWith("_stderr") || typeof value !== "number") return [];
    const error = fields[`${metric}_stderr,${filter}`];
    return [
      {
        task: of.task,
        key: name,
        value,
        standardError: typeof error === "number" ? error : null,
        lowerIsBetter: of.higherIsBetter[metric] === false,
      },
    ];
  });
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problem(place: string, what: string, hint: string): LoadError {
  return new LoadError(`${place} is to give the quality, and ${what}`, {
    code: "LL_QUALITY_FILE",
    hint,
    exitCode: ExitCode.PlanInvalid,
  });
}
