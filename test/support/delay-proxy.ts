import { createServer, connect, type Socket } from "node:net";

/**
 * A wire that takes `DELAY_MS` ± `JITTER_MS` each way, as a process of its own: this kernel's `tc` may have no netem.
 *
 *     node delay-proxy.ts HOST LISTEN:TARGET LISTEN:TARGET …
 *
 * Bytes stay in order: what is drawn a shorter delay than the bytes before it waits for them.
 */
const DELAY_MS = 40;
const JITTER_MS = 10;

function carry(from: Socket, to: Socket): void {
  let freeAtMs = 0;
  from.on("data", (chunk) => {
    const delayMs = DELAY_MS + JITTER_MS * (2 * Math.random() - 1);
    freeAtMs = Math.max(freeAtMs, performance.now() + delayMs);
    setTimeout(() => to.write(chunk), freeAtMs - performance.now());
  });
  from.on("close", () => setTimeout(() => to.destroy(), DELAY_MS + JITTER_MS));
  from.on("error", () => to.destroy());
}

const [, , host = "127.0.0.1", ...wires] = process.argv;
let waiting = wires.length;
for (const wire of wires) {
  const [listen = 0, target = 0] = wire.split(":").map(Number);
  createServer({ noDelay: true }, (inside) => {
    const outside = connect({ host, port: target, noDelay: true });
    carry(inside, outside);
    carry(outside, inside);
  }).listen(listen, host, () => {
    waiting -= 1;
    if (waiting === 0) process.stdout.write("ready\n");
  });
}
