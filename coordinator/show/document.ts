import type { Fact } from "./facts.ts";

/** A report that is not one run's, such as a comparison's: what it says, before it is text, Markdown or HTML. */
export interface Document {
  /** The command it is by. */
  readonly command: string;
  readonly name: string;
  /** The answer in one sentence. */
  readonly headline: string;
  readonly blocks: readonly Block[];
}

export type Block = TableBlock | FactsBlock | WarningBlock;

export interface TableBlock {
  readonly kind: "table";
  readonly title: string;
  readonly columns: readonly DocumentColumn[];
  readonly rows: readonly DocumentRow[];
  /** What the numbers are, in sentences under the table. */
  readonly note?: string;
}

export interface DocumentColumn {
  readonly title: string;
  readonly numeric: boolean;
}

/** A verdict of its own colours a row. */
export interface DocumentRow {
  readonly cells: readonly string[];
  readonly mark?: "met" | "violated" | "undecided" | "void";
}

interface FactsBlock {
  readonly kind: "facts";
  readonly facts: readonly Fact[];
}

/** What a reader must not miss. */
interface WarningBlock {
  readonly kind: "warning";
  readonly lines: readonly string[];
}

/** A column of words. */
export function words(title: string): DocumentColumn {
  return { title, numeric: false };
}

/** A column of numbers. */
export function numbers(title: string): DocumentColumn {
  return { title, numeric: true };
}

/** The blocks that have anything to say. */
export function blocksWithContent(blocks: readonly Block[]): readonly Block[] {
  return blocks.filter((block) => {
    switch (block.kind) {
      case "table":
        return block.rows.length > 0;
      case "facts":
        return block.facts.length > 0;
      case "warning":
        return block.lines.length > 0;
    }
  });
}
