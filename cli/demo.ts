import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { renderTerminal } from "../coordinator/show/terminal.ts";
import { parsePlan } from "../coordinator/plan/parse.ts";
import { parseClause } from "../shared/slo/grammar.ts";
import { parseSimulatorOptions } from "../simulator/options.ts";
import { trueMaxRate } from "../simulator/truth.ts";
import { explainFailure } from "./failure.ts";
import { measurePlan } from "./measure.ts";

/** A small fast server: 16 slots of 60 ms, so 267 requests/s at most, whose TTFT has a closed form (M/M/16). */
const SLOTS = "16";
const SERVICE = "exp:60ms";
const SERVER_ARGS = ["simulate-server", "--port", "0", "--slots", SLOTS, "--service", SERVICE];
const SLO = "ttft p99 <= 500ms";

/** `npm start`: the main job end to end on embedded defaults. */
async function demo(): Promise<void> {
  process.stderr.write(
    `starting a simulated LLM server and searching the highest rate with ${SLO} (about 45 s)\n`,
  );
  const bin = fileURLToPath(new URL("./loadline.ts", import.meta.url));
  const server = fork(bin, SERVER_ARGS, { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  try {
    const url = await urlOf(server.stdout);
    const plan = parsePlan({
      command: "find",
      flags: {
        target: url,
        slo: [SLO],
        agents: "2",
        outputTokens: "8",
        minRate: "60",
        timeBudget: "45s",
        name: "demo",
        model: "sim",
      },
    });
    const result = await measurePlan(plan);
    process.stdout.write(renderTerminal(result, { color: process.stdout.isTTY }));
    process.stdout.write(truthLine());
    process.exitCode = result.exitCode;
  } finally {
    if (server.connected) server.disconnect();
    await once(server, "exit");
  }
}

/** What the search should have found: this server is a queue whose answer is known in closed form. */
function truthLine(): string {
  const { scheduler } = parseSimulatorOptions({ slots: SLOTS, service: SERVICE });
  const rate = trueMaxRate(scheduler, parseClause(SLO));
  return rate === undefined
    ? ""
    : `\nthe simulated server is an M/M/${SLOTS} queue; its true answer is ${rate.toFixed(1)} requests/s\n`;
}

/** The simulator says where it is in its first line. */
async function urlOf(stdout: NodeJS.ReadableStream | null): Promise<string> {
  if (stdout === null) throw new Error("the simulator's standard output is a pipe");
  let text = "";
  for await (const chunk of stdout) {
    text += String(chunk);
    const end = text.indexOf("\n");
    if (end >= 0) return (JSON.parse(text.slice(0, end)) as { url: string }).url;
  }
  throw new Error("the simulator ended before it was ready");
}

try {
  await demo();
} catch (error) {
  process.exitCode = explainFailure(error);
}
