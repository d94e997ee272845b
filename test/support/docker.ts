import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { natsServerExecutable } from "./nats-server.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Why no container can be started here; undefined when one can. Said loudly, once. */
export function whyNoDocker(): string | undefined {
  const engine = spawnSync("docker", ["info", "--format", "{{.ServerVersion}}"], {
    encoding: "utf8",
  });
  if (engine.status === 0) return undefined;
  const why =
    "NOT TESTED in containers: no Docker engine answers (apt-get install docker.io, start dockerd)";
  process.stderr.write(`\n*** ${why} ***\n\n`);
  return why;
}

/** Runs a command to its end. @returns what it said on standard output; fails the test otherwise. */
export function succeed(
  command: string,
  args: readonly string[],
  options: { readonly environment?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: options.cwd ?? ROOT,
    env: { ...process.env, ...options.environment },
    encoding: "utf8",
  });
  assert.equal(status, 0, `${command} ${args.join(" ")}\n${stdout}\n${stderr}`);
  return stdout;
}

/**
 * An image from nothing but what `program` needs to start here: no registry is asked. Stands for a distroless base, which has
 * the C and C++ libraries and the certificate authorities.
 */
function importBase(
  tag: string,
  { program, withProgram }: { program: string; withProgram: boolean },
): void {
  const root = mkdtempSync(join(tmpdir(), "loadline-base-"));
  try {
    for (const library of librariesOf(program)) place(library, join(root, library));
    if (withProgram) place(program, join(root, "usr/local/bin", nameOf(program)));
    const authorities = "/etc/ssl/certs/ca-certificates.crt";
    if (existsSync(authorities)) place(authorities, join(root, authorities));
    mkdirSync(join(root, "tmp"), { mode: 0o1777, recursive: true });
    writeFileSync(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
    const entrypoint = withProgram ? [`ENTRYPOINT ["/usr/local/bin/${nameOf(program)}"]`] : [];
    const changes = entrypoint.flatMap((change) => ["--change", change]);
    const script = 'root=$1; shift; tar -c -C "$root" . | docker import "$@"';
    succeed("sh", ["-c", script, "sh", root, ...changes, "-", tag]);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** An image of the nats-server of this machine, and nothing else. @returns its tag. */
export function buildNatsImage(): string {
  const tag = "loadline-test/nats";
  const program = succeed("sh", ["-c", 'command -v "$1"', "sh", natsServerExecutable]).trim();
  importBase(tag, { program, withProgram: true });
  return tag;
}

/** Also those that the C library opens by itself to resolve names. */
function librariesOf(program: string): readonly string[] {
  const linked = [...succeed("ldd", [program]).matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path!);
  const [libc = ""] = linked.filter((path) => path.endsWith("/libc.so.6"));
  const names = ["libnss_dns.so.2", "libnss_files.so.2", "libresolv.so.2"].map((name) =>
    join(dirname(libc), name),
  );
  return [...linked, ...names.filter((path) => existsSync(path))];
}

function nameOf(program: string): string {
  return program.slice(program.lastIndexOf("/") + 1);
}

function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(realpathSync(from), to);
}

/** The image of deploy/Dockerfile, built as its users do, on a base that is made here. @returns its tag. */
export function buildLoadlineImage(): string {
  const base = "loadline-test/base";
  const tag = "loadline-test/loadline";
  importBase(base, { program: process.execPath, withProgram: false });
  succeed(
    join(ROOT, "deploy/build-image.sh"),
    ["--quiet", "--tag", tag, "--build-arg", `BASE=${base}`],
    {
      // No BuildKit: it is not everywhere, and the Dockerfile must not need it.
      environment: { DOCKER_BUILDKIT: "0" },
    },
  );
  return tag;
}
