import { BlockList, isIP } from "node:net";
import { ExitCode, LoadError } from "../../shared/errors.ts";

/** One entry of an operator's list of allowed targets, read. */
export interface TargetPattern {
  /** Undefined: any port. */
  readonly port: number | undefined;
  /** A name as it stands in URLs, lower case; undefined for addresses; "*" for any host. */
  readonly name: string | undefined;
  readonly addresses: BlockList;
}

const BRACKETED = /^\[([^\]]+)\]:([^:]+)$/;
const PLAIN = /^([^:[\]]+):([^:]+)$/;
const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/;

/**
 * Reads `host:port`: host is a name, an address, a network (`10.0.0.0/8`, `[fd00::/8]`) or `*`; port is a number or `*`.
 *
 * @throws LoadError LL_POLICY_PATTERN_INVALID.
 */
export function parseTargetPattern(text: string): TargetPattern {
  const pattern = readPattern(text.trim().toLowerCase());
  if (pattern === undefined) {
    throw new LoadError(`the allowed target ${JSON.stringify(text)} is no host:port`, {
      code: "LL_POLICY_PATTERN_INVALID",
      hint: "write gpu1:8000, gpu1:*, 10.0.0.0/8:8000 or [fd00::/8]:*",
      exitCode: ExitCode.PlanInvalid,
    });
  }
  return pattern;
}

function readPattern(text: string): TargetPattern | undefined {
  const bracketed = BRACKETED.exec(text);
  const [, host, port] = bracketed ?? PLAIN.exec(text) ?? [];
  if (host === undefined || port === undefined || !isPort(port)) {
    return undefined;
  }
  const addresses = new BlockList();
  const portNumber = port === "*" ? undefined : Number(port);
  if (addAddresses(addresses, host)) {
    return { port: portNumber, name: undefined, addresses };
  }
  const name = bracketed === null ? nameOf(host) : undefined;
  return name === undefined ? undefined : { port: portNumber, name, addresses };
}

function nameOf(host: string): string | undefined {
  return host === "*" || NAME.test(host) ? host : undefined;
}

/** Adds the address or network that `host` names; false when it names neither. */
function addAddresses(list: BlockList, host: string): boolean {
  const [address = "", length, ...more] = host.split("/");
  const family = isIP(address);
  if (family === 0 || more.length > 0) {
    return false;
  }
  const bits = family === 4 ? 32 : 128;
  const prefix = length === undefined ? bits : prefixLength(length);
  if (!(prefix <= bits)) {
    return false;
  }
  list.addSubnet(address, prefix, family === 4 ? "ipv4" : "ipv6");
  return true;
}

/** NaN, which is within no bounds, for what is no number. */
function prefixLength(text: string): number {
  return /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
}

function isPort(text: string): boolean {
  return text === "*" || (/^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535);
}

/** Whether `address` is in the list; an IPv4 address written as IPv6 counts as what it is. */
export function holdsAddress(list: BlockList, address: string): boolean {
  return list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}
