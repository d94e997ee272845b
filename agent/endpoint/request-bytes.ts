/** Puts the head before a body: what is written to the socket. */
export type EncodeRequest = (body: Buffer) => Buffer;

/** A request whose head is the same each time but for the length of its body. */
export interface RequestShape {
  /** Base URL of the target. */
  readonly url: string;
  readonly method: "GET" | "POST";
  /** From the base URL's path on. */
  readonly path: string;
  /** Names and values by turns; valid for HTTP, and none that frames the message. */
  readonly headers: readonly string[];
}

/** Makes the encoder of a shape; made once a run, so that a request costs one copy. */
export function requestEncoder({ url, method, path, headers }: RequestShape): EncodeRequest {
  const { host, pathname } = new URL(url);
  let text = `${method} ${pathname.replace(/\/$/, "")}${path} HTTP/1.1\r\n`;
  text += `host: ${host}\r\nconnection: keep-alive\r\n`;
  for (let index = 0; index + 1 < headers.length; index += 2) {
    text += `${headers[index] ?? ""}: ${headers[index + 1] ?? ""}\r\n`;
  }
  const head = Buffer.from(text, "latin1");
  return (body) => {
    const end =
      method === "GET" && body.length === 0 ? "\r\n" : `content-length: ${body.length}\r\n\r\n`;
    const request = Buffer.allocUnsafe(head.length + end.length + body.length);
    head.copy(request);
    request.write(end, head.length, "latin1");
    body.copy(request, head.length + end.length);
    return request;
  };
}
