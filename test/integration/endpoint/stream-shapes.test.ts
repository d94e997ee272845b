import assert from "node:assert/strict";
import { test } from "node:test";
import { openaiEndpoint } from "../../../agent/endpoint/openai.ts";
import { orderEncoder } from "../../../agent/endpoint/order-encoder.ts";
import { SystemClock } from "../../../shared/platform/system-clock.ts";
import {
  httpChunk,
  startRawServer,
  type OnRawRequest,
  type RawReply,
} from "../../support/stream-fixtures/raw-server.ts";
import { RecordedStream } from "../../support/stream-fixtures/recorded-stream.ts";
import { aTarget } from "../../support/stream-fixtures/target.ts";
import { TRANSCRIPTS, type Transcript } from "../../support/stream-fixtures/transcripts.ts";

/** Sends one request of the transcript's kind to a server that answers with `onRequest`. */
async function play(transcript: Transcript, onRequest: OnRawRequest): Promise<RecordedStream> {
  const server = await startRawServer(onRequest);
  const target = aTarget({
    url: server.url,
    endpoint: transcript.endpoint,
    extraBody: transcript.choices === 1 ? {} : { n: transcript.choices },
  });
  const endpoint = openaiEndpoint({ target, clock: new SystemClock(), apiKey: undefined });
  const stream = new RecordedStream();
  try {
    endpoint.send(orderEncoder(target)("hi", 8), stream);
    await stream.ended;
    const path = transcript.endpoint === "chat" ? "/v1/chat/completions" : "/v1/completions";
    assert.equal(server.requests[0]?.path, path);
  } finally {
    await endpoint.close();
    await server.close();
  }
  return stream;
}

function assertTold(stream: RecordedStream, transcript: Transcript): void {
  const { end } = stream;
  assert.equal(end?.outcome, transcript.outcome, end?.detail);
  assert.match(end.detail, transcript.detail);
  assert.equal(end.status, 200);
  assert.equal(stream.headers.length, 1);
  assert.equal(stream.headers[0]?.status, 200);
  assert.equal(stream.contentEvents, transcript.contentEvents);
  assert.equal(
    stream.contents.some((content) => content.hasAnswer),
    transcript.hasAnswer,
  );
  const usage = stream.usages.at(-1) ?? { inputTokens: -1, outputTokens: -1 };
  assert.equal(usage.inputTokens, transcript.inputTokens);
  assert.equal(usage.outputTokens, transcript.outputTokens);
  assert.equal(stream.calls[0], "headers");
  assert.equal(stream.calls.at(-1), "end");
  const instants = [...stream.headers, ...stream.contents, end].map((call) => call.atNs);
  assert.deepEqual(
    instants,
    instants.toSorted((a, b) => a - b),
  );
}

for (const transcript of TRANSCRIPTS) {
  test(`${transcript.name}, event by event`, async () => {
    let reply: RawReply | undefined;
    let sent = 0;
    const sendNext = (): void => {
      const chunk = transcript.chunks[sent];
      sent += 1;
      if (chunk === undefined) {
        reply?.lastChunk();
      } else {
        reply?.chunk(chunk);
      }
    };
    // The next chunk leaves only when the one before it was read, so that no two share a read.
    class Stepping extends RecordedStream {
      override onBytes(count: number): void {
        super.onBytes(count);
        setImmediate(sendNext);
      }
    }
    const server = await startRawServer((given) => {
      reply = given.streamHead();
      sendNext();
    });
    const target = aTarget({
      url: server.url,
      endpoint: transcript.endpoint,
      extraBody: { n: transcript.choices },
    });
    const endpoint = openaiEndpoint({ target, clock: new SystemClock(), apiKey: undefined });
    const stream = new Stepping();
    endpoint.send(orderEncoder(target)("hi", 8), stream);
    await stream.ended;
    await endpoint.close();
    await server.close();

    assertTold(stream, transcript);
    // Neither a role, nor an empty text, nor null is the first token.
    assert.equal(stream.contents[0]?.chunk ?? 0, transcript.firstContentChunk);
  });

  test(`${transcript.name}, all in one read`, async () => {
    const stream = await play(transcript, (reply) => {
      reply.socket.cork();
      reply.streamHead();
      for (const chunk of transcript.chunks) {
        reply.chunk(chunk);
      }
      reply.lastChunk().socket.uncork();
    });
    assertTold(stream, transcript);
    // What shares a read shares one instant, and is told once.
    assert.equal(stream.contents.length, Math.min(1, transcript.contentEvents));
  });

  test(`${transcript.name}, byte by byte`, async () => {
    const stream = await play(transcript, (reply) => {
      reply.streamHead();
      const bytes = Buffer.from(transcript.chunks.join(""));
      reply.socket.write(Buffer.concat(Array.from(bytes, (byte) => httpChunk([byte]))));
      reply.lastChunk();
    });
    assertTold(stream, transcript);
  });

  test(`${transcript.name}, ended by closing the connection`, async () => {
    const stream = await play(transcript, (reply) => {
      reply.head(200, { "content-type": "text/event-stream", connection: "close" });
      reply.socket.end(transcript.chunks.join(""));
    });
    assertTold(stream, transcript);
  });
}
