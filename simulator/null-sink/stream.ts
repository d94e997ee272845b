const CRLF = "\r\n";

const HEAD = Buffer.from(
  [
    "HTTP/1.1 200 OK",
    "content-type: text/event-stream",
    "connection: keep-alive",
    "transfer-encoding: chunked",
    CRLF,
  ].join(CRLF),
);

const TOKEN = chunk(event({ choices: [{ index: 0, delta: { content: "word " } }] }));

/** The same bytes for every token of every answer: nothing is built while a stream runs. */
const FIRST = Buffer.concat([HEAD, TOKEN]);

/** The bytes of an answer's `place`-th of `tokens` tokens, with whatever goes before and after it. */
export function tokenBytes(place: number, tokens: number): Buffer {
  const isLast = place === tokens - 1;
  const token = place === 0 ? FIRST : TOKEN;
  return isLast ? Buffer.concat([token, tail(tokens)]) : token;
}

function tail(tokens: number): Buffer {
  const usage = { prompt_tokens: 0, completion_tokens: tokens, total_tokens: tokens };
  return Buffer.concat([
    chunk(event({ choices: [{ index: 0, delta: {}, finish_reason: "length" }] })),
    chunk(event({ choices: [], usage })),
    chunk("data: [DONE]\n\n"),
    Buffer.from("0\r\n\r\n"),
  ]);
}

function event(fields: Record<string, unknown>): string {
  const shape = { id: "null", object: "chat.completion.chunk", created: 0, model: "null" };
  return `data: ${JSON.stringify({ ...shape, ...fields })}\n\n`;
}

function chunk(text: string): Buffer {
  return Buffer.from(`${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`);
}
