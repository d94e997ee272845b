import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

const SETTLE_CODE = new URL("../../../shared/platform/settle-code.ts", import.meta.url).href;
/** Of V8's `%GetOptimizationStatus`: the function's code is TurboFan's. */
const TURBOFAN = 1 << 6;
const HEAT = `
  const hot = () => { let sum = 0; for (let i = 0; i < 100; i += 1) sum += i * i; return sum; };
  const cold = () => { let sum = 0; for (let i = 0; i < 100; i += 1) sum -= i * i; return sum; };
  // A compiled function is there only once the event loop comes round.
  const heat = async (each) => {
    for (let k = 0; k < 40_000; k += 1) { each(); if (k % 100 === 0) await new Promise(setImmediate); }
  };
  await heat(hot);
`;

/** The optimisation status of `hot`, heated before, and of `cold`, heated after. */
function statuses(between: string): readonly number[] {
  const tell =
    "await heat(cold); console.log([hot, cold].map((each) => %GetOptimizationStatus(each)).join());";
  const script = `import { settleCode } from "${SETTLE_CODE}"; ${HEAT} ${between}; ${tell}`;
  const flags = ["--allow-natives-syntax", "--input-type=module"];
  return execFileSync(process.execPath, [...flags, "-e", script], { encoding: "utf8" })
    .split(",")
    .map(Number);
}

test("what TurboFan compiled stays, and from then on it compiles nothing", () => {
  assert.deepEqual(
    statuses("settleCode()").map((status) => (status & TURBOFAN) !== 0),
    [true, false],
  );
});

test("without it TurboFan compiles both", () => {
  assert.deepEqual(
    statuses("").map((status) => (status & TURBOFAN) !== 0),
    [true, true],
  );
});
