import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import type { Result } from "../../coordinator/show/result.ts";
import type { RequestLine } from "../../coordinator/store/requests-file.ts";
import { nonceInRun, promptText, saltOfRun } from "../../shared/workload/prompt.ts";
import { drawRequest } from "../../shared/workload/request.ts";
import type { ArrivalRecord } from "../../simulator/http/arrival-log.ts";

/** The simulator's own name of a request: the first six words of its prompt. */
export function markerOf(
  { seed, workload }: Pick<Result, "seed" | "workload">,
  { segment, index }: RequestLine,
  runId: string,
): string {
  const drawn = drawRequest(workload, { seed, segment, index });
  const nonce = nonceInRun(drawn.nonce, saltOfRun(runId));
  return promptText({ ...drawn, nonce })
    .split(" ", 6)
    .join(" ");
}

/** A simulator's log by its requests' markers, once it has ended. */
export async function serverLog(file: string): Promise<ReadonlyMap<string, ArrivalRecord>> {
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  const records = lines
    .map((line) => JSON.parse(line) as ArrivalRecord | { readonly kind: string })
    .filter((line) => "id" in line);
  const byMarker = new Map(records.map((record) => [record.marker, record]));
  assert.equal(byMarker.size, records.length, "no two requests have one marker");
  return byMarker;
}
