/** One measured figure and what ran beside it. */
export interface Row {
  readonly figure: string;
  /** What was measured of Loadline, with its unit. */
  readonly measured: string;
  /** What ran beside it, with the same unit. */
  readonly beside: string;
  /** measured / beside; undefined where one of the two could not be had. */
  readonly ratio: number | undefined;
  /** What is to be reached; empty where nothing was promised. */
  readonly goal: string;
}

const HEADER = ["figure", "measured", "beside it, in the same run", "ratio", "goal"] as const;

/** A Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => [
    row.figure,
    row.measured,
    row.beside,
    row.ratio === undefined || !Number.isFinite(row.ratio) ? "n/a" : significant(row.ratio),
    row.goal,
  ]);
  const rule = HEADER.map(() => "---");
  return [[...HEADER], rule, ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** Three significant digits, without an exponent. */
export function significant(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString("en-US", { maximumFractionDigits: 6 });
}
