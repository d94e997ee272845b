import { ExitCode, LoadError } from "../errors.ts";

const TOKEN_LENGTH_MAX = 128;

/**
 * A name that becomes one word of a subject. NATS gives `.`, `*` and `>` a meaning, and a space ends the
 * subject: a fleet named "a.>" would listen to others.
 *
 * @param what whose name it is, for the error.
 * @returns the name itself. @throws LoadError LL_NAME_INVALID.
 */
export function natsToken(value: string, what: string): string {
  if (value.length <= TOKEN_LENGTH_MAX && /^[!-~]+$/.test(value) && !/[.*>]/.test(value)) {
    return value;
  }
  throw new LoadError(`the ${what} is ${JSON.stringify(value.slice(0, TOKEN_LENGTH_MAX))}`, {
    code: "LL_NAME_INVALID",
    hint: `use 1 to ${TOKEN_LENGTH_MAX} visible ASCII characters, without ".", "*" and ">"`,
    exitCode: ExitCode.PlanInvalid,
  });
}

/** The subjects of one fleet's control path. */
export interface FleetSubjects {
  hello(agentId: string): string;
  readonly everyHello: string;
  agent(agentId: string): string;
  readonly lease: string;
  readonly abort: string;
}

/** @throws LoadError LL_NAME_INVALID when the fleet's or (at a call) an agent's name is not one word. */
export function fleetSubjects(fleet: string): FleetSubjects {
  const root = `loadline.${natsToken(fleet, "fleet's name")}`;
  return {
    hello: (agentId) => `${root}.hello.${natsToken(agentId, "agent's id")}`,
    everyHello: `${root}.hello.*`,
    agent: (agentId) => `${root}.agent.${natsToken(agentId, "agent's id")}`,
    lease: `${root}.lease`,
    abort: `${root}.abort`,
  };
}
