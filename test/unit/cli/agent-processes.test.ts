import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutFlags } from "../../../cli/agent-workers.ts";
import { sourceAddresses } from "../../../cli/local-agents.ts";

const LINUX = { localPorts: 28_232, isLinux: true };
const load = { targetUrls: ["http://127.0.0.1:8000/v1"], inFlightMax: 30_000, count: 3 };

test("workers get what was typed, without what is the parent's", () => {
  const typed = ["--nats", "nats://a:1", "--workers", "4", "--allow", "b:1", "c:2", "--id=x"];
  assert.deepEqual(withoutFlags(typed, ["--workers", "--id"]), [
    ...["--nats", "nats://a:1", "--allow", "b:1", "c:2"],
  ]);
});

test("each local agent has a loopback address of its own when one has too few ports", () => {
  assert.deepEqual(sourceAddresses(load, LINUX), ["127.0.0.3", "127.0.0.4", "127.0.0.5"]);
  const many = sourceAddresses({ ...load, count: 1_000 }, LINUX);
  assert.equal(new Set(many).size, 1_000);
  for (const address of many) assert.match(address, /^127\.0\.\d{1,3}\.([1-9]|\d{2,3})$/);
});

test("they share one while it holds what is in flight, or where there is no other", () => {
  assert.deepEqual(sourceAddresses({ ...load, inFlightMax: 20_000 }, LINUX), []);
  assert.deepEqual(sourceAddresses(load, { ...LINUX, isLinux: false }), []);
  assert.deepEqual(
    sourceAddresses({ ...load, targetUrls: ["http://127.0.0.1/v1", "http://10.0.0.1/v1"] }, LINUX),
    [],
  );
  assert.deepEqual(sourceAddresses(load, { ...LINUX, localPorts: undefined }), []);
});
