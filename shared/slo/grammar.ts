import { ExitCode, LoadError } from "../errors.ts";
import { formatDuration, parseDurationNs } from "./duration.ts";
import { nearest } from "./near-miss.ts";
import type { Clause, ClauseMetric, Slo } from "./slo.ts";

const CLAUSE_METRICS = [
  "ttft",
  "itl",
  "gap",
  "max_gap",
  "e2e",
  "output_tokens_per_second",
  "service_ttft",
  "service_e2e",
] as const satisfies readonly ClauseMetric[];

const SUBJECTS = [...CLAUSE_METRICS, "error_rate", "goodput"] as const;
type Subject = (typeof SUBJECTS)[number];

/** What other tools call our metrics. */
const SYNONYMS: ReadonlyMap<string, Subject> = new Map([
  ["tpot", "itl"],
  ["latency", "e2e"],
  ["e2el", "e2e"],
  ["tbt", "gap"],
  ["errors", "error_rate"],
  ["tokens_per_second", "output_tokens_per_second"],
  ["tps", "output_tokens_per_second"],
]);

const EXAMPLES =
  '"ttft p99 <= 200ms", "itl p99 <= 50ms", "output_tokens_per_second p99 >= 20", "error_rate <= 0.1%", "goodput >= 99%"';

/** The speeds a histogram can tell apart, tokens/s. */
const SPEED_MIN = 0.001;
const SPEED_MAX = 3_600_000;

/** [class ":"] subject [quantile] operator value; the parts are judged one by one, for a message that fits. */
const CLAUSE_SHAPE =
  /^(?:(?<className>[^:]*):)?\s*(?<subject>[a-z0-9_]+)(?:\s+(?<quantile>[a-z][^\s<>=]*))?\s*(?<operator>[<>=≤≥]+)\s*(?<value>.+)$/i;

const CLASS_NAME = /^[\w][\w.-]*$/;

interface Parts {
  readonly className: string | undefined;
  readonly subject: string;
  readonly quantile: string | undefined;
  readonly operator: string;
  readonly value: string;
}

/**
 * Reads one promise, e.g. `ttft p99 <= 200ms`, `error_rate <= 0.1%`, `chat: itl p99 <= 50ms`.
 *
 * `text` of the result is the canonical form; reading that gives the same clause again.
 *
 * @throws LoadError LL_SLO_INVALID.
 */
export function parseClause(text: string): Clause {
  const parts = splitClause(text);
  const subject = subjectOf(text, parts.subject);
  const prefix = parts.className === undefined ? "" : `${parts.className}: `;
  if (subject === "error_rate" || subject === "goodput") {
    return fractionClause(text, subject, { ...parts, prefix });
  }
  return quantileClause(text, subject, { ...parts, prefix });
}

/**
 * Reads a whole SLO, and reports every problem of it at once.
 *
 * @throws LoadError LL_SLO_INVALID.
 */
export function parseSlo(texts: readonly string[]): Slo {
  const clauses: Clause[] = [];
  const problems: LoadError[] = [];
  for (const text of texts) {
    try {
      const clause = parseClause(text);
      const twin = clauses.find((earlier) => subjectText(earlier) === subjectText(clause));
      if (twin !== undefined) {
        throw invalid(text, `"${twin.text}" already limits the same thing`, "keep the tighter one");
      }
      clauses.push(clause);
    } catch (problem) {
      if (!(problem instanceof LoadError)) throw problem;
      problems.push(problem);
    }
  }
  const [first, ...rest] = problems;
  if (first === undefined) return clauses;
  if (rest.length === 0) throw first;
  throw new LoadError(problems.map((problem) => problem.message).join("\n"), {
    code: first.code,
    hint: [...new Set(problems.map((problem) => problem.hint))].join("\n"),
    exitCode: first.exitCode,
  });
}

/** The canonical text without its operator and limit. */
function subjectText(clause: Clause): string {
  return clause.text.replace(/ [<>]= .*$/, "");
}

function splitClause(text: string): Parts {
  const groups = CLAUSE_SHAPE.exec(text.trim())?.groups;
  if (groups === undefined) {
    throw invalid(text, "it is not of the form METRIC [pNN] OPERATOR LIMIT", `write ${EXAMPLES}`);
  }
  const className = groups["className"]?.trim();
  if (className !== undefined && !CLASS_NAME.test(className)) {
    throw invalid(
      text,
      `"${className}" is no name of a traffic class`,
      'before the colon stands the name of a class of the plan, as in "chat: ttft p99 <= 200ms"',
    );
  }
  return {
    className,
    subject: groups["subject"] ?? "",
    quantile: groups["quantile"],
    operator: (groups["operator"] ?? "").replace("≤", "<=").replace("≥", ">="),
    value: (groups["value"] ?? "").trim(),
  };
}

