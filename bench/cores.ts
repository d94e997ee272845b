import { spawnSync } from "node:child_process";
import { availableParallelism } from "node:os";

/** Where the generator runs, and where what it is measured against. */
export const CLIENT_CORE = 0;
export const SERVER_CORE = 1;

export const CAN_PIN =
  availableParallelism() > 1 && spawnSync("taskset", ["--version"]).status === 0;

/**
 * What makes a program give way at once to whatever wakes on its core; the processes that it starts do not. Without, one
 * that computes keeps its core for a slice of some ms (EEVDF), which no `nice` shortens.
 */
const YIELDING =
  spawnSync("chrt", ["--version"]).status === 0 ? ["chrt", "--reset-on-fork", "--idle", "0"] : [];

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
}

/** This Node as it runs on one core; as it is where cores cannot be told apart. */
export function onCore(core: number, args: readonly string[]): Command {
  return commandOnCore(core, { command: process.execPath, args });
}

/** As `onCore`, giving way to whatever else runs there. */
export function yieldingOnCore(core: number, args: readonly string[]): Command {
  const [command = process.execPath, ...rest] = [...YIELDING, process.execPath, ...args];
  return commandOnCore(core, { command, args: rest });
}

/** Any command as it runs on one core, with whatever it starts. */
export function commandOnCore(core: number, asIs: Command): Command {
  return CAN_PIN
    ? { command: "taskset", args: ["-c", String(core), asIs.command, ...asIs.args] }
    : asIs;
}

/** Moves a running process, all its threads, to one core; leaves it where cores cannot be told apart. */
export function moveToCore(core: number, pid: string): void {
  if (CAN_PIN) spawnSync("taskset", ["-a", "-p", "-c", String(core), pid]);
}

/** For the head of the table. */
export const PINNING = CAN_PIN
  ? `agents and bare reader on core ${CLIENT_CORE}, server on core ${SERVER_CORE}, with the coordinator, which gives way`
  : "no taskset: all processes share the cores";
