import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"] as const;

/** The machine's Chromium; undefined where there is none. */
export function findChromium(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders
    .flatMap((folder) => NAMES.map((name) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** From disk and without a network: no name resolves, and pages of the disk may look into each other. */
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND",
  "--allow-file-access-from-files",
  "--enable-logging=stderr",
  "--virtual-time-budget=10000",
  "--dump-dom",
] as const;

export interface Page {
  /** The document as it is once everything has run. */
  readonly dom: string;
  /** What pages said on the console; errors of the browser's own policies among it. */
  readonly console: readonly string[];
}

/** Opens a page of the disk and gives back what became of it. */
export async function openPage(
  chromium: string,
  page: { readonly url: string; readonly profile: string; readonly dark?: boolean },
): Promise<Page> {
  const dark = page.dark === true ? ["--blink-settings=preferredColorScheme=0"] : [];
  const args = [...FLAGS, ...dark, `--user-data-dir=${page.profile}`, page.url];
  const child = spawn(chromium, args, { stdio: ["ignore", "pipe", "pipe"] });
  const texts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (texts.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (texts.stderr += text));
  await once(child, "close");
  const console = texts.stderr.split("\n").filter((line) => line.includes(":CONSOLE"));
  return { dom: texts.stdout, console };
}
