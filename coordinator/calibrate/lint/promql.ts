/** What a query is about, read without a full parser: labels and strings are cut out first. */

/** The selectors of a query, such as `{namespace="llm"}`, one a metric; "" for a metric without one. */
export interface Selector {
  readonly metric: string;
  readonly matchers: string;
}

const SELECTOR = /([a-zA-Z_:][\w:.-]*)\s*(\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\})?/g;
const WORDS = new Set([
  "sum",
  "avg",
  "min",
  "max",
  "count",
  "group",
  "stddev",
  "stdvar",
  "topk",
  "bottomk",
  "quantile",
  "count_values",
  "by",
  "without",
  "on",
  "ignoring",
  "group_left",
  "group_right",
  "and",
  "or",
  "unless",
  "bool",
  "offset",
  "scalar",
  "vector",
  "absent",
  "rate",
  "irate",
  "increase",
  "delta",
  "deriv",
  "histogram_quantile",
  "clamp_min",
  "clamp_max",
  "clamp",
  "avg_over_time",
  "max_over_time",
  "min_over_time",
  "sum_over_time",
  "last_over_time",
  "quantile_over_time",
  "label_replace",
  "label_join",
  "ceil",
  "floor",
  "round",
  "le",
  "inf",
  "nan",
  "time",
  "abs",
  "sort",
  "sort_desc",
]);

export function selectorsOf(query: string): readonly Selector[] {
  const bare = query
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)/g, " ")
    .replaceAll(/\[[^\]]*\]/g, " ")
    // Strings outside of a selector are arguments.
    .replaceAll(/([(,]\s*)"(?:[^"\\]|\\.)*"(?=\s*[,)])/g, "$1 ");
  return [...bare.matchAll(SELECTOR)].flatMap((match) => {
    const [, metric = "", matchers = ""] = match;
    return WORDS.has(metric.toLowerCase()) ? [] : [{ metric, matchers }];
  });
}

/** Without selectors, strings and ranges: what is left is functions, names and operators. */
export function skeletonOf(query: string): string {
  return query
    .replaceAll(/\{(?:[^{}"]|"(?:[^"\\]|\\.)*")*\}/g, "")
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, "")
    .replaceAll(/\[[^\]]*\]/g, "");
}

/** How an operator matches its sides, in front of the right one. */
const MATCHING = /^(bool\s+)?(on|ignoring)\s*\([^)]*\)\s*(group_(left|right)\s*(\([^)]*\))?\s*)?/;

/** What stands between arithmetic operators, comparisons and `or` on the outermost level. */
export function operandsOf(query: string): readonly string[] {
  const skeleton = unwrapped(skeletonOf(query).trim());
  const operands: string[] = [];
  let depth = 0;
  let from = 0;
  for (let place = 0; place < skeleton.length; place += 1) {
    const char = skeleton.charAt(place);
    if (char === "(") depth += 1;
    if (char === ")") depth -= 1;
    const operator =
      depth === 0 ? /^(\s(or|and|unless)\s|[-+*/%^]|[<>=!]=?)/.exec(skeleton.slice(place)) : null;
    if (operator === null) continue;
    operands.push(skeleton.slice(from, place));
    from = place + operator[0].length;
    place = from - 1;
  }
  operands.push(skeleton.slice(from));
  return operands
    .map((operand) => operand.trim().replace(MATCHING, ""))
    .filter((operand) => operand !== "");
}

/** `(a + b)` → `a + b`, when the parentheses belong to each other. */
function unwrapped(text: string): string {
  if (!text.startsWith("(") || !text.endsWith(")")) return text;
  let depth = 0;
  for (let place = 0; place < text.length - 1; place += 1) {
    if (text.charAt(place) === "(") depth += 1;
    if (text.charAt(place) === ")") depth -= 1;
    if (depth === 0) return text;
  }
  return unwrapped(text.slice(1, -1).trim());
}

const GROUPED = /\b(by|without)\s*\(\s*([^)]*)\)/;
const SCALAR = /^(\d+(\.\d+)?$|(scalar|vector|absent|time)\s*\()/;
const QUANTILE = /^histogram_quantile\s*\(/;
const ELEMENTWISE = /^(ceil|floor|round|abs|clamp_min|clamp_max|clamp)\s*\(/;

/** Whether an operand is one series, whatever the metric has. */
export function isOneSeries(operand: string): boolean {
  const inner = unwrapped(operand);
  if (SCALAR.test(inner)) return true;
  if (QUANTILE.test(inner)) return /\bby\s*\(\s*le\s*\)/.test(inner);
  if (ELEMENTWISE.test(inner))
    return isOneSeries(inner.replace(/^\w+\s*\(/, "").replace(/(,[^()]*)?\)$/, ""));
  const parts = operandsOf(inner);
  return inner !== operand || parts.length > 1 ? parts.every(isOneSeries) : isAggregated(inner);
}

/** One number of all series: no grouping on the outermost level, before the parentheses or behind them. */
function isAggregated(text: string): boolean {
  if (!/^(sum|avg|min|max|count|group|quantile)\b/.test(text)) return false;
  if (/\)\s*(by|without)\s*\([^)]*\)$/.test(text)) return false;
  const before = /^\w+\s*(?=by|without)/.test(text) ? GROUPED.exec(text) : null;
  return before === null || (before[1] === "by" && before[2] === "");
}
