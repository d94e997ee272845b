import assert from "node:assert/strict";
import { test } from "node:test";
import { logFormatOf } from "../../../cli/log.ts";
import { metricsAddressOf, metricsFlagOf } from "../../../cli/metrics-listen.ts";

test("an address says host and port; a port alone is one of the loopback", () => {
  assert.deepEqual(metricsAddressOf("9464"), { host: "127.0.0.1", port: 9464 });
  assert.deepEqual(metricsAddressOf("0.0.0.0:0"), { host: "0.0.0.0", port: 0 });
  assert.deepEqual(metricsAddressOf("[::1]:9464"), { host: "::1", port: 9464 });
  for (const text of ["", "host", "host:", ":9464", "70000", "a:70000", "a:b", "::1:9464"])
    assert.throws(() => metricsAddressOf(text), { code: "LL_FLAG_INVALID" }, text);
});

test("each worker has the next port, or any that is free", () => {
  assert.equal(metricsFlagOf("9464", 2), "127.0.0.1:9466");
  assert.equal(metricsFlagOf("[::]:9464", 1), "[::]:9465");
  assert.equal(metricsFlagOf("a:0", 3), "a:0");
});

test("a log is text or json, and nothing else", () => {
  assert.equal(logFormatOf("json"), "json");
  assert.throws(() => logFormatOf("xml"), { code: "LL_FLAG_INVALID" });
});
