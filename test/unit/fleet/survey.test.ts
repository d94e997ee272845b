import assert from "node:assert/strict";
import { test } from "node:test";
import { surveyFleet } from "../../../coordinator/fleet/survey.ts";
import type { AgentRequest, AgentResponse, Hello } from "../../../shared/control/control.ts";
import { NS_PER_MS, NS_PER_SECOND } from "../../../shared/units.ts";
import { SimClock } from "../../support/sim-clock.ts";

const hello = (agentId: string, change: Partial<Hello> = {}): Hello => ({
  agentId,
  epoch: 1,
  version: "1",
  host: "h",
  processId: 1,
  cores: 1,
  inFlightMax: 1,
  cleanRatePerSecond: 0,
  cleanTokensPerSecond: 0,
  floor: undefined,
  policy: { targets: [], ratePerSecondMax: 1, inFlightMax: 1, durationNsMax: 1, tokensMax: 1 },
  runId: undefined,
  state: "registered",
  ...change,
});

test("a survey hears each agent once, counts its processes, and knows how well it knows its clock", async () => {
  const clock = new SimClock();
  const hellos = [
    hello("b", { epoch: 5, processId: 2 }),
    hello("a"),
    hello("b", { epoch: 4, processId: 1 }),
    hello("c"),
    hello("a"),
  ];
  const link = {
    onHello: (take: (each: Hello) => void) => {
      for (const [place, each] of hellos.entries())
        clock.callAt(place * NS_PER_MS, () => {
          take(each);
        });
    },
    request: (agentId: string, request: AgentRequest): Promise<AgentResponse> => {
      assert.ok(request.kind === "clock-probe");
      if (agentId === "c") return Promise.reject(new Error("silent"));
      const requestSentAtNs = request.sentAtNs;
      return new Promise((resolve) => {
        clock.callAt(clock.nowNs() + 4 * NS_PER_MS, () => {
          resolve({ kind: "clock-probe", requestSentAtNs, receivedAtNs: 7, repliedAtNs: 7 });
        });
      });
    },
  };
  const surveying = surveyFleet(link, clock);
  await clock.advance(10 * NS_PER_SECOND);
  const agents = await surveying;

  assert.deepEqual(
    agents.map(({ hello: { agentId, epoch }, processes, clockErrorBoundNs }) => ({
      agentId,
      epoch,
      processes: processes.length,
      clockErrorBoundNs,
    })),
    [
      { agentId: "a", epoch: 1, processes: 1, clockErrorBoundNs: 2 * NS_PER_MS },
      { agentId: "b", epoch: 5, processes: 2, clockErrorBoundNs: 2 * NS_PER_MS },
      { agentId: "c", epoch: 1, processes: 1, clockErrorBoundNs: undefined },
    ],
  );
});
