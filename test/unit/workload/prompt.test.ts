import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nonceInRun, promptText, saltOfRun } from "../../../shared/workload/prompt.ts";
import { drawRequest } from "../../../shared/workload/request.ts";
import type { Workload } from "../../../shared/workload/workload.ts";
import { PROMPT_WORDS } from "../../../shared/workload/words.ts";

const nonceArbitrary = fc.maxSafeNat();

test("256 different short lower-case words", () => {
  assert.equal(PROMPT_WORDS.length, 256);
  assert.equal(new Set(PROMPT_WORDS).size, 256);
  assert.ok(PROMPT_WORDS.every((word) => /^[a-z]{3,7}$/.test(word)));
});

test("a prompt of n tokens is n words of the list, with one space between them", () => {
  const known = new Set(PROMPT_WORDS);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 700 }), nonceArbitrary, (promptTokens, nonce) => {
      const words = promptText({ promptTokens, nonce }).split(" ");
      assert.equal(words.length, promptTokens);
      assert.ok(words.every((word) => known.has(word)));
    }),
    { seed: 1 },
  );
});

test("the same nonce makes the same prompt, and a shorter one is its beginning", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), nonceArbitrary, (promptTokens, nonce) => {
      const prompt = promptText({ promptTokens, nonce });
      assert.equal(promptText({ promptTokens, nonce }), prompt);
      assert.ok(promptText({ promptTokens: promptTokens + 50, nonce }).startsWith(prompt));
    }),
    { seed: 2 },
  );
});

test("no two prompts of a run share their first 6 words, so a prefix cache finds nothing", () => {
  const workload: Workload = {
    classes: [
      {
        name: "default",
        weight: 1,
        promptTokens: { kind: "fixed", tokens: 20 },
        outputTokens: { kind: "fixed", tokens: 1 },
      },
    ],
  };
  const beginnings = new Set<string>();
  for (let index = 0; index < 20_000; index++) {
    const prompt = promptText(drawRequest(workload, { seed: 1, segment: 1, index }));
    beginnings.add(prompt.split(" ").slice(0, 6).join(" "));
  }
  assert.equal(beginnings.size, 20_000);
});

test("nonces one apart differ in their first word and in what follows", () => {
  const [one, two] = [1_000, 1_001].map((nonce) =>
    promptText({ promptTokens: 200, nonce }).split(" "),
  );
  assert.notEqual(one![0], two![0]);
  assert.notDeepEqual(one!.slice(6), two!.slice(6));
});

test("the body uses the whole list, so that prompts are not all of a few words", () => {
  const used = new Set(promptText({ promptTokens: 20_000, nonce: 5 }).split(" "));
  assert.ok(used.size > 250, `${used.size} of 256 words`);
});

test("prompts are what they were: a seed means the same run in every release", () => {
  assert.equal(
    promptText({ promptTokens: 9, nonce: 123_456_789_012 }),
    "both card pay ship cat able school answer happy",
  );
});

test("runs of one seed share no prompt's first 6 words, and a run's own prompts are always the same", () => {
  const workload: Workload = {
    classes: [
      {
        name: "default",
        weight: 1,
        promptTokens: { kind: "fixed", tokens: 8 },
        outputTokens: { kind: "fixed", tokens: 1 },
      },
    ],
  };
  const starts = ["run-a", "run-b", "a longer id of a run", ""].map((runId) => {
    const salt = saltOfRun(runId);
    return Array.from({ length: 2_000 }, (_, index) => {
      const { nonce, promptTokens } = drawRequest(workload, { seed: 1, segment: 1, index });
      const inRun = nonceInRun(nonce, salt);
      assert.ok(Number.isSafeInteger(inRun) && inRun >= 0);
      assert.equal(nonceInRun(nonce, saltOfRun(runId)), inRun);
      return promptText({ promptTokens, nonce: inRun }).split(" ", 6).join(" ");
    });
  });
  assert.equal(new Set(starts.flat()).size, 4 * 2_000);
});
