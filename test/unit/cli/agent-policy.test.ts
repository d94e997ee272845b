import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { LOOPBACK_TARGETS } from "../../../agent/policy/policy.ts";
import { type OperatorPolicy, operatorPolicy, policyYaml } from "../../../cli/agent-policy.ts";

const FOLDER = mkdtempSync(join(tmpdir(), "loadline-policy-"));
const SIGNER = `U${"A".repeat(55)}`;
const S = 1e9;

after(() => {
  rmSync(FOLDER, { recursive: true, force: true });
});

function fileOf(text: string): string {
  const file = join(FOLDER, "policy.yaml");
  writeFileSync(file, text);
  return file;
}

const WHOLE = `
targets: ["gpu1:8000"]
max-rate: 50
max-in-flight: 100
max-duration: 10m
max-tokens: 512
signers: [${SIGNER}]
`;

const READ: OperatorPolicy = {
  targets: ["gpu1:8000"],
  ratePerSecondMax: 50,
  inFlightMax: 100,
  durationNsMax: 600 * S,
  tokensMax: 512,
  signers: [SIGNER],
};

describe("what an operator allows", () => {
  test("is loopback alone where nothing is said, and what the file says where one is", () => {
    assert.deepEqual(operatorPolicy(undefined, {}).targets, LOOPBACK_TARGETS);
    assert.deepEqual(operatorPolicy(fileOf("max-rate: 5"), {}).targets, LOOPBACK_TARGETS);
    assert.deepEqual(operatorPolicy(fileOf(WHOLE), {}), READ);
  });

  test("is what a flag says, where flag and file say it, one bound at a time", () => {
    const file = fileOf(WHOLE);
    assert.deepEqual(operatorPolicy(file, { allow: ["gpu2:*"] }), { ...READ, targets: ["gpu2:*"] });
    assert.deepEqual(operatorPolicy(file, { maxRate: "7" }), { ...READ, ratePerSecondMax: 7 });
    assert.deepEqual(operatorPolicy(file, { maxInFlight: "8" }), { ...READ, inFlightMax: 8 });
    assert.deepEqual(operatorPolicy(file, { maxDuration: "9" }), { ...READ, durationNsMax: 9 * S });
    assert.deepEqual(operatorPolicy(file, { maxTokens: "10" }), { ...READ, tokensMax: 10 });
  });

  test("is read back from the file that fleet init writes", () => {
    const file = fileOf(policyYaml({ targets: READ.targets, signers: READ.signers }));
    const { targets, signers } = operatorPolicy(file, {});
    assert.deepEqual([targets, signers], [READ.targets, READ.signers]);
    assert.deepEqual(operatorPolicy(file, {}), {
      ...operatorPolicy(undefined, {}),
      ...{ targets, signers },
    });
  });

  test("is counted in whole tokens and requests, and lasts whole ns", () => {
    for (const flags of [{ maxTokens: "10.5" }, { maxInFlight: "1.5" }, { maxTokens: "1e300" }])
      assert.throws(() => operatorPolicy(undefined, flags), {
        code: "LL_FLAG_INVALID",
        exitCode: 2,
        message: /^--max-(tokens|in-flight) is .*, and must be a whole number above 0$/,
      });
    assert.equal(operatorPolicy(undefined, { maxDuration: "1.0000000001" }).durationNsMax, 1 * S);
  });

  for (const [text, message] of [
    // Taken for no bound, a word that is written wrongly would allow what it was to forbid.
    ["max_rate: 5", /max_rate/],
    ["max-rate: 0", /max-rate/],
    ["max-in-flight: 1.5", /max-in-flight/],
    ['max-duration: "60"', /max-duration: .*no unit/],
    ["targets: []", /targets/],
    ["signers: []", /signers/],
    ["signers: [SUAM]", /signers\.0: a signer is a public nkey/],
    ["targets: [", /it is no YAML/],
  ] as const)
    test(`is nothing by a file that says ${text}`, () => {
      assert.throws(() => operatorPolicy(fileOf(text), {}), {
        code: "LL_POLICY_FILE_INVALID",
        exitCode: 2,
        message,
      });
    });
});
