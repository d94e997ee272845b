import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { request } from "undici";
import { cutAt, readResponse } from "../../support/stream-fixtures/read-response.ts";

/** A response as it goes over the wire, and what is true of it. */
interface Wire {
  readonly bytes: Buffer;
  readonly status: number;
  readonly body: string;
  readonly untilClose: boolean;
}

const text = fc.string({ unit: "binary-ascii", maxLength: 40 });
const fields = fc
  .array(fc.constantFrom("X-A: 1", "x-b:", "Set-Cookie: a=b; c", "Date:  x", "server: \u00e9"), {
    maxLength: 4,
  })
  .map((lines) => lines.map((line) => `${line}\r\n`).join(""));
const extension = fc.constantFrom("", ";a", ";a=b", ';x="y"');
const trailer = fc.constantFrom("", "checksum: 1\r\n", "a: 1\r\nb: 2\r\n");
const hints = fc.constantFrom("", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n");

const chunked = fc
  .record({ parts: fc.array(fc.tuple(text, extension, fc.boolean()), { maxLength: 6 }), trailer })
  .map(({ parts, trailer: after }) => {
    const chunks = parts
      .filter(([part]) => part !== "")
      .map(([part, more, upper]) => {
        const size = part.length.toString(16);
        return `${upper ? `0${size.toUpperCase()}` : size}${more}\r\n${part}\r\n`;
      });
    return {
      framing: "Transfer-Encoding: chunked\r\n",
      wire: `${chunks.join("")}0\r\n${after}\r\n`,
      body: parts.map(([part]) => part).join(""),
      untilClose: false,
    };
  });
const counted = text.map((body) => ({
  framing: `content-length: ${body.length}\r\n`,
  wire: body,
  body,
  untilClose: false,
}));
const closed = text.map((body) => ({ framing: "", wire: body, body, untilClose: true }));

const wire: fc.Arbitrary<Wire> = fc
  .record({
    hint: hints,
    status: fc.constantFrom(200, 201, 404, 500),
    before: fields,
    rest: fc.oneof(chunked, counted, closed),
  })
  .map(({ hint, status, before, rest }) => ({
    bytes: Buffer.from(
      `${hint}HTTP/1.1 ${status} Text\r\n${before}${rest.framing}\r\n${rest.wire}`,
      "latin1",
    ),
    status,
    body: rest.body,
    untilClose: rest.untilClose,
  }));
const places = fc.array(fc.nat(10_000), { maxLength: 40 });

test("a response is read the same however its bytes are cut", () => {
  fc.assert(
    fc.property(wire, places, ({ bytes, status, body, untilClose }, at) => {
      const whole = readResponse([bytes], true);
      assert.equal(whole.error, undefined);
      assert.deepEqual(whole.statuses, [status]);
      assert.equal(whole.body, body);
      assert.ok(whole.isWhole);
      assert.equal(whole.keepsAlive, !untilClose);
      assert.deepEqual(readResponse(cutAt(bytes, at), true), whole);
    }),
    { numRuns: 1_500 },
  );
});

test("a damaged response is read the same, or refused for the same reason, however its bytes are cut", () => {
  const damage = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(wire, damage, places, ({ bytes }, hits, at) => {
      const damaged = Buffer.from(bytes);
      for (const [place, byte] of hits) damaged[place % damaged.length] = byte;
      const whole = readResponse([damaged], true);
      const cut = readResponse(cutAt(damaged, at), true);
      // A banner is refused as soon as it shows; how much of it had come by then is quoted.
      const reason = (said: string | undefined): string | undefined => said?.split(/"/)[0];
      assert.deepEqual(
        { ...cut, error: reason(cut.error) },
        { ...whole, error: reason(whole.error) },
      );
    }),
    { numRuns: 3_000 },
  );
});

test("undici reads the same responses", async () => {
  let answer: Buffer = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    await fc.assert(
      fc.asyncProperty(wire, async ({ bytes }) => {
        answer = bytes;
        const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}/`);
        const bodyRead = Buffer.from(await body.arrayBuffer()).toString("latin1");
        const ours = readResponse([bytes], true);
        assert.deepEqual(ours.statuses, [statusCode]);
        assert.equal(ours.body, bodyRead);
        for (const [name, value] of Object.entries(headers)) {
          const theirs = Array.isArray(value) ? value.join(", ") : String(value);
          assert.equal(ours.headers.get(name), theirs, name);
        }
      }),
      { numRuns: 200 },
    );
  } finally {
    server.close();
  }
});
