import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SubjectTrie } from "../../../coordinator/broker/subject-trie.ts";

const letter = fc.constantFrom("a", "b", "c");
const subject = fc.array(letter, { minLength: 1, maxLength: 5 });
const pattern = fc
  .tuple(fc.array(fc.oneof(letter, fc.constant("*")), { minLength: 1, maxLength: 5 }), fc.boolean())
  .map(([tokens, rest]) => (rest ? [...tokens.slice(0, -1), ">"] : tokens));

/** The rule itself, word by word. */
function matches(tokens: readonly string[], words: readonly string[]): boolean {
  const [token, ...moreTokens] = tokens;
  const [word, ...moreWords] = words;
  if (token === undefined || word === undefined) return token === word;
  if (token === ">") return true;
  return (token === "*" || token === word) && matches(moreTokens, moreWords);
}

interface Entry {
  readonly tokens: readonly string[];
}

test("the trie finds exactly what the rule says, also after some of it was removed", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ tokens: pattern, kept: fc.boolean() }), { maxLength: 20 }),
      subject,
      (patterns, words) => {
        const trie = new SubjectTrie<Entry>();
        for (const entry of patterns) trie.add(entry.tokens, entry);
        for (const entry of patterns) if (!entry.kept) trie.remove(entry.tokens, entry);

        const expected = patterns.filter(({ kept, tokens }) => kept && matches(tokens, words));

        const found = trie.match(words);
        assert.equal(found.length, expected.length);
        assert.deepEqual(new Set(found), new Set(expected));
      },
    ),
    { numRuns: 500 },
  );
});

test("nothing of a removed pattern stays behind", () => {
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 20 }), (patterns) => {
      const trie = new SubjectTrie<Entry>();
      const entries = patterns.map((tokens) => ({ tokens }));
      for (const entry of entries) trie.add(entry.tokens, entry);
      for (const entry of entries) trie.remove(entry.tokens, entry);

      assert.ok(trie.isEmpty);
    }),
  );
});
