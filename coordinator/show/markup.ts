/** HTML, XML or SVG that is safe to write as it is. Only `markup` makes one, so text cannot pass for it. */
export interface Markup {
  readonly markup: string;
}

type Part = Markup | readonly Markup[] | string | number;

/** A template whose values are escaped, unless they are markup themselves. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  const written = strings.map((text, index) => {
    const part = parts[index];
    return part === undefined ? text : text + write(part);
  });
  return { markup: written.join("") };
}

/** Markup that stands for nothing. */
export const NO_MARKUP: Markup = { markup: "" };

/** One after the other, each on its own line. */
export function lines(parts: readonly Markup[]): Markup {
  return { markup: parts.map((part) => part.markup).join("\n") };
}

/** CSS that we wrote ourselves. */
export function trusted(text: string): Markup {
  return { markup: text };
}

function write(part: Part): string {
  if (typeof part === "number") return String(part);
  if (typeof part === "string") return escapeText(part);
  if ("markup" in part) return part.markup;
  return part.map((each) => each.markup).join("");
}

/** Safe as text and in an attribute within double quotes, in HTML and in XML 1.0. */
function escapeText(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "�")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
