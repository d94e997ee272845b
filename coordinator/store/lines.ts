import type { ReadOptions } from "./torn.ts";

const NEWLINE = 0x0a;

/** The lines of a file, without their newlines. A last line without one is torn and is left out. */
export async function* linesOf(
  chunks: AsyncIterable<Uint8Array>,
  options: ReadOptions & { readonly path: string },
): AsyncGenerator<string> {
  let rest: Uint8Array[] = [];
  let wholeBytes = 0;
  for await (const chunk of chunks) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...rest, chunk.subarray(from, at)]);
      rest = [];
      from = at + 1;
      wholeBytes += line.length + 1;
      yield line.toString("utf8");
    }
    if (from < chunk.length) rest.push(chunk.subarray(from));
  }
  if (rest.length > 0) options.onTorn?.({ path: options.path, wholeBytes });
}
