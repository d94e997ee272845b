import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { deflateSync, inflateSync } from "node:zlib";
import {
  decodeHistogramAlone,
  encodeHistogram,
  hlogPayload,
} from "../../../shared/measurement/hdr-v2.ts";
import { GEOMETRY, type Histogram } from "../../../shared/measurement/histogram.ts";
import { javaSamples, loadlineSamples } from "./samples.ts";

// Histograms written here and read by HdrHistogram's reference implementation, and back. The files in files/ were
// written by both; files/java-reads.txt is what Java printed of each. UPDATE_GOLDEN=1 writes them anew
// (which takes Java).
const HERE = fileURLToPath(new URL(".", import.meta.url));
const FILES = join(HERE, "files");
const JAVA_READS = join(FILES, "java-reads.txt");
const COMPRESSED = "loadline-latencies.hlog64";
const JAR_FOLDER = fileURLToPath(
  new URL("../../../node_modules/.cache/loadline-hdr", import.meta.url),
);
const JAR = join(JAR_FOLDER, "HdrHistogram-2.2.2.jar");
const isUpdate = process.env["UPDATE_GOLDEN"] === "1";

test("every file decodes to what Java reads in it", () => {
  const lines = readFileSync(JAVA_READS, "utf8").trim().split("\n");
  const names = readdirSync(FILES).filter((name) => !name.endsWith(".txt"));
  assert.deepEqual(
    lines.map((line) => line.split(" ")[0]),
    names.sort(),
  );
  for (const line of lines) {
    const name = line.split(" ")[0]!;
    assert.equal(describeLikeJava(name, decodeHistogramAlone(v2BytesOf(name), 1)), line);
  }
});

test("what Java wrote decodes to its contents, and is written here byte for byte", () => {
  for (const [name, expected] of javaSamples()) {
    const bytes = readFileSync(join(FILES, name));
    const decoded = decodeHistogramAlone(bytes, 1);
    assert.deepEqual(decoded.buckets(), expected.buckets(), name);
    assert.equal(decoded.count, expected.count);
    // Of an empty histogram Java writes one empty bucket, and we none.
    if (!expected.isEmpty) assert.deepEqual(Buffer.from(encodeHistogram(expected)), bytes, name);
  }
});

test("what is written here is what Java read", () => {
  for (const [name, histogram] of loadlineSamples()) {
    const bytes = Buffer.from(encodeHistogram(histogram));
    if (isUpdate) writeFileSync(join(FILES, name), bytes);
    assert.deepEqual(bytes, readFileSync(join(FILES, name)), name);
  }
});

test("Java reads what is written here, and writes what is read here", (t) => {
  const missing = whyNoJava();
  if (missing !== undefined) {
    skipLoudly(t, missing);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), "loadline-hdr-"));
  t.after(() => {
    rmSync(folder, { recursive: true });
  });
  runJava("write", folder);
  for (const [name, histogram] of loadlineSamples()) {
    writeFileSync(join(folder, name), encodeHistogram(histogram));
  }
  writeFileSync(join(folder, COMPRESSED), compressedText());
  const names = readdirSync(folder).sort();
  const printed = runJava("read", ...names.map((name) => join(folder, name)));
  if (isUpdate) updateGolden(folder, names, printed);

  assert.equal(printed, readFileSync(JAVA_READS, "utf8"));
  // Deflate may compress differently on another machine; its contents are in what Java printed.
  for (const name of names.filter((each) => each !== COMPRESSED)) {
    assert.deepEqual(readFileSync(join(folder, name)), readFileSync(join(FILES, name)), name);
  }
});

function compressedText(): string {
  const histogram = loadlineSamples().get("loadline-latencies.hdr")!;
  const payload = hlogPayload(encodeHistogram(histogram), (bytes) => deflateSync(bytes));
  return `${Buffer.from(payload).toString("base64")}\n`;
}

function v2BytesOf(name: string): Uint8Array {
  const contents = readFileSync(join(FILES, name));
  if (name !== COMPRESSED) return contents;
  const bytes = Buffer.from(contents.toString("utf8"), "base64");
  assert.equal(bytes.readInt32BE(0), 0x1c849314);
  assert.equal(bytes.readInt32BE(4), bytes.length - 8);
  return inflateSync(bytes.subarray(8));
}

/** The line that HdrGolden.java prints. */
function describeLikeJava(name: string, histogram: Histogram): string {
  const { significantDigits, lowestTicks, highestTicks } = GEOMETRY;
  const percentiles = [50, 75, 90, 95, 99, 99.9, 100].map((percentile) => {
    const value = histogram.isEmpty ? 0 : histogram.quantile(percentile / 100);
    const label = Number.isInteger(percentile) ? `${percentile}.0` : percentile;
    return `p${label}=${value}`;
  });
  let checksum = 0n;
  for (const { highest, count } of histogram.buckets()) {
    checksum = BigInt.asIntN(64, checksum * 31n + BigInt(highest) * 7n + BigInt(count));
  }
  const geometry = `digits=${significantDigits} lowest=${lowestTicks} highest=${highestTicks}`;
  const { count } = histogram;
  return `${name} ${geometry} count=${count} ${percentiles.join(" ")} checksum=${String(checksum)}`;
}

function runJava(...options: readonly string[]): string {
  const source = join(HERE, "HdrGolden.java");
  const result = spawnSync("java", ["-cp", JAR, source, ...options], { encoding: "utf8" });
  assert.equal(result.status, 0, result.stderr);
  return result.stdout;
}

/** Undefined when Java and its HdrHistogram are there; Maven fetches that once into the cache folder. */
function whyNoJava(): string | undefined {
  // A source file is run directly from Java 11 on.
  const version = spawnSync("java", ["--version"], { encoding: "utf8" });
  if (version.status !== 0) return "there is no java (11 or newer) on this machine";
  if (existsSync(JAR)) return undefined;
  const copy = spawnSync(
    "mvn",
    [
      "-q",
      "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
      "-Dartifact=org.hdrhistogram:HdrHistogram:2.2.2",
      `-DoutputDirectory=${JAR_FOLDER}`,
    ],
    { encoding: "utf8", timeout: 120_000 },
  );
  if (copy.error !== undefined) return `mvn does not run: ${copy.error.message}`;
  return existsSync(JAR) ? undefined : `mvn could not fetch HdrHistogram: ${copy.stdout}`;
}

function skipLoudly(t: TestContext, reason: string): void {
  const text = `NOT PROVEN AGAINST JAVA: ${reason}. Only the committed golden files were checked.`;
  console.error(`\n${"!".repeat(text.length)}\n${text}\n${"!".repeat(text.length)}\n`);
  t.skip(text);
}

function updateGolden(folder: string, names: readonly string[], printed: string): void {
  for (const name of names) writeFileSync(join(FILES, name), readFileSync(join(folder, name)));
  writeFileSync(JAVA_READS, printed);
}
