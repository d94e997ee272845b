import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatEvents, OWN_EVENT, readEventText } from "../../../agent/endpoint/chat-events.ts";
import { EventScan, UNSURE } from "../../../agent/endpoint/event-scan.ts";
import { CONTENT_MEANING, Meaning } from "../../../agent/endpoint/meaning.ts";
import { TRANSCRIPTS } from "../../support/stream-fixtures/transcripts.ts";

function read(text: string): number {
  const bytes = Buffer.from(`##${text}##`);
  return new ChatEvents().read(bytes, 2, bytes.length - 2);
}

function scan(text: string): number {
  const bytes = Buffer.from(text);
  return new EventScan().scan(bytes, 0, bytes.length);
}

const choice = (fields: object): string => JSON.stringify({ choices: [{ index: 0, ...fields }] });
const delta = (fields: object): string => choice({ delta: fields });

const meanings: readonly [name: string, text: string, meaning: number][] = [
  ["a role alone", delta({ role: "assistant" }), 0],
  ["a role with empty content", delta({ role: "assistant", content: "" }), 0],
  ["a role with null content", delta({ role: "assistant", content: null }), 0],
  ["a text", delta({ content: "a" }), Meaning.text],
  ["a text that is one space", delta({ content: " " }), Meaning.text],
  ["a text that is one escape", delta({ content: "\n" }), Meaning.text],
  ["a text that is one quote", delta({ content: '"' }), Meaning.text],
  ["a text that names an error", delta({ content: '"error":{"message":"x"}' }), Meaning.text],
  ["a completions text", choice({ text: "a" }), Meaning.text],
  ["an empty completions text", choice({ text: "" }), 0],
  ["a refusal", delta({ refusal: "no" }), Meaning.text],
  ["reasoning_content", delta({ reasoning_content: "a", content: null }), Meaning.reasoning],
  ["reasoning", delta({ reasoning: "a" }), Meaning.reasoning],
  ["empty reasoning", delta({ reasoning: "", reasoning_content: "" }), 0],
  ["content parts with a text", delta({ content: [{ type: "text", text: "a" }] }), Meaning.text],
  [
    "content parts with thinking",
    delta({ content: [{ type: "thinking", thinking: [] }] }),
    Meaning.reasoning,
  ],
  [
    "a tool call's name",
    delta({ tool_calls: [{ function: { name: "f", arguments: "" } }] }),
    Meaning.toolCall,
  ],
  [
    "a tool call's arguments",
    delta({ tool_calls: [{ function: { arguments: "{" } }] }),
    Meaning.toolCall,
  ],
  ["a tool call with nothing in it", delta({ tool_calls: [{ index: 0, id: "x" }] }), 0],
  ["an old function call", delta({ function_call: { name: "f" } }), Meaning.toolCall],
  ["a finish", choice({ delta: {}, finish_reason: "stop" }), Meaning.finish],
  ["no finish yet", choice({ delta: {}, finish_reason: null }), 0],
  [
    "the last text with the finish",
    choice({ delta: { content: "a" }, finish_reason: "length" }),
    Meaning.text | Meaning.finish,
  ],
  ["usage null", '{"usage":null,"choices":[]}', 0],
  ["usage without counts", '{"usage":{},"choices":[]}', 0],
  ["usage", '{"usage":{"prompt_tokens":1,"completion_tokens":2},"choices":[]}', Meaning.usage],
  ["error null", '{"error":null,"choices":[]}', 0],
  ["an error object", '{"error":{"message":"x"}}', Meaning.error],
  ["an error string", '{"error":"x"}', Meaning.error],
  ["[DONE]", "[DONE]", Meaning.done],
  ["[DONE] with white space", " [DONE] ", Meaning.done],
  ["nothing", "", 0],
  ["no JSON", "oops", Meaning.malformed],
  ["half a JSON", '{"choices":[{"delta":{"content":"a"}}', Meaning.malformed],
  ["JSON and more", '{"choices":[]} x', Meaning.malformed],
  ["a list", "[]", Meaning.malformed],
  ["an escaped key", '{"choices":[{"delta":{"cont\\u0065nt":"a"}}]}', Meaning.text],
  ["a key twice: the last one counts", '{"choices":[{"text":"a","text":""}]}', 0],
  [
    "content somewhere else",
    '{"content":"a","delta":{"content":"a"},"choices":[{"content":"a"}]}',
    0,
  ],
  ["white space everywhere", ' { "choices" : [ { "text" :\n"a" } ] } ', Meaning.text],
];

for (const [name, text, meaning] of meanings) {
  test(`an event means the right thing: ${name}`, () => {
    assert.equal(read(text), meaning);
    assert.equal(readEventText(text).meaning, meaning);
  });
}

test("an event says which choice its usage is of, and what the server's error says", () => {
  const counts = { prompt_tokens: 3, completion_tokens: 4 };
  const { inputTokens, outputTokens, usageChoice } = readEventText(
    JSON.stringify({ choices: [{ index: 2 }], usage: counts }),
  );
  assert.deepEqual([inputTokens, outputTokens, usageChoice], [3, 4, 2]);
  assert.equal(
    readEventText(JSON.stringify({ choices: [], usage: counts })).usageChoice,
    OWN_EVENT,
  );
  assert.equal(readEventText('{"error":{"message":"a\\nb"}}').errorText, "a b");
  assert.equal(readEventText('{"error":{"code":5}}').errorText, '{"code":5}');
  // What is no count is silence.
  assert.equal(readEventText('{"usage":{"completion_tokens":-1}}').meaning, 0);
  assert.equal(readEventText('{"usage":{"completion_tokens":"7"}}').meaning, 0);
});

test("the byte scan answers by itself for every content event of every known server", () => {
  let scanned = 0;
  for (const { name, chunks } of TRANSCRIPTS) {
    for (const line of chunks.join("").split("\n")) {
      const data = line.replace(/^data: /, "");
      const { meaning } = readEventText(data);
      const isUsual =
        (meaning & CONTENT_MEANING) !== 0 && (meaning & ~(CONTENT_MEANING | Meaning.finish)) === 0;
      if (line.startsWith("data: ") && isUsual && (meaning & Meaning.toolCall) === 0) {
        assert.equal(scan(data), meaning, `${name}: ${data}`);
        scanned += 1;
      }
    }
  }
  assert.ok(scanned > 30, `${scanned} events`);
});

test("the byte scan does not look past its end", () => {
  const text = '{"choices":[{"text":"abc"}]}';
  const bytes = Buffer.from(text);
  for (let end = 0; end < bytes.length; end += 1) {
    assert.equal(new EventScan().scan(bytes, 0, end), UNSURE, text.slice(0, end));
  }
});
