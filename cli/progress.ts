import type { RunEvent } from "../coordinator/run/run-contract.ts";
import { liveLine, probeLine } from "../coordinator/show/progress.ts";

/** Tells on standard error what goes on: a line that stays for each decision, a live one on a terminal. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  #live = false;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  on(event: RunEvent): void {
    switch (event.kind) {
      case "agents":
        this.#line(`${event.agentIds.length} agents: ${event.agentIds.join(", ")}`);
        break;
      case "segment":
        break;
      case "observed":
        this.#showLive(event);
        break;
      case "judged":
        this.#line(probeLine(event.probe));
        break;
      case "agent-lost":
        this.#line(`agent ${event.agentId} is lost: the run goes on without it`);
    }
  }

  close(): void {
    this.#clear();
  }

  #showLive(event: Extract<RunEvent, { kind: "observed" }>): void {
    if (!this.#stream.isTTY) return;
    this.#clear();
    this.#stream.write(liveLine(event.live));
    this.#live = true;
  }

  #line(text: string): void {
    this.#clear();
    this.#stream.write(`${text}\n`);
  }

  #clear(): void {
    if (this.#live) this.#stream.write("\r\u001b[K");
    this.#live = false;
  }
}
