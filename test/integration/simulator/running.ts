import type { TestContext } from "node:test";
import { parseSimulatorOptions } from "../../../simulator/options.ts";
import { startSimulator } from "../../../simulator/server.ts";
import type { Simulator } from "../../../simulator/server.ts";
import { RawClient } from "./raw-client.ts";

/** A simulator on a free port that is closed with the test. */
export async function running(
  context: TestContext,
  flags: Readonly<Record<string, string>> = {},
): Promise<Simulator> {
  const simulator = await startSimulator(parseSimulatorOptions({ port: "0", ...flags }));
  context.after(() => simulator.close());
  return simulator;
}

/** A connection that is closed with the test. */
export async function connected(context: TestContext, simulator: Simulator): Promise<RawClient> {
  const client = await RawClient.open(simulator.port);
  context.after(() => {
    client.leave();
  });
  return client;
}

/** A streamed chat request that asks for usage. */
export function chat(fields: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    model: "sim",
    messages: [{ role: "user", content: "able about above" }],
    max_tokens: 4,
    stream: true,
    stream_options: { include_usage: true },
    ...fields,
  };
}

/** Asks again each time the event loop turned, until it holds; the test's own time limit is the bound. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
}
