import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { renderHtml } from "../../coordinator/show/html.ts";
import type { Result } from "../../coordinator/show/result.ts";
import { found, hopeless, observed, twoRates } from "../golden/show/results.ts";
import { findChromium, openPage } from "../support/chromium.ts";

const chromium = findChromium();
const skip =
  chromium === undefined
    ? "NO CHROMIUM on this machine: the report was opened in no browser"
    : false;
const folder = mkdtempSync(join(tmpdir(), "loadline-browser-"));
after(() => {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const RESULTS = { found, "two-rates": twoRates, hopeless, observed } satisfies Record<
  string,
  Result
>;
const WIDTHS = { phone: 390, desktop: 1200 };

/** What the page looks like, measured in it. */
interface Look {
  readonly scheme: string;
  readonly pageWidth: number;
  readonly charts: number;
  readonly heading: string;
  /** Texts of a chart that reach beyond it. */
  readonly clipped: readonly string[];
  /** Texts of a chart that lie on one another. */
  readonly overlaps: readonly string[];
  /** Contrast of text against what it stands on, where it is less than 4.5 (WCAG 2.2, 1.4.3). */
  readonly faint: readonly string[];
}

/** Runs in the browser: it may use nothing but what the browser has. */
const MEASURE = `
const page = frame.contentDocument;
const boxOf = (node) => node.getBoundingClientRect();
const luminance = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const groundOf = (node) => {
  for (let at = node; at !== null; at = at.parentElement) {
    const { backgroundColor } = frame.contentWindow.getComputedStyle(at);
    if (!backgroundColor.endsWith(", 0)") && backgroundColor !== "transparent") return backgroundColor;
  }
  return "rgb(255, 255, 255)";
};
const contrast = (a, b) => {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
};
const clipped = [], overlaps = [], faint = [];
for (const svg of page.querySelectorAll("figure > svg")) {
  const frameBox = boxOf(svg);
  const texts = [...svg.querySelectorAll("text")].map((text) => ({ text: text.textContent, box: boxOf(text) }));
  for (const { text, box } of texts)
    if (box.left < frameBox.left - 0.5 || box.right > frameBox.right + 0.5 || box.top < frameBox.top - 0.5 || box.bottom > frameBox.bottom + 0.5) clipped.push(text);
  texts.forEach((one, i) => texts.slice(i + 1).forEach((other) => {
    const x = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
    const y = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
    if (x > 1 && y > 0.35 * Math.min(one.box.height, other.box.height)) overlaps.push(one.text + " on " + other.text);
  }));
}
for (const node of page.querySelectorAll("h1, h2, p, li, th, td, dt, dd, strong, figcaption, small, text, span")) {
  if (node.textContent.trim() === "" || node.closest("title, desc")) continue;
  const style = frame.contentWindow.getComputedStyle(node);
  const colour = node instanceof frame.contentWindow.SVGElement ? style.fill : style.color;
  if (contrast(colour, groundOf(node)) < 4.5) faint.push(node.textContent.trim().slice(0, 40) + " " + colour + " on " + groundOf(node));
}
const look = {
  scheme: frame.contentWindow.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
  pageWidth: page.documentElement.scrollWidth,
  charts: page.querySelectorAll("figure > svg").length,
  heading: page.querySelector("h1").textContent,
  clipped, overlaps, faint: [...new Set(faint)],
};
document.body.textContent = "LOOK" + btoa(unescape(encodeURIComponent(JSON.stringify(look)))) + "KOOL";
`;

/** A page that shows the report in a frame as wide as a device's screen, and measures it. */
function harness(report: string, width: number): string {
  return `<!doctype html><meta charset="utf-8"><body><iframe id="frame" src="${report}" style="width:${width}px;height:3000px;border:0"></iframe>
<script>const frame = document.getElementById("frame"); frame.onload = () => { ${MEASURE} };</script></body>`;
}

async function lookAt(
  result: Result,
  how: { readonly name: string; readonly width: number; readonly dark: boolean },
): Promise<{ readonly look: Look; readonly console: readonly string[] }> {
  const report = join(folder, `${how.name}.report.html`);
  const page = join(folder, `${how.name}.html`);
  writeFileSync(report, renderHtml(result));
  writeFileSync(page, harness(pathToFileURL(report).href, how.width));
  const { dom, console } = await openPage(chromium ?? "", {
    url: pathToFileURL(page).href,
    profile: join(folder, "profile"),
    dark: how.dark,
  });
  const encoded = /LOOK([\w+/=]+)KOOL/.exec(dom)?.[1];
  assert.ok(encoded !== undefined, `the report was not measured: ${dom.slice(0, 500)}`);
  return { look: JSON.parse(Buffer.from(encoded, "base64").toString()) as Look, console };
}

for (const [name, result] of Object.entries(RESULTS)) {
  for (const [device, width] of Object.entries(WIDTHS)) {
    const dark = device === "phone";
    test(`${name} opens from disk on a ${device}, ${dark ? "dark" : "light"}`, {
      skip,
    }, async () => {
      const seen = await lookAt(result, { name: `${name}-${device}`, width, dark });
      const { look } = seen;
      assert.deepEqual(seen.console, [], "the browser has nothing to complain of");
      assert.equal(look.scheme, dark ? "dark" : "light");
      assert.ok(look.charts >= 3, `${look.charts} charts`);
      assert.match(look.heading, /ttft p99/);
      assert.ok(look.pageWidth <= width, `the page scrolls sideways: ${look.pageWidth} px`);
      assert.deepEqual(look.clipped, [], "no text of a chart is cut off");
      assert.deepEqual(look.overlaps, [], "no label lies on another");
      assert.deepEqual(look.faint, [], "every text can be read");
    });
  }
}
