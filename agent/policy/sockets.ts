import type { SocketLimits } from "../ports.ts";

/** Files, pipes, the links to the coordinator, and what a library may open without asking. */
const DESCRIPTORS_KEPT = 64;
/** For other programs of the host, and for connections that were closed and still hold their port (TIME_WAIT). */
const PORTS_KEPT_FRACTION = 0.1;

/**
 * How many requests an agent can have in flight at once: each takes a descriptor, and a local port that no other
 * connection from the same address to the same server has.
 *
 * @param sourceAddresses how many addresses of the host its connections are spread over; below 1 where other agents of
 *   the host use the one as well.
 */
export function socketsHeld(
  { descriptorsMax = Infinity, localPorts = Infinity }: SocketLimits,
  sourceAddresses: number,
): number {
  const byDescriptors = descriptorsMax - DESCRIPTORS_KEPT;
  const byPorts = Math.floor(sourceAddresses * localPorts * (1 - PORTS_KEPT_FRACTION));
  return Math.max(1, Math.min(byDescriptors, byPorts));
}