function subjectOf(text: string, name: string): Subject {
  const lower = name.toLowerCase();
  const subject = SUBJECTS.find((candidate) => candidate === lower);
  if (subject !== undefined) return subject;
  const near = SYNONYMS.get(lower) ?? nearest(lower, SUBJECTS);
  const guess = near === undefined ? "" : `did you mean "${near}"? `;
  throw invalid(
    text,
    `there is no metric "${name}"`,
    `${guess}an SLO may limit ${SUBJECTS.join(", ")}`,
  );
}

type PartsAndPrefix = Parts & { readonly prefix: string };

function fractionClause(
  text: string,
  subject: "error_rate" | "goodput",
  parts: PartsAndPrefix,
): Clause {
  if (parts.quantile !== undefined) {
    throw invalid(
      text,
      `${subject} is one number and has no quantile`,
      `leave out "${parts.quantile}"`,
    );
  }
  const operator = subject === "error_rate" ? "<=" : ">=";
  requireOperator(text, subject, { found: parts.operator, operator });
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*%$/.exec(parts.value);
  if (match?.[1] === undefined) {
    throw invalid(
      text,
      `"${parts.value}" is not a percentage`,
      `write it with its unit, as in "${subject} ${operator} ${subject === "goodput" ? "99" : "0.1"}%"`,
    );
  }
  const percent = Number(Number(match[1]).toFixed(6));
  const allowed = subject === "error_rate" ? percent < 100 : percent > 0 && percent <= 100;
  if (!allowed) {
    const range = subject === "error_rate" ? "0% up to but not 100%" : "above 0% up to 100%";
    throw invalid(text, `${match[1]}% promises nothing`, `${subject} may be limited at ${range}`);
  }
  return {
    kind: subject,
    text: `${parts.prefix}${subject} ${operator} ${percent}%`,
    limitFraction: Number(`${percent}e-2`),
    className: parts.className,
  };
}

function quantileClause(text: string, metric: ClauseMetric, parts: PartsAndPrefix): Clause {
  const percentile = percentileOf(text, metric, parts.quantile);
  const isSpeed = metric === "output_tokens_per_second";
  const operator = isSpeed ? ">=" : "<=";
  requireOperator(text, metric, { found: parts.operator, operator });
  const limit = isSpeed ? speedOf(text, parts.value) : durationOf(text, parts.value);
  const limitText = isSpeed ? String(limit) : formatDuration(limit);
  return {
    kind: "quantile",
    text: `${parts.prefix}${metric} p${percentile} ${operator} ${limitText}`,
    metric,
    quantile: Number(`${percentile}e-2`),
    limit,
    className: parts.className,
  };
}

function percentileOf(text: string, metric: ClauseMetric, quantile: string | undefined): number {
  if (quantile === undefined) {
    throw invalid(
      text,
      `it does not say at which quantile ${metric} is limited`,
      `write it after the metric, as in "${metric} p99"`,
    );
  }
  const match = /^p(\d{1,3}(?:\.\d{1,3})?)$/i.exec(quantile);
  const percentile = Number(match?.[1] ?? NaN);
  if (percentile > 0 && percentile < 100) return percentile;
  throw invalid(
    text,
    percentile === 0 || percentile === 100
      ? `${quantile} is the ${percentile === 0 ? "smallest" : "largest"} value and no quantile: no number of requests can confirm it`
      : `"${quantile}" is not a quantile`,
    "quantiles go from p0.001 to p99.999, with up to three decimals, such as p50, p99, p99.9",
  );
}

function requireOperator(
  text: string,
  subject: Subject,
  operators: { found: string; operator: string },
): void {
  const { found, operator } = operators;
  if (found === operator) return;
  const side = operator === "<=" ? "at most" : "at least";
  throw invalid(
    text,
    `${subject} is to be ${side} its limit`,
    `write "${operator}", not "${found}"`,
  );
}

function durationOf(text: string, value: string): number {
  const parsed = parseDurationNs(value);
  if (typeof parsed === "number") return parsed;
  throw invalid(text, parsed.problem, parsed.hint);
}

function speedOf(text: string, value: string): number {
  const number = /^-?(\d+(?:\.\d+)?|\.\d+)$/.test(value) ? Number(Number(value).toFixed(6)) : NaN;
  if (Number.isNaN(number)) {
    throw invalid(
      text,
      `"${value}" is not a speed`,
      'write a bare number of tokens/s, as in "output_tokens_per_second p99 >= 20"',
    );
  }
  if (number >= SPEED_MIN && number <= SPEED_MAX) return number;
  throw invalid(
    text,
    `no server can be held to ${value} tokens/s`,
    `limits of speed go from ${SPEED_MIN} to ${SPEED_MAX} tokens/s`,
  );
}

function invalid(text: string, problem: string, hint: string): LoadError {
  return new LoadError(`the SLO asks for "${text.trim()}", but ${problem}`, {
    code: "LL_SLO_INVALID",
    hint,
    exitCode: ExitCode.PlanInvalid,
  });
}
