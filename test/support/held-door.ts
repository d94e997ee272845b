import { connect, createServer } from "node:net";
import type { Socket } from "node:net";

/** A door on loopback that lets callers wait: they are connected, but nobody speaks until they are let through. */
export interface HeldDoor {
  readonly port: number;
  /** Resolves with the next caller, who waits. */
  nextCaller(): Promise<Socket>;
  /** Joins a caller with the server behind the door. */
  letThrough(caller: Socket, port: number): void;
  close(): Promise<void>;
}

export async function heldDoor(port = 0): Promise<HeldDoor> {
  const callers: Socket[] = [];
  const awaited: ((caller: Socket) => void)[] = [];
  const open = new Set<Socket>();
  const server = createServer((caller) => {
    open.add(caller);
    caller.on("error", () => undefined);
    const next = awaited.shift();
    if (next === undefined) callers.push(caller);
    else next(caller);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    nextCaller: () =>
      new Promise((resolve) => {
        const caller = callers.shift();
        if (caller === undefined) awaited.push(resolve);
        else resolve(caller);
      }),
    letThrough: (caller, behind) => {
      const inner = connect({ host: "127.0.0.1", port: behind });
      open.add(inner);
      inner.on("error", () => undefined);
      inner.on("close", () => caller.destroy());
      caller.on("close", () => inner.destroy());
      caller.pipe(inner).pipe(caller);
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
