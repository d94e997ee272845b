import type { ServerEntry, ServerReading } from "../../../coordinator/server/entry.ts";
import { ServerLog } from "../../../coordinator/server/server-log.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";

export const REPLICA = "http://10.0.0.1:8000/metrics";

const NOTHING: ServerReading = {
  engine: "vllm",
  waiting: null,
  running: null,
  kvUse: null,
  replicas: null,
  completed: null,
  promptTokens: null,
  generationTokens: null,
  ttft: null,
  e2e: null,
};

/** A scrape `atS` seconds into the run that gave what is named. */
export function scraped(atS: number, said: Partial<ServerReading>, replica = REPLICA): ServerEntry {
  const reading = { ...NOTHING, ...said };
  return { kind: "scrape", atNs: atS * NS_PER_SECOND, replica, reading };
}

export function replicasFrom(atS: number, count: number): ServerEntry {
  const addresses = Array.from({ length: count }, (_, at) => `http://10.0.0.${at + 1}/metrics`);
  return { kind: "replicas", atNs: atS * NS_PER_SECOND, addresses };
}

export function logOf(entries: readonly ServerEntry[]): ServerLog {
  const log = new ServerLog();
  for (const entry of entries) log.add(entry);
  return log;
}

/** From and until, s. */
export function stretch(fromS: number, untilS: number): { fromNs: number; untilNs: number } {
  return { fromNs: fromS * NS_PER_SECOND, untilNs: untilS * NS_PER_SECOND };
}

/** 0, 1, …, count - 1. */
export function each(count: number): readonly number[] {
  return Array.from({ length: count }, (_, place) => place);
}
