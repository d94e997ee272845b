import { enableCompileCache } from "node:module";

enableCompileCache();
const { startNullSink } = await import("../simulator/null-sink/null-sink.ts");

// A process of its own, started by an agent of this machine and ended with it: what it costs is not the agent's.
const sink = await startNullSink();
const end = (): void => {
  process.exit(0);
};
process.once("SIGTERM", end);
// Ctrl-C in a terminal is for the process that leads.
process.on("SIGINT", () => undefined);
if (process.send === undefined || !process.connected) end();
process.once("disconnect", end);
process.on("message", () => process.send?.(sink.takeLog()));
process.send?.({ port: sink.port });
