import assert from "node:assert/strict";
import { test } from "node:test";
import { HEAD_BYTES_MAX, Http1Error, Http1Reader } from "../../../agent/endpoint/http1-reader.ts";
import { readResponse } from "../../support/stream-fixtures/read-response.ts";

const CHUNKED = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const read = (text: string, closes = false): ReturnType<typeof readResponse> =>
  readResponse([Buffer.from(text, "latin1")], closes);

test("a body in chunks is told without its framing, extensions and trailer", () => {
  const response = read(
    `${CHUNKED}3\r\nabc\r\n0A;x="y\\"z"\r\n0123456789\r\n000 \r\nchecksum: 1\r\nmore: 2\r\n\r\n`,
  );
  assert.equal(response.body, "abc0123456789");
  assert.ok(response.isWhole && response.keepsAlive);
  assert.equal(response.left, 0);
});

test("a body with a length ends there, and what follows is left", () => {
  const response = read("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200");
  assert.equal(response.body, "abc");
  assert.ok(response.isWhole);
  assert.equal(response.left, 12);
});

test("a body with neither ends with the connection", () => {
  const text = "HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: x";
  assert.equal(read(text).isWhole, false);
  const closed = read(text, true);
  assert.equal(closed.body, "data: x");
  assert.ok(closed.isWhole && !closed.keepsAlive);
});

test("a close within a chunk, a length or a head does not make a response whole", () => {
  const heads = [
    `${CHUNKED}5\r\nab`,
    "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab",
    "HTTP/1.1 2",
  ];
  for (const text of heads) assert.equal(read(text, true).isWhole, false, text);
});

test("responses without a body end with their head", () => {
  for (const head of ["204 No Content\r\n", "304 Not Modified\r\ncontent-length: 7\r\n"])
    assert.ok(read(`HTTP/1.1 ${head}\r\n`).isWhole, head);
  assert.ok(read("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").isWhole);
});

