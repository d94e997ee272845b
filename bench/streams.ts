import type { IntervalReport } from "../shared/measurement/report.ts";
import { runLoad } from "./run.ts";
import { startSimulatedServer } from "./simulated-server.ts";
import { type Row, significant } from "./table.ts";

const RATE_PER_SECOND = 500;
/** The first token after 50 ms, the others a second apart: a request takes 16 s, and 8,000 are open from then on. */
const OUTPUT_TOKENS = 17;
const SERVER = [
  ...["--model", "null", "--slots", "20000"],
  ...["--service", "fixed:50ms", "--itl", "1000ms"],
];
const SECONDS = 20;
const IN_FLIGHT_MAX = 12_000;
/** The memory of a stream is taken from where the agent has got going. */
const FROM_STREAMS = 2_000;

/** How many requests one agent holds open at once, and what one more of them costs. */
export async function openStreams(): Promise<readonly Row[]> {
  const server = await startSimulatedServer(SERVER);
  const load = { ratePerSecond: RATE_PER_SECOND, outputTokens: OUTPUT_TOKENS, seconds: SECONDS };
  const { reports, requests, result } = await runLoad({
    ...load,
    url: server.url,
    maxInFlight: IN_FLIGHT_MAX,
  }).finally(server.stop);
  const rising = reports.map(openAt).filter(({ open }) => open >= FROM_STREAMS);
  const most = rising.reduce((best, each) => (each.open > best.open ? each : best));
  const [first = most] = rising;
  const half = rising.find(({ open }) => open >= (first.open + most.open) / 2) ?? most;
  const firstHalf = kilobytesEach(first, half);
  const secondHalf = kilobytesEach(half, most);
  const ok = requests.filter(({ outcome }) => outcome === "ok").length;
  return [
    {
      figure: `streams open at once on one agent, ${RATE_PER_SECOND}/s of 16 s`,
      measured: `${shown(most.open)}, ${shown(most.sockets)} sockets; ${shown(ok)} of ${shown(requests.length)} ended well (${result.validity.verdict}); ${significant(most.rssBytes / 1e6)} MB (RSS), ${significant(secondHalf)} KB for each more beyond ${shown(half.open)}`,
      beside: `${significant(firstHalf)} KB for each from ${shown(first.open)} to ${shown(half.open)}`,
      ratio: secondHalf / firstHalf,
      goal: "8,000",
    },
  ];
}

interface Open {
  readonly open: number;
  readonly sockets: number;
  readonly rssBytes: number;
}

/** As a report's second ended. */
function openAt({ open, health }: IntervalReport): Open {
  return { open, sockets: health.socketsOpen, rssBytes: health.rssBytes };
}

function kilobytesEach(from: Open, to: Open): number {
  return (to.rssBytes - from.rssBytes) / (to.open - from.open) / 1000;
}

function shown(count: number): string {
  return count.toLocaleString("en-US");
}
