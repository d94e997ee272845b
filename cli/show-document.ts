import { renderDocumentHtml } from "../coordinator/show/document-html.ts";
import { renderDocumentMarkdown } from "../coordinator/show/document-markdown.ts";
import { renderDocumentText } from "../coordinator/show/document-text.ts";
import type { Document } from "../coordinator/show/document.ts";
import { flagInvalid } from "./flag-invalid.ts";

export interface ShownForms {
  readonly document: Document;
  /** What `--json` prints. */
  readonly json: unknown;
  /** Further forms by name, such as "junit". */
  readonly more?: Readonly<Record<string, () => string>>;
}

/** A document in the form that was asked for. @throws LoadError LL_FLAG_INVALID where there is no such format. */
export function shownAs(format: string, { document, json, more = {} }: ShownForms): string {
  const color = process.stdout.isTTY && process.env["NO_COLOR"] === undefined;
  const forms: Readonly<Record<string, () => string>> = {
    text: () => renderDocumentText(document, { color }),
    json: () => `${JSON.stringify(json, undefined, 2)}\n`,
    markdown: () => renderDocumentMarkdown(document),
    html: () => renderDocumentHtml(document),
    ...more,
  };
  requireFormat(format, Object.keys(forms));
  return forms[format]?.() ?? "";
}

/** Those that every document has. */
export const DOCUMENT_FORMATS = ["text", "json", "markdown", "html"] as const;

/** @throws LoadError LL_FLAG_INVALID where `format` is none of `known`. */
export function requireFormat(format: string, known: readonly string[]): void {
  if (known.includes(format)) return;
  throw flagInvalid(
    `--format is ${format}, and there is no such format`,
    `give one of ${known.join(", ")}`,
  );
}
