import assert from "node:assert/strict";
import { test } from "node:test";
import { LoadError } from "../../../shared/errors.ts";
import { presetSlo, SLO_PRESETS } from "../../../shared/slo/presets.ts";

test("every preset is written in canonical form and names itself once", () => {
  for (const preset of SLO_PRESETS) {
    assert.deepEqual(
      presetSlo(preset.name).map((clause) => clause.text),
      preset.clauses,
    );
  }
  assert.equal(new Set(SLO_PRESETS.map((preset) => preset.name)).size, SLO_PRESETS.length);
});

test("the chatbot preset is what docs/measurement.md says", () => {
  assert.deepEqual(
    presetSlo("chatbot").map((clause) => clause.text),
    ["ttft p99 <= 200ms", "itl p99 <= 50ms"],
  );
});

test("an unknown preset is refused, with the nearest one and all of them named", () => {
  assert.throws(
    () => presetSlo("chatbto"),
    (error) =>
      error instanceof LoadError &&
      error.code === "LL_SLO_PRESET_UNKNOWN" &&
      error.exitCode === 2 &&
      /did you mean "chatbot"\? .*rag, mlperf-llama2-70b/.test(error.hint),
  );
});
