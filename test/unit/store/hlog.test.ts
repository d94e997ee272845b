import assert from "node:assert/strict";
import { test } from "node:test";
import { deflateSync, inflateSync } from "node:zlib";
import { histogramLog } from "../../../coordinator/store/hlog.ts";
import { decodeHistogramAlone } from "../../../shared/measurement/hdr-v2.ts";
import { Histogram } from "../../../shared/measurement/histogram.ts";

test("a histogram log has the format's header and one tagged line a histogram", () => {
  const ttft = new Histogram(1_000);
  for (let ms = 1; ms <= 100; ms += 1) ttft.record(ms * 1_000_000);
  const speed = new Histogram(0.001);
  speed.record(42.5);
  const text = histogramLog({
    startedAt: "2026-03-04T05:06:07.250Z",
    deflate: (bytes) => deflateSync(bytes),
    entries: [
      { tag: "1/my class, it/ttft", fromS: 2, toS: 62.5, histogram: ttft },
      { tag: "1/default/output_tokens_per_second", fromS: 2, toS: 62.5, histogram: speed },
      { tag: "empty", fromS: 0, toS: 1, histogram: new Histogram(1_000) },
    ],
  });
  const lines = text.split("\n");
  assert.deepEqual(lines.slice(0, 3), [
    "#[Histogram log format version 1.3]",
    "#[StartTime: 1772600767.250 (seconds since epoch), 2026-03-04T05:06:07.250Z]",
    '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
  ]);
  assert.match(lines[3]!, /^Tag=1\/my_class__it\/ttft,2\.000,60\.500,100\.000,HISTFAAAA[\w+/]+=*$/);
  assert.match(lines[4]!, /^Tag=1\/default\/output_tokens_per_second,2\.000,60\.500,42\.500,HIST/);
  assert.match(lines[5]!, /^Tag=empty,0\.000,1\.000,0\.000,HIST/);
  assert.equal(lines.length, 7, "the last line ends in a newline");

  const payload = Buffer.from(lines[3]!.split(",")[4]!, "base64");
  assert.equal(payload.readUInt32BE(0), 0x1c849314);
  assert.equal(payload.readUInt32BE(4), payload.length - 8);
  const back = decodeHistogramAlone(inflateSync(payload.subarray(8)), 1_000);
  assert.deepEqual(back.buckets(), ttft.buckets());
});
