/**
 * What Node runs an agent with; none of them can be set later. A small young generation, collected by the main thread alone
 * (docs/decisions/0024); one helper thread rather than four, 10 MB less; and what was compiled stays, however long an agent
 * waits (docs/decisions/0025).
 */
export const AGENT_NODE_FLAGS = [
  "--max-semi-space-size=4",
  "--single-threaded-gc",
  "--v8-pool-size=1",
  "--no-flush-bytecode",
];
/** Of a coordinator, which keeps little and allocates much: its young generation would grow by some 20 MB. */
const COORDINATOR_NODE_FLAGS = ["--max-semi-space-size=4"];

/** Of the commands that run for long, in the process that was typed. */
const NODE_FLAGS: Readonly<Record<string, readonly string[]>> = {
  agent: AGENT_NODE_FLAGS,
  preflight: AGENT_NODE_FLAGS,
  find: COORDINATOR_NODE_FLAGS,
  run: COORDINATOR_NODE_FLAGS,
  sweep: COORDINATOR_NODE_FLAGS,
  resume: COORDINATOR_NODE_FLAGS,
};

/**
 * Replaces this process, which keeps its number, by one with Node's flags for its command, where it was started without
 * them. Not where the system cannot (Windows), nor where a parent holds a channel to it, which would be lost: a parent of
 * ours gives the flags.
 */
export function runWithNodeFlags(): void {
  const [, script = "", command = ""] = process.argv;
  const flags = Object.hasOwn(NODE_FLAGS, command) ? (NODE_FLAGS[command] ?? []) : [];
  const missing = flags.filter((flag) => !process.execArgv.includes(flag));
  if (missing.length === 0 || process.platform === "win32" || process.send !== undefined) return;
  process.execve?.(
    process.execPath,
    [process.execPath, ...process.execArgv, ...missing, script, ...process.argv.slice(2)],
    process.env,
  );
}
