import type { RecordBatch, RequestRecord } from "../../shared/measurement/report.ts";
import { instantUs } from "../../shared/measurement/timeline.ts";
import type { Segment } from "../../shared/segment/segment.ts";
import { NS_PER_SECOND, NS_PER_US } from "../../shared/units.ts";

/** Instants kept of one window, and of all of them: 8 bytes each. */
const WINDOW_DEPARTURES_MAX = 1 << 20;
const DEPARTURES_MAX = 1 << 22;

/** What the records say of one recorded window. */
export interface WindowRecords {
  /** When its requests were sent, run clock, ns, in no order; not of modes without a schedule. */
  readonly sentAtNs: readonly number[];
  /** Requests of the window that were sent after so many that no more instants are kept. */
  readonly sentAtCut: number;
  /** By agent: what requests, of whatever segment, spent in the window, request-seconds. */
  readonly inFlightS: ReadonlyMap<string, number>;
}

interface Window {
  readonly segment: Segment;
  /** The next segment may begin before the window was to end. */
  untilNs: number;
  readonly sentAtNs: number[];
  sentAtCut: number;
  readonly inFlightS: Map<string, number>;
}

/**
 * Adds up what the judge needs of single requests while their records pass by, within a bound of memory however long
 * a run is: the records themselves go to a file.
 */
export class RecordSums {
  readonly #windows: Window[] = [];
  readonly #counts = new Map<string, number>();
  /** By agent and epoch: batches come in order, and some twice after a reconnect. */
  readonly #lastBatch = new Map<string, number>();
  #kept = 0;

  /** A segment is about to start; in their order. */
  expect(segment: Segment): void {
    const last = this.#windows.at(-1);
    if (last !== undefined) last.untilNs = Math.min(last.untilNs, segment.startAtNs);
    this.#windows.push({
      segment,
      untilNs: segment.recordUntilNs,
      sentAtNs: [],
      sentAtCut: 0,
      inFlightS: new Map(),
    });
  }

  take(batch: RecordBatch): void {
    const sender = `${batch.epoch} ${batch.agentId}`;
    if (batch.batch <= (this.#lastBatch.get(sender) ?? -1)) return;
    this.#lastBatch.set(sender, batch.batch);
    this.#counts.set(batch.agentId, this.countOf(batch.agentId) + batch.records.length);
    const own = this.#windows.find(({ segment }) => segment.number === batch.segment);
    for (const record of batch.records) {
      if (own !== undefined) this.#addDeparture(own, record);
      this.#addOverlaps(batch.agentId, record);
    }
  }

  /** Records of this agent that came, of every segment. */
  countOf(agentId: string): number {
    return this.#counts.get(agentId) ?? 0;
  }

  of(segmentNumber: number): WindowRecords | undefined {
    return this.#windows.find(({ segment }) => segment.number === segmentNumber);
  }

  #addDeparture(window: Window, record: RequestRecord): void {
    const { segment, sentAtNs } = window;
    if (segment.mode.kind !== "open") return;
    if (record.intendedAtUs < instantUs(segment.recordFromNs)) return;
    if (record.intendedAtUs >= instantUs(window.untilNs)) return;
    if (sentAtNs.length >= WINDOW_DEPARTURES_MAX || this.#kept >= DEPARTURES_MAX) {
      window.sentAtCut += 1;
      return;
    }
    this.#kept += 1;
    sentAtNs.push(sentAtOf(record));
  }

  /** Records come when requests end, by when every window that they reach into is known: the last ones. */
  #addOverlaps(agentId: string, record: RequestRecord): void {
    const fromNs = sentAtOf(record);
    const untilNs = fromNs + Math.max(0, record.durationUs) * NS_PER_US;
    for (let place = this.#windows.length - 1; place >= 0; place -= 1) {
      const window = this.#windows[place];
      if (window === undefined || window.untilNs <= fromNs) return;
      const overlapNs =
        Math.min(untilNs, window.untilNs) - Math.max(fromNs, window.segment.recordFromNs);
      if (overlapNs <= 0) continue;
      const before = window.inFlightS.get(agentId) ?? 0;
      window.inFlightS.set(agentId, before + overlapNs / NS_PER_SECOND);
    }
  }
}

function sentAtOf({ intendedAtUs, sendDelayUs }: RequestRecord): number {
  return (intendedAtUs + Math.max(0, sendDelayUs)) * NS_PER_US;
}
