// What `loadline simulate-server` does, without the command line: flags as JSON in the first argument.
import { runSimulateServer } from "../../../simulator/main.ts";
import { parseSimulatorOptions } from "../../../simulator/options.ts";

const flags = JSON.parse(process.argv[2] ?? "{}") as Record<string, string>;
await runSimulateServer(parseSimulatorOptions(flags));
