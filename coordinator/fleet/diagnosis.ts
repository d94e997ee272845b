import { NS_PER_MS } from "../../shared/units.ts";
import { CLOCK_ERROR_NS_MAX } from "../validity/streams.ts";
import type { SurveyedAgent } from "./survey.ts";

/** Something about a fleet that a run would suffer from. */
export interface Finding {
  /** `wrong`: a run would fail or be invalid; `warning`: it may. */
  readonly severity: "wrong" | "warning";
  readonly what: string;
  readonly toDo: string;
}

export interface FleetFacts {
  readonly fleet: string;
  readonly agents: readonly SurveyedAgent[];
  /** Ids that `fleet init` made identities for, where they are known. */
  readonly expectedIds: readonly string[];
  /** Of the one who asks. */
  readonly version: string;
  readonly host: string;
  /** Of the coordinator's certificate; undefined where there is none. */
  readonly certificateDaysLeft: number | undefined;
  /** Secret files that others than their owner may read. */
  readonly openSecrets: readonly string[];
}

/** A fleet that is made anew a month before is made anew in time. */
const CERTIFICATE_DAYS_MIN = 30;
const NAMES_MAX = 10;
const LOOPBACK = /^(127\.|\[::1\]|localhost:)/;

/** Everything that is wrong, the worst first. */
export function diagnose(facts: FleetFacts): readonly Finding[] {
  const findings = [
    ...absence(facts),
    ...facts.agents.flatMap((agent) => aboutAgent(agent, facts)),
    ...aboutKeys(facts),
  ];
  const of = (severity: Finding["severity"]): readonly Finding[] =>
    findings.filter((finding) => finding.severity === severity);
  return [...of("wrong"), ...of("warning")];
}

function absence({ fleet, agents, expectedIds }: FleetFacts): readonly Finding[] {
  const heard = new Set(agents.map(({ hello }) => hello.agentId));
  const missing = expectedIds.filter((id) => !heard.has(id));
  if (agents.length > 0 && missing.length === 0) return [];
  return [
    wrong(
      agents.length === 0
        ? `no agent says hello in the fleet "${fleet}"`
        : `made for this fleet, but not there: ${named(missing)}`,
      "start `loadline agent --identity DIR/agents/ID` on each machine; if it runs, see its standard error (LOADLINE_LOG=info)",
    ),
  ];
}

function aboutAgent(agent: SurveyedAgent, facts: FleetFacts): readonly Finding[] {
  const { hello, processes, clockErrorBoundNs } = agent;
  const id = `agent ${hello.agentId}`;
  const findings: Finding[] = [];
  if (processes.length > 1)
    findings.push(
      wrong(
        `${id} is ${processes.length} processes: ${named(processes)}`,
        "an identity is for one running agent: stop all but one, and give the others their own (a restart just now looks the same: ask again)",
      ),
    );
  if (hello.version !== facts.version)
    findings.push(
      wrong(
        `${id} runs version ${hello.version}, and this is ${facts.version}`,
        "run the same version of Loadline everywhere",
      ),
    );
  findings.push(...aboutClock(id, clockErrorBoundNs));
  if (hello.host !== facts.host && hello.policy.targets.every((target) => LOOPBACK.test(target)))
    findings.push(
      warning(
        `${id} on ${hello.host} may fire only at its own machine`,
        "name the target in `targets` of its policy.yaml, and start it again",
      ),
    );
  return findings;
}

function aboutClock(id: string, errorBoundNs: number | undefined): readonly Finding[] {
  if (errorBoundNs === undefined)
    return [
      wrong(
        `${id} says hello, but does not answer`,
        "see its machine's load and its network; start it again",
      ),
    ];
  const boundNs = CLOCK_ERROR_NS_MAX;
  if (errorBoundNs <= boundNs) return [];
  return [
    warning(
      `the clock of ${id} is known to ± ${(errorBoundNs / NS_PER_MS).toFixed(1)} ms only: over ${boundNs / NS_PER_MS} ms its windows are suspect`,
      "bring it nearer to the message engine, or relieve its network and machine",
    ),
  ];
}

function aboutKeys({ certificateDaysLeft, openSecrets }: FleetFacts): readonly Finding[] {
  const findings: Finding[] = [];
  if (certificateDaysLeft !== undefined && certificateDaysLeft < CERTIFICATE_DAYS_MIN)
    findings.push(
      (certificateDaysLeft <= 0 ? wrong : warning)(
        certificateDaysLeft <= 0
          ? "the fleet's certificates have expired"
          : `the fleet's certificates expire in ${Math.floor(certificateDaysLeft)} days`,
        "make the fleet anew in another folder, and exchange the folders machine by machine",
      ),
    );
  if (openSecrets.length > 0)
    findings.push(
      warning(`others than their owner may read ${named(openSecrets)}`, "chmod 600 them"),
    );
  return findings;
}

function wrong(what: string, toDo: string): Finding {
  return { severity: "wrong", what, toDo };
}

function warning(what: string, toDo: string): Finding {
  return { severity: "warning", what, toDo };
}

function named(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  return `${names.slice(0, NAMES_MAX).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
