/**
 * `npm run chaos -- --seeds N --from S --agents A --duration D --rate R`: runs in virtual time with everything going
 * wrong, each judged by the server's own log. Ends with 1 at the first run that tells something else.
 */
import { parseArgs } from "node:util";
import { chaosProblems } from "../support/chaos/oracle.ts";
import { runChaos } from "../support/chaos/run.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    agents: { type: "string", default: "10" },
    /** Virtual time of the load, s. */
    duration: { type: "string", default: "60" },
    /** Requests/s. */
    rate: { type: "string", default: "8" },
  },
});

const sums = { runs: 0, served: 0, lostMessages: 0, resumptions: 0, agentsHarmed: 0, virtualS: 0 };
const from = Number(values.from);
for (let seed = from; seed < from + Number(values.seeds); seed += 1) {
  const chaos = await runChaos({
    seed,
    agents: Number(values.agents),
    durationS: Number(values.duration),
    requestsPerSecond: Number(values.rate),
  });
  const problems = await chaosProblems(chaos, seed);
  if (problems.length > 0) {
    process.stdout.write(`seed ${seed}:\n${problems.slice(0, 10).join("\n")}\n`);
    process.exit(1);
  }
  sums.runs += 1;
  sums.served += chaos.served.length;
  sums.lostMessages += chaos.seen.losses;
  sums.resumptions += chaos.end?.resumptions.length ?? 0;
  sums.virtualS += chaos.virtualS;
  sums.agentsHarmed += chaos.fate.agents.filter(
    ({ killedAtNs, cuts, stalls }) => killedAtNs !== undefined || cuts.length + stalls.length > 0,
  ).length;
}
const { user, system } = process.cpuUsage();
process.stdout.write(
  `${JSON.stringify({ ...sums, virtualS: Math.round(sums.virtualS), cpuS: Math.round((user + system) / 1e6), rssMb: Math.round(process.memoryUsage().rss / 1e6) })}\n`,
);
