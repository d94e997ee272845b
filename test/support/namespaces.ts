import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";

const LOADLINE = fileURLToPath(new URL("../../cli/loadline.ts", import.meta.url));
const NETWORK = "10.77.0";

/** A machine of its own, as far as the network goes. */
export interface Machine {
  readonly address: string;
  /** Starts a program there; it is killed with the test. */
  start(command: string, args: readonly string[], cwd?: string): Placed;
  loadline(...args: readonly string[]): Placed;
}

export interface Placed {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly exitCode: Promise<number | null>;
  /** Resolves when its output has a line with this in it. */
  says(what: string): Promise<void>;
}

/** Why no network namespace can be made here; undefined when one can. Said loudly. */
export function whyNoNamespaces(): string | undefined {
  const name = `ll-${process.pid}-try`;
  const made = spawnSync("ip", ["netns", "add", name], { encoding: "utf8" });
  spawnSync("ip", ["netns", "del", name]);
  if (made.status === 0) return undefined;
  const why = "NOT TESTED over network namespaces: they need root and iproute2";
  process.stderr.write(`\n*** ${why} ***\n\n`);
  return why;
}

/**
 * Machines with a network card each, on one switch: network namespaces, veth pairs and a bridge. The switch lies in the
 * first machine, so that nothing of the host's own network is touched.
 */
export function startMachines(context: TestContext, count: number): readonly Machine[] {
  const names = Array.from({ length: count }, (_, place) => `ll-${process.pid}-${place}`);
  context.after(() => {
    for (const name of names) spawnSync("ip", ["netns", "del", name]);
  });
  const [hub = ""] = names;
  for (const name of names) ip("netns", "add", name);
  inside(hub, "link", "add", "br0", "type", "bridge");
  inside(hub, "addr", "add", `${addressOf(0)}/24`, "dev", "br0");
  inside(hub, "link", "set", "br0", "up");
  for (const [place, name] of names.entries()) {
    inside(name, "link", "set", "lo", "up");
    if (place === 0) continue;
    inside(hub, "link", "add", `v${place}`, "type", "veth", "peer", "name", "eth0", "netns", name);
    inside(hub, "link", "set", `v${place}`, "master", "br0", "up");
    inside(name, "addr", "add", `${addressOf(place)}/24`, "dev", "eth0");
    inside(name, "link", "set", "eth0", "up");
  }
  return names.map((name, place) => {
    const start: Machine["start"] = (command, args, cwd) =>
      placed(
        context,
        spawn("ip", ["netns", "exec", name, command, ...args], {
          cwd,
          stdio: ["ignore", "pipe", "pipe"],
        }),
      );
    return {
      address: addressOf(place),
      start,
      loadline: (...args) => start(process.execPath, [LOADLINE, ...args]),
    };
  });
}

function addressOf(place: number): string {
  return `${NETWORK}.${place + 1}`;
}

/** `ip netns exec` becomes the program itself, so its process id is the program's. */
function placed(context: TestContext, child: ReturnType<typeof spawn>): Placed {
  let text = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    assert.ok(stream !== null);
    createInterface({ input: stream }).on("line", (line) => {
      text += `${line}\n`;
      for (const listener of listeners) listener();
    });
  }
  const exitCode = once(child, "close").then(([code]) => code as number | null);
  context.after(async () => {
    child.kill("SIGKILL");
    await exitCode;
  });
  const said = (what: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (!text.includes(what)) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
    });
  return {
    child,
    output: () => text,
    exitCode,
    says: (what) =>
      Promise.race([
        said(what),
        exitCode.then((code) =>
          assert.fail(`it ended with ${code ?? "a signal"} before it said "${what}":\n${text}`),
        ),
      ]),
  };
}

function inside(name: string, ...args: readonly string[]): void {
  ip("-n", name, ...args);
}

function ip(...args: readonly string[]): void {
  const { status, stderr } = spawnSync("ip", args, { encoding: "utf8" });
  assert.equal(status, 0, `ip ${args.join(" ")}: ${stderr}`);
}
