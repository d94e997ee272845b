import assert from "node:assert/strict";
import { test } from "node:test";
import { socketsHeld } from "../../../agent/policy/sockets.ts";
import { descriptorsIn, portsIn } from "../../../shared/platform/socket-limits.ts";

test("descriptors bound what is in flight, less those the agent needs itself", () => {
  assert.equal(socketsHeld({ descriptorsMax: 20_000, localPorts: 28_232 }, 1), 19_936);
  assert.equal(socketsHeld({ descriptorsMax: 10, localPorts: 28_232 }, 1), 1);
});

test("local ports bound it too, and each further source address brings as many", () => {
  const limits = { descriptorsMax: 1_000_000, localPorts: 10_000 };
  assert.equal(socketsHeld(limits, 1), 9_000);
  assert.equal(socketsHeld(limits, 3), 27_000);
});

test("a system that says nothing bounds nothing", () => {
  assert.equal(socketsHeld({ descriptorsMax: undefined, localPorts: undefined }, 1), Infinity);
});

test("limits are read as Linux writes them", () => {
  const limits =
    "Limit                     Soft Limit           Hard Limit           Units     \n" +
    "Max processes             95961                95961                processes \n" +
    "Max open files            20000                20000                files     \n";
  assert.equal(descriptorsIn(limits), 20_000);
  assert.equal(descriptorsIn(limits.replace("20000", "unlimited")), Infinity);
  assert.equal(descriptorsIn(""), undefined);
  assert.equal(portsIn("32768\t60999\n"), 28_232);
  assert.equal(portsIn(""), undefined);
});
