import { encodeHistogram, hlogPayload } from "../../shared/measurement/hdr-v2.ts";
import type { Histogram } from "../../shared/measurement/histogram.ts";
import { NS_PER_MS, NS_PER_US } from "../../shared/units.ts";

/** One line of the log: what was measured from `fromS` to `toS` after the run's start. */
export interface HistogramLogEntry {
  /** Commas and blanks, which the format has its own use for, are replaced by `_`. */
  readonly tag: string;
  readonly fromS: number;
  readonly toS: number;
  readonly histogram: Histogram;
}

export interface HistogramLogOptions {
  /** ISO 8601, of the run's start. */
  readonly startedAt: string;
  readonly entries: readonly HistogramLogEntry[];
  /** zlib's deflate (RFC 1950). */
  readonly deflate: (bytes: Uint8Array) => Uint8Array;
}

/**
 * Histograms in HdrHistogram's log format 1.3, for its viewers and libraries. Values are ticks: µs, or 0.001 tokens/s.
 * `Interval_Max` is in ms, or tokens/s. What lay above the highest trackable value is in no bucket, so not here.
 *
 * @see HistogramLogWriter and HistogramLogReader of the Java library.
 */
export function histogramLog(options: HistogramLogOptions): string {
  const startedAt = new Date(options.startedAt);
  const startS = (startedAt.getTime() / 1_000).toFixed(3);
  const lines = [
    "#[Histogram log format version 1.3]",
    `#[StartTime: ${startS} (seconds since epoch), ${startedAt.toISOString()}]`,
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ...options.entries.map((entry) => lineOf(entry, options.deflate)),
  ];
  return `${lines.join("\n")}\n`;
}

function lineOf(entry: HistogramLogEntry, deflate: (bytes: Uint8Array) => Uint8Array): string {
  const { histogram, fromS, toS } = entry;
  const tag = entry.tag.replaceAll(/[\s,]/g, "_");
  const max = histogram.isEmpty ? 0 : histogram.max;
  const shownMax = histogram.unitsPerTick === NS_PER_US ? max / NS_PER_MS : max;
  const payload = hlogPayload(encodeHistogram(histogram), deflate);
  const fields = [fromS.toFixed(3), (toS - fromS).toFixed(3), shownMax.toFixed(3)];
  return `Tag=${tag},${fields.join(",")},${Buffer.from(payload).toString("base64")}`;
}
