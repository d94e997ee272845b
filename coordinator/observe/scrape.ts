import type { Clock } from "../../shared/time/clock.ts";
import { NS_PER_SECOND } from "../../shared/units.ts";
import { ENGINES } from "../server/engines.ts";
import type { ServerReading } from "../server/entry.ts";
import { type Exposition, parseExposition } from "../server/exposition.ts";
import { isServerMetric, readingOf } from "../server/reading.ts";
import { getBody, type ScrapeFailed, type ScrapeTls } from "./http-get.ts";
import type { Replica } from "./replicas.ts";

export type Scraped =
  | { readonly reading: ServerReading; readonly problem: string | undefined }
  | ScrapeFailed;

/** A server that is busy answers late; one that takes longer is looked at again the next second. */
const SCRAPE_TIMEOUT_NS = 3 * NS_PER_SECOND;
/** The largest that are known, of gateways with many models, have about 2 MB. */
const BODY_BYTES_MAX = 8 << 20;

/** Asks one endpoint once, on a connection of its own. Follows no redirect, and never rejects. */
export async function scrape(
  replica: Replica,
  options: { readonly clock: Clock; readonly tls: ScrapeTls },
): Promise<Scraped> {
  const got = await getBody(replica, {
    ...options,
    accept: "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5",
    refusedTypes: /html|json|xml/i,
    timeoutNs: SCRAPE_TIMEOUT_NS,
    bytesMax: BODY_BYTES_MAX,
  });
  if (typeof got !== "string") return got;
  const exposition = parseExposition(got, isServerMetric);
  const reading = readingOf(exposition);
  if (reading !== undefined) return { reading, problem: problemOf(exposition) };
  const titles = ENGINES.map(({ title }) => title).join(", ");
  return {
    why: "no-engine",
    text: `it has the metrics of no engine that is known (${titles})${problemText(exposition)}`,
  };
}

function problemOf(exposition: Exposition): string | undefined {
  const text = problemText(exposition);
  return text === "" ? undefined : `lines that are no metrics were left out${text}`;
}

/** Its place is that of the first scrape that had one, so that the same trouble is told once. */
function problemText({ malformed }: Exposition): string {
  return malformed === undefined ? "" : `; the first is line ${malformed.line}: ${malformed.text}`;
}
