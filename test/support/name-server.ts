import { createSocket } from "node:dgram";
import { once } from "node:events";
import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { temporaryFolder } from "./cli.ts";

/** An address of the loopback that no resolver of the machine listens on. */
const ADDRESS = "127.0.0.153";
const PORT = 53;
const HEADER_BYTES = 12;
const TYPE_A = 1;

/** A DNS server whose every name has one address, until it is told another. */
export interface NameServer {
  /** Put before a command, it gives that process this resolver and no other. */
  readonly within: readonly string[];
  /** How often an address was asked for. */
  readonly asked: () => number;
  answer(address: string): void;
}

/** Undefined, and said loudly, where no process can be given a resolver of its own. */
export async function startNameServer(
  context: TestContext,
  first: string,
): Promise<NameServer | undefined> {
  const mount = ["--mount", "mount", "--bind", "/dev/null", "/etc/resolv.conf"];
  if (spawnSync("unshare", mount).status !== 0) {
    loud("it needs root and mount namespaces");
    return undefined;
  }
  let address = first;
  let asked = 0;
  const socket = createSocket("udp4");
  socket.on("message", (query, { port, address: peer }) => {
    const { answer, isAddress } = answerOf(query, address);
    if (isAddress) asked += 1;
    socket.send(answer, port, peer);
  });
  socket.bind(PORT, ADDRESS);
  try {
    await once(socket, "listening");
  } catch (error) {
    loud(`no DNS server can be started here: ${String(error)}`);
    return undefined;
  }
  context.after(() => {
    socket.close();
  });
  const file = join(await temporaryFolder(context), "resolv.conf");
  await writeFile(file, `nameserver ${ADDRESS}\n`);
  const script = 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"';
  return {
    within: ["unshare", "--mount", "sh", "-c", script, "sh", file],
    asked: () => asked,
    answer: (other) => {
      address = other;
    },
  };
}

function loud(why: string): void {
  process.stderr.write(`\n*** NOT TESTED with a name that changes its answer: ${why} ***\n\n`);
}

/** One record of type A where one is asked for, and none otherwise (RFC 1035, 4.1); good for no time at all. */
function answerOf(query: Buffer, address: string): { answer: Buffer; isAddress: boolean } {
  let end = HEADER_BYTES;
  while (query[end] !== 0) end += 1 + query[end]!;
  const question = query.subarray(HEADER_BYTES, end + 5);
  const isAddress = query.readUInt16BE(end + 1) === TYPE_A;
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16BE(query.readUInt16BE(0), 0);
  // A response, with authority, recursion asked for and available.
  header.writeUInt16BE(0x8580, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(isAddress ? 1 : 0, 6);
  if (!isAddress) return { answer: Buffer.concat([header, question]), isAddress };
  // The name is the question's; type A, class IN, time to live 0, four bytes.
  const record = Buffer.from([0xc0, HEADER_BYTES, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4]);
  const bytes = Buffer.from(address.split(".").map(Number));
  return { answer: Buffer.concat([header, question, record, bytes]), isAddress };
}
