import assert from "node:assert/strict";
import { test } from "node:test";
import { takeRequest } from "../../../simulator/null-sink/request.ts";

const body = JSON.stringify({ messages: [{ content: "#12 a word" }], max_tokens: 64 });
const request = `POST /v1/chat/completions HTTP/1.1\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

test("a request says how many tokens it wants, and which one it is", () => {
  assert.deepEqual(takeRequest(request), { request: { tokens: 64, number: 12 }, rest: "" });
});

test("it is taken when it is whole, and not before", () => {
  for (let length = 0; length < request.length; length += 1)
    assert.equal(takeRequest(request.slice(0, length)), undefined);
  assert.equal(takeRequest(`${request}POST`)?.rest, "POST");
});

test("without a number or a length it is one token long, and nameless", () => {
  assert.deepEqual(takeRequest("GET / HTTP/1.1\r\n\r\n")?.request, { tokens: 1, number: -1 });
});
