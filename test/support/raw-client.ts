import { once } from "node:events";
import { connect } from "node:net";
import type { Socket } from "node:net";

/** A NATS client in plain text, for what a well-behaved library would never send. */
export interface RawClient {
  readonly socket: Socket;
  /** Everything heard so far, as latin1. */
  readonly heard: string;
  say(text: string): void;
  /** Resolves once `pattern` was heard; rejects when the connection ends without it. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves with everything heard once the server has hung up. */
  untilClosed(): Promise<string>;
  close(): Promise<void>;
}

export async function rawClient(port: number): Promise<RawClient> {
  const socket = connect({ host: "127.0.0.1", port });
  const state = { heard: "", closed: false };
  socket.setNoDelay(true);
  socket.on("data", (bytes: Buffer) => (state.heard += bytes.toString("latin1")));
  // A reset is one way to hang up; "close" follows.
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.on("close", () => {
      state.closed = true;
      resolve();
    });
  });
  await once(socket, "connect");

  return {
    socket,
    get heard() {
      return state.heard;
    },
    say: (text) => {
      socket.write(Buffer.from(text, "latin1"));
    },
    until: async (pattern) => {
      while (!pattern.test(state.heard)) {
        if (state.closed) throw new Error(`hung up before ${String(pattern)}: ${state.heard}`);
        await Promise.race([once(socket, "data"), closed]);
      }
      return state.heard;
    },
    untilClosed: async () => {
      await closed;
      return state.heard;
    },
    close: async () => {
      socket.destroy();
      await closed;
    },
  };
}

/** Connects and is let in; what was heard until then is dropped by the caller if it matters. */
export async function rawMember(
  server: { readonly port: number; readonly token: string },
  options: Readonly<Record<string, unknown>> = {},
): Promise<RawClient> {
  const client = await rawClient(server.port);
  await client.until(/^INFO .*\r\n/);
  const connectOptions = { auth_token: server.token, verbose: false, protocol: 1, ...options };
  client.say(`CONNECT ${JSON.stringify(connectOptions)}\r\nPING\r\n`);
  await client.until(/PONG\r\n/);
  return client;
}
