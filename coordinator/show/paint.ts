export interface TerminalOptions {
  /** ANSI colours; off by default. */
  readonly color?: boolean;
}

const STYLES = { bold: "1", dim: "2", red: "31", green: "32", yellow: "33" } as const;
type Style = keyof typeof STYLES;
export type Painter = (style: Style, text: string) => string;

export function painterOf({ color }: TerminalOptions): Painter {
  return color === true
    ? (style, text) => `\u001b[${STYLES[style]}m${text}\u001b[0m`
    : (_style, text) => text;
}

/** The colours of a row of a table, by its verdict. */
export const MARK_STYLES = {
  met: "green",
  violated: "red",
  undecided: "yellow",
  void: "dim",
} as const satisfies Record<string, Style>;

/** Model names, agent ids and reasons come from elsewhere: an escape sequence in one must not reach a terminal. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, "�");
}

/** Lines of a table whose columns stand under each other; the first is the head. */
export function alignedLines(
  columns: readonly { readonly title: string; readonly numeric: boolean }[],
  rows: readonly (readonly string[])[],
): string[] {
  const titles = columns.map((column) => column.title);
  const widths = titles.map((title, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  return [titles, ...rows].map((cells) =>
    columns
      .map(({ numeric }, index) => {
        const cell = cells[index] ?? "";
        const width = widths[index] ?? 0;
        return numeric ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd(),
  );
}
