import { spawnSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ExitCode, LoadError } from "../../shared/errors.ts";

/** A certificate and its secret key, PEM. */
export interface Certified {
  readonly certificatePem: string;
  readonly keyPem: string;
}

export interface CertificateRequest {
  /** The subject's common name: an agent's id is its identity on the result path. */
  readonly commonName: string;
  /** Names and addresses under which it serves; none for one that only calls. */
  readonly hosts: readonly string[];
}

const OPENSSL = "openssl";

/** X.509 asks for a positive serial number of at most 20 bytes. */
const SERIAL_BYTES = 16;

/**
 * An authority of a fleet. Node makes keys but no certificates, so those are made by the system's `openssl`, whose
 * files lie in a folder of their own (0700) until `close`.
 *
 * @throws LoadError LL_OPENSSL_MISSING, LL_OPENSSL_FAILED.
 */
export class Authority {
  readonly certified: Certified;
  readonly #folder = mkdtempSync(join(tmpdir(), "loadline-authority-"));
  readonly #days: number;

  constructor(fleet: string, days: number) {
    this.#days = days;
    const keyPem = this.#newKey("ca");
    this.#write("ca.cnf", requestConf(`loadline fleet ${fleet}`, AUTHORITY_EXTENSIONS));
    this.#openssl([
      ...["req", "-x509", "-new", "-sha256", "-config", "ca.cnf", "-key", "ca.key"],
      ...["-days", String(days), "-set_serial", newSerial(), "-out", "ca.pem"],
    ]);
    this.certified = { certificatePem: this.#read("ca.pem"), keyPem };
  }

  certify(request: CertificateRequest): Certified {
    const keyPem = this.#newKey("leaf");
    this.#write("leaf.cnf", requestConf(request.commonName, leafExtensions(request)));
    this.#openssl(["req", "-new", "-config", "leaf.cnf", "-key", "leaf.key", "-out", "leaf.csr"]);
    this.#openssl([
      ...["x509", "-req", "-sha256", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key"],
      ...["-days", String(this.#days), "-set_serial", newSerial()],
      ...["-extfile", "leaf.cnf", "-extensions", "extensions", "-out", "leaf.pem"],
    ]);
    return { certificatePem: this.#read("leaf.pem"), keyPem };
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #newKey(name: string): string {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const keyPem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
    this.#write(`${name}.key`, keyPem);
    return keyPem;
  }

  #read(name: string): string {
    return readFileSync(join(this.#folder, name), "utf8");
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text, { mode: 0o600 });
  }

  #openssl(args: readonly string[]): void {
    const ended = spawnSync(OPENSSL, args, { cwd: this.#folder, encoding: "utf8" });
    if (ended.error !== undefined) throw opensslMissing(ended.error);
    if (ended.status !== 0) throw opensslFailed(args, ended.stderr);
  }
}

const AUTHORITY_EXTENSIONS = [
  "basicConstraints = critical, CA:TRUE, pathlen:0",
  "keyUsage = critical, keyCertSign, cRLSign",
  "subjectKeyIdentifier = hash",
];

/** Everyone in a fleet may call; who has hosts may serve too. */
function leafExtensions({ hosts }: CertificateRequest): readonly string[] {
  const names = hosts.map((host) => `${isIP(host) === 0 ? "DNS" : "IP"}:${host}`);
  return [
    "basicConstraints = critical, CA:FALSE",
    "keyUsage = critical, digitalSignature",
    `extendedKeyUsage = ${names.length > 0 ? "serverAuth, clientAuth" : "clientAuth"}`,
    ...(names.length > 0 ? [`subjectAltName = ${names.join(", ")}`] : []),
  ];
}

function requestConf(commonName: string, extensions: readonly string[]): string {
  return [
    "[req]",
    "prompt = no",
    "distinguished_name = subject",
    "x509_extensions = extensions",
    "[subject]",
    `CN = ${commonName}`,
    "[extensions]",
    ...extensions,
    "",
  ].join("\n");
}

function newSerial(): string {
  // The first bit stays clear, so that the number is positive.
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return `0x${bytes.toString("hex")}`;
}

function opensslMissing(cause: Error): LoadError {
  return new LoadError(
    "the fleet's certificates are made by the program openssl, which cannot be started",
    {
      code: "LL_OPENSSL_MISSING",
      hint: "install it (apt-get install openssl), or run `loadline fleet init` on a machine that has it",
      exitCode: ExitCode.PlanInvalid,
      cause,
    },
  );
}

function opensslFailed(args: readonly string[], said: string): LoadError {
  return new LoadError(`openssl ${args[0] ?? ""} failed: ${said.trim()}`, {
    code: "LL_OPENSSL_FAILED",
    hint: "see `openssl version`: 1.1.1 or newer is needed",
    exitCode: ExitCode.Unexpected,
  });
}