test("informational heads are read past", () => {
  const response = read(
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${CHUNKED}0\r\n\r\n`,
  );
  assert.deepEqual(response.statuses, [200]);
  assert.ok(response.isWhole);
});

test("whether the connection stays open is the version's default, unless a header says otherwise", () => {
  const keeps = (version: string, connection: string): boolean =>
    read(`HTTP/${version} 200 OK\r\n${connection}content-length: 0\r\n\r\n`).keepsAlive;
  assert.equal(keeps("1.1", ""), true);
  assert.equal(keeps("1.1", "connection: Close\r\n"), false);
  assert.equal(keeps("1.1", "connection: upgrade, close\r\n"), false);
  assert.equal(keeps("1.0", ""), false);
  assert.equal(keeps("1.0", "Connection: Keep-Alive\r\n"), true);
});

test("headers are found by lower-case name, joined when repeated, and unfolded", () => {
  const { headers } = read(
    "HTTP/1.1 200\r\nX-A: 1\r\nx-a:  2 \r\nX-B: a\r\n\t b\r\nempty:\r\ncontent-length: 2, 2\r\n\r\n",
  );
  assert.deepEqual(Object.fromEntries(headers), {
    "x-a": "1, 2",
    "x-b": "a b",
    empty: "",
    "content-length": "2, 2",
  });
});

const BROKEN: readonly (readonly [name: string, text: string, says: RegExp])[] = [
  ["a banner of another protocol", "SSH-2.0-OpenSSH_9.2\r\n", /begins with "SSH-2\.0/],
  ["HTTP/2's preface", "PRI * HTTP/2.0", /begins with "PRI/],
  ["a version that is none", "HTTP/1.7 200 OK\r\n\r\n", /"HTTP\/1\.7 200 OK" is no status line/],
  ["a status of two digits", "HTTP/1.1 20 OK\r\n\r\n", /is no status line/],
  ["a header without a colon", "HTTP/1.1 200 OK\r\nfoo\r\n\r\n", /"foo" is no header/],
  ["a space before the colon", "HTTP/1.1 200 OK\r\nfoo : 1\r\n\r\n", /is no header/],
  ["a bare LF in the head", "HTTP/1.1 200 OK\nfoo: 1\r\n\r\n", /is no status line/],
  [
    "a length that is no number",
    "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    /content-length is "-1"/,
  ],
  ["two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", /"1, 2"/],
  [
    "length and coding",
    `${CHUNKED.slice(0, -2)}content-length: 3\r\n\r\n`,
    /both a content-length/,
  ],
  [
    "another coding",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
    /"gzip, chunked"/,
  ],
  ["switching protocols", "HTTP/1.1 101 Switching\r\n\r\n", /switches protocols/],
  ["a size that is none", `${CHUNKED}zz\r\n`, /size of a chunk begins with "z"/],
  ["an empty size", `${CHUNKED}\r\n`, /begins with the byte 0x0d/],
  ["a size with a stranger in it", `${CHUNKED}1g\r\n`, /size of a chunk holds "g"/],
  ["a size beyond counting", `${CHUNKED}${"f".repeat(14)}\r\n`, /too many digits/],
  ["a size ended by LF", `${CHUNKED}1\na\r\n`, /holds the byte 0x0a/],
  ["a size ended by CR and more", `${CHUNKED}1\rXa\r\n`, /size of a chunk is not ended by CR LF/],
  ["a chunk longer than its size", `${CHUNKED}1\r\nab\r\n`, /longer than its size says/],
  ["a chunk ended by CR and more", `${CHUNKED}1\r\na\rb`, /not ended by CR LF/],
  [
    "a head without an end",
    `HTTP/1.1 200 OK\r\nx: ${"y".repeat(HEAD_BYTES_MAX)}`,
    /head is longer/,
  ],
  [
    "a trailer without an end",
    `${CHUNKED}0\r\n${"y".repeat(HEAD_BYTES_MAX + 1)}`,
    /trailer is longer/,
  ],
  [
    "extensions without an end",
    `${CHUNKED}1;${"y".repeat(HEAD_BYTES_MAX + 1)}`,
    /extensions of a chunk/,
  ],
];

for (const [name, text, says] of BROKEN) {
  test(`${name} is named, however the bytes are cut`, () => {
    const bytes = Buffer.from(text, "latin1");
    const whole = readResponse([bytes]);
    assert.match(whole.error ?? "", /^the response does not match the HTTP\/1\.1 protocol: /);
    assert.match(whole.error ?? "", says);
    const halves = [bytes.subarray(0, bytes.length >> 1), bytes.subarray(bytes.length >> 1)];
    assert.match(readResponse(halves).error ?? "", says);
  });
}

test("a broken reader takes nothing more, and one begun anew reads on", () => {
  const reader = new Http1Reader();
  reader.begin({ onHead: () => undefined, onBody: () => assert.fail("no body is told") });
  const bad = Buffer.from(`${CHUNKED}zz\r\nabc`);
  assert.throws(() => reader.push(bad, bad.length), Http1Error);
  assert.equal(reader.push(bad, bad.length), 0);
  reader.begin({ onHead: () => undefined, onBody: () => undefined });
  const good = Buffer.from(`${CHUNKED}0\r\n\r\n`);
  assert.equal(reader.push(good, good.length), good.length);
  assert.ok(reader.isWhole);
});

test("a sink that stops the reader while it is told is told nothing more", () => {
  const reader = new Http1Reader();
  let told = 0;
  reader.begin({
    onHead: () => undefined,
    onBody: () => {
      told += 1;
      reader.stop();
    },
  });
  const bytes = Buffer.from(`${CHUNKED}1\r\na\r\n1\r\nb\r\n0\r\n\r\n`);
  reader.push(bytes, bytes.length);
  assert.equal(told, 1);
  assert.equal(reader.isWhole, false);
});
