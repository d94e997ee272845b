import type { Entry } from "./entries.ts";
import type { FieldName } from "./fields.ts";

/** Ways to say the same thing: a flag that says it one way takes back what the file says another way. */
const TAKEN_BACK: Readonly<Partial<Record<FieldName, readonly FieldName[]>>> = {
  slo: ["slo-preset"],
  "slo-preset": ["slo"],
  rate: ["concurrency", "profile"],
  concurrency: ["rate", "profile", "arrivals"],
  profile: ["rate", "concurrency", "arrivals"],
  duration: ["requests"],
  requests: ["duration"],
  agents: ["nats", "identity", "fleet", "min-agents", "report-listen", "report-advertise"],
  nats: ["agents"],
  identity: ["agents"],
};

/** Flags win over the file. */
export function flagsOverFile(flags: readonly Entry[], file: readonly Entry[]): readonly Entry[] {
  const gone = new Set(flags.flatMap(({ name }) => [name, ...(TAKEN_BACK[name] ?? [])]));
  return [...file.filter((entry) => !gone.has(entry.name)), ...flags];
}
