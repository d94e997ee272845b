import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { LOOPBACK_TARGETS } from "../agent/policy/policy.ts";
import { readDurationS } from "../coordinator/plan/quantities.ts";
import type { PolicySummary } from "../shared/control/control.ts";
import { ExitCode, LoadError } from "../shared/errors.ts";
import { NS_PER_SECOND } from "../shared/units.ts";
import { countFlag, positiveFlag } from "./positive-flag.ts";

/** What an operator allows, and whose signature a plan needs; no signer: none. */
export interface OperatorPolicy extends PolicySummary {
  /** Public nkeys. */
  readonly signers: readonly string[];
}

/** Seconds of the longest segment that can be allowed: a year. */
const DURATION_MAX_S = 365 * 24 * 3_600;

const positive = z.number().positive();
const wholeNumber = z.int().positive();

const policyFile = z.strictObject({
  targets: z.array(z.string()).min(1).optional(),
  "max-rate": positive.optional(),
  "max-in-flight": wholeNumber.optional(),
  "max-duration": z
    .string()
    .transform((text, context) => {
      const reading = readDurationS(text, { min: 1, max: DURATION_MAX_S });
      if ("value" in reading) return reading.value;
      context.addIssue({ code: "custom", message: `${reading.message}; ${reading.hint}` });
      return z.NEVER;
    })
    .optional(),
  "max-tokens": wholeNumber.optional(),
  signers: z
    .array(z.string().regex(/^U[A-Z2-7]{55}$/, "a signer is a public nkey, U…"))
    .min(1)
    .optional(),
});

/** A policy file's words, as `loadline fleet init` writes them. */
export interface PolicyFile {
  readonly targets: readonly string[];
  readonly signers: readonly string[];
}

export const POLICY_FILE = "policy.yaml";

/** The flags that say the same; they win, as the operator says both. */
export interface PolicyFlags {
  readonly allow?: readonly string[];
  readonly maxRate?: string;
  readonly maxInFlight?: string;
  readonly maxDuration?: string;
  readonly maxTokens?: string;
}

const DEFAULTS = {
  ratePerSecondMax: 100_000,
  inFlightMax: 20_000,
  durationS: 86_400,
  tokensMax: 1_048_576,
} as const;

/**
 * @param file where the operator wrote the policy down; undefined: nowhere.
 * @throws LoadError LL_POLICY_FILE_INVALID, LL_FLAG_INVALID.
 */
export function operatorPolicy(file: string | undefined, flags: PolicyFlags): OperatorPolicy {
  const said = file === undefined ? {} : readPolicyFile(file);
  const number = (flag: string, text: string | undefined, otherwise: number): number =>
    text === undefined ? otherwise : positiveFlag(flag, text);
  const count = (flag: string, text: string | undefined, otherwise: number): number =>
    text === undefined ? otherwise : countFlag(flag, text);
  const durationS = number(
    "--max-duration",
    flags.maxDuration,
    said["max-duration"] ?? DEFAULTS.durationS,
  );
  return {
    targets: flags.allow ?? said.targets ?? LOOPBACK_TARGETS,
    ratePerSecondMax: number(
      "--max-rate",
      flags.maxRate,
      said["max-rate"] ?? DEFAULTS.ratePerSecondMax,
    ),
    inFlightMax: count(
      "--max-in-flight",
      flags.maxInFlight,
      said["max-in-flight"] ?? DEFAULTS.inFlightMax,
    ),
    durationNsMax: Math.round(durationS * NS_PER_SECOND),
    tokensMax: count("--max-tokens", flags.maxTokens, said["max-tokens"] ?? DEFAULTS.tokensMax),
    signers: said.signers ?? [],
  };
}

export function policyYaml({ targets, signers }: PolicyFile): string {
  return `# What this agent's operator allows. No coordinator can change it; flags of \`loadline agent\` win over it.
# Targets: host:port, host:*, an address, or a network such as 10.0.0.0/8:8000.
${stringify({
  targets,
  "max-rate": DEFAULTS.ratePerSecondMax,
  "max-in-flight": DEFAULTS.inFlightMax,
  "max-duration": "24h",
  "max-tokens": DEFAULTS.tokensMax,
})}# Whose plans this agent takes: public nkeys.
${stringify({ signers })}`;
}

function readPolicyFile(file: string): z.output<typeof policyFile> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw invalid(file, "it cannot be read", cause);
  }
  let contents: unknown;
  try {
    contents = parse(text);
  } catch (cause) {
    throw invalid(file, "it is no YAML", cause);
  }
  const read = policyFile.safeParse(contents);
  if (read.success) return read.data;
  const problems = read.error.issues.map(({ path, message }) =>
    path.length === 0 ? message : `${path.join(".")}: ${message}`,
  );
  throw invalid(file, problems.join("; "), read.error);
}

function invalid(file: string, what: string, cause: unknown): LoadError {
  return new LoadError(`the policy file ${file} cannot be used: ${what}`, {
    code: "LL_POLICY_FILE_INVALID",
    hint: `write one as \`loadline fleet init\` makes it: ${Object.keys(policyFile.shape).join(", ")}`,
    exitCode: ExitCode.PlanInvalid,
    cause,
  });
}
