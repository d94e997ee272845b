import type {
  ControlLink,
  ReportLink,
  ReportStream,
  ReportStreamEvents,
} from "../../agent/ports.ts";
import type { FleetLink, ReportReceiver, ReportServer } from "../../coordinator/ports.ts";
import type {
  Abort,
  AgentRequest,
  AgentResponse,
  Hello,
  Lease,
} from "../../shared/control/control.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import type { IntervalReport, RecordBatch } from "../../shared/measurement/report.ts";
import type { Prng } from "../../shared/random/stream.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import type { SimClock } from "./sim-clock.ts";

/** How bad the network is; rates are chances per message, 0 to 1. */
export interface Weather {
  readonly delayMinNs: number;
  readonly delayMaxNs: number;
  readonly duplicateRate: number;
  /** Of a report stream, per report sent. */
  readonly breakRate: number;
  /** Of a control message, either way. */
  readonly lossRate: number;
}

export const ROUGH_WEATHER: Weather = {
  delayMinNs: 0.2 * NS_PER_MS,
  delayMaxNs: 3 * NS_PER_MS,
  duplicateRate: 0.2,
  breakRate: 0.03,
  lossRate: 0,
};

/** A repeat takes so many delays, up to 0.9 s: enough to come behind a later segment's lease and later reports. */
const REPEAT_DELAYS = 300;
const REPEAT_MAX_NS = 900 * NS_PER_MS;

/** What a broken report stream takes to be there again. */
const RECONNECT_NS = 5 * NS_PER_MS;
/** Nobody is there. */
const RECONNECT_AGAIN_NS = 200 * NS_PER_MS;

interface AgentHandlers {
  request: ((request: AgentRequest) => Promise<AgentResponse>) | undefined;
  lease: ((lease: Lease) => void) | undefined;
  abort: ((abort: Abort) => void) | undefined;
}

/**
 * Both paths between a coordinator and its agents, in virtual time. Each control message takes its own time, so that
 * they overtake each other; leases, hellos and reports come twice now and then; a report stream keeps its order, but
 * breaks, and a repeat of a report comes outside of it, behind later ones.
 */
export class SimNetwork {
  readonly clock: SimClock;
  readonly weather: Weather;
  /** How often it was rough, so that a test can tell that it was. */
  readonly seen = { duplicates: 0, overtaken: 0, breaks: 0, refusals: 0, losses: 0 };
  /** Whether nothing passes between the coordinator and this agent now: commands and hellos, or reports. */
  isCut: (agentId: string, path: "control" | "reports") => boolean = () => false;
  /** Whether a lease that is published now comes to nobody. */
  isLeaseLost: () => boolean = () => false;
  readonly #prng: Prng;
  readonly #agents = new Map<string, AgentHandlers>();
  #onHello: ((hello: Hello) => void) | undefined;
  #receiver: ReportReceiver | undefined;
  #serversStarted = 0;
  #sent = 0;
  #newestDelivered = 0;

  constructor(clock: SimClock, prng: Prng, weather: Weather = ROUGH_WEATHER) {
    this.clock = clock;
    this.weather = weather;
    this.#prng = prng;
  }

  fleetLink(): FleetLink {
    return {
      onHello: (handler) => {
        this.#onHello = handler;
      },
      request: (agentId, request, timeoutNs) => this.#request(agentId, request, timeoutNs),
      publishLease: (lease) => {
        if (this.isLeaseLost()) return;
        for (const [agentId, agent] of this.#agents)
          this.publish(agentId, () => {
            agent.lease?.(lease);
          });
      },
      publishAbort: (abort) => {
        for (const [agentId, agent] of this.#agents)
          this.publish(agentId, () => {
            agent.abort?.(abort);
          });
      },
      close: () => Promise.resolve(),
    };
  }

  controlLink(agentId: string): ControlLink {
    const handlers: AgentHandlers = { request: undefined, lease: undefined, abort: undefined };
    this.#agents.set(agentId, handlers);
    return {
      hello: (hello) => {
        this.publish(agentId, () => this.#onHello?.(hello));
      },
      onRequest: (handler) => {
        handlers.request = handler;
      },
      onLease: (handler) => {
        handlers.lease = handler;
      },
      onAbort: (handler) => {
        handlers.abort = handler;
      },
      close: () => {
        this.#agents.delete(agentId);
        return Promise.resolve();
      },
    };
  }

  reportLink(): ReportLink {
    return {
      open: ({ url }, agentId, events) => new SimReportStream(this, { url, agentId, events }),
    };
  }

  startReportServer(receiver: ReportReceiver): Promise<ReportServer> {
    this.#receiver = receiver;
    this.#serversStarted += 1;
    return Promise.resolve({
      address: { url: this.#url, certificateFingerprint: "" },
      close: () => {
        if (this.#receiver === receiver) this.#receiver = undefined;
        return Promise.resolve();
      },
    });
  }

  /** The coordinator is dead. */
  endReportServer(): void {
    this.#receiver = undefined;
  }

  /** Who takes reports at an address; each coordinator has one of its own. */
  receiverAt(url: string): ReportReceiver | undefined {
    return url === this.#url ? this.#receiver : undefined;
  }

  get #url(): string {
    return `coordinator:${this.#serversStarted}`;
  }

  happens(rate: number): boolean {
    return this.#prng.nextUnit() < rate;
  }

  delayNs(): number {
    const { delayMinNs, delayMaxNs } = this.weather;
    return Math.round(delayMinNs + this.#prng.nextUnit() * (delayMaxNs - delayMinNs));
  }

  /** How much later a repeat comes. */
  repeatNs(): number {
    return Math.min(REPEAT_MAX_NS, REPEAT_DELAYS * this.delayNs());
  }

  after(delayNs: number, task: () => void): void {
    this.clock.callAt(this.clock.nowNs() + delayNs, task);
  }

  /** One message without an answer: comes once or twice, in any order. */
  publish(agentId: string, deliver: () => void): void {
    if (this.#isLost(agentId)) return;
    this.#sent += 1;
    const number = this.#sent;
    const arrive = (): void => {
      if (number < this.#newestDelivered) this.seen.overtaken += 1;
      this.#newestDelivered = Math.max(this.#newestDelivered, number);
      deliver();
    };
    this.after(this.delayNs(), arrive);
    if (!this.happens(this.weather.duplicateRate)) return;
    this.seen.duplicates += 1;
    this.after(this.repeatNs(), arrive);
  }

  #isLost(agentId: string): boolean {
    const { lossRate } = this.weather;
    const isLost = this.isCut(agentId, "control") || (lossRate > 0 && this.happens(lossRate));
    if (isLost) this.seen.losses += 1;
    return isLost;
  }

  #request(agentId: string, request: AgentRequest, timeoutNs: number): Promise<AgentResponse> {
    const { clock } = this;
    return new Promise((resolve, reject) => {
      const cancel = clock.callAt(clock.nowNs() + timeoutNs, () => {
        reject(
          new LoadError(`agent ${agentId} did not answer ${request.kind}`, {
            code: "LL_AGENT_SILENT",
            hint: "look at the simulated agent",
            exitCode: ExitCode.MeasurementInvalid,
          }),
        );
      });
      if (this.#isLost(agentId)) return;
      this.after(this.delayNs(), () => {
        void this.#agents
          .get(agentId)
          ?.request?.(request)
          .then((response) => {
            if (response.kind === "refusal") this.seen.refusals += 1;
            if (this.#isLost(agentId)) return;
            this.after(this.delayNs(), () => {
              cancel();
              resolve(response);
            });
          });
      });
    });
  }
}

/** One agent's stream of reports: in order while it lasts; what was on its way when it broke is lost. */
class SimReportStream implements ReportStream {
  readonly #network: SimNetwork;
  readonly #url: string;
  readonly #agentId: string;
  readonly #events: ReportStreamEvents;
  #connection = 0;
  #isOpen = false;
  #isClosed = false;
  #lastArrivalNs = 0;
  #lastAckNs = 0;

  constructor(
    network: SimNetwork,
    of: { readonly url: string; readonly agentId: string; readonly events: ReportStreamEvents },
  ) {
    this.#network = network;
    this.#url = of.url;
    this.#agentId = of.agentId;
    this.#events = of.events;
    this.#connect(network.delayNs());
  }

  /** Whether it leads anywhere now. */
  get #leads(): boolean {
    const network = this.#network;
    return network.receiverAt(this.#url) !== undefined && !network.isCut(this.#agentId, "reports");
  }

  sendInterval(report: IntervalReport): boolean {
    if (!this.#isOpen) return false;
    if (!this.#leads) {
      // As a socket that took it, and breaks.
      this.#break();
      return true;
    }
    const connection = this.#connection;
    this.#lastArrivalNs = this.#inOrder(this.#lastArrivalNs);
    this.#network.clock.callAt(this.#lastArrivalNs, () => {
      if (this.#connection === connection) this.#arrive(report, connection);
    });
    if (this.#network.happens(this.#network.weather.breakRate)) this.#break();
    return true;
  }

  sendRecords(batch: RecordBatch): boolean {
    if (!this.#isOpen) return false;
    void this.#network.receiverAt(this.#url)?.onRecords(batch);
    return true;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#isOpen = false;
    this.#connection += 1;
    return Promise.resolve();
  }

  #arrive(report: IntervalReport, connection: number): void {
    const network = this.#network;
    void this.#take(report, connection);
    if (!network.happens(network.weather.duplicateRate)) return;
    network.seen.duplicates += 1;
    // As by a stream that broke: outside of the order of this one.
    network.after(network.repeatNs(), () => void this.#take(report, connection));
  }

  async #take(report: IntervalReport, connection: number): Promise<void> {
    const receiver = this.#network.receiverAt(this.#url);
    if (receiver === undefined) return;
    const refusal = await receiver.onInterval(report);
    this.#lastAckNs = this.#inOrder(this.#lastAckNs);
    this.#network.clock.callAt(this.#lastAckNs, () => {
      if (this.#connection !== connection) return;
      if (refusal === undefined) this.#events.onAck(report.epoch, report.sequence);
      else this.#events.onRefusal(refusal);
    });
    if (refusal !== undefined) this.#network.seen.refusals += 1;
  }

  #break(): void {
    this.#network.seen.breaks += 1;
    this.#isOpen = false;
    this.#connection += 1;
    // Its own turn: the caller still believes that the report left.
    this.#network.after(0, () => {
      if (this.#isClosed) return;
      this.#events.onLost();
      this.#connect(RECONNECT_NS);
    });
  }

  #connect(delayNs: number): void {
    this.#network.after(delayNs, () => {
      if (this.#isClosed) return;
      if (!this.#leads) {
        this.#connect(RECONNECT_AGAIN_NS);
        return;
      }
      this.#isOpen = true;
      this.#events.onOpen();
    });
  }

  #inOrder(lastNs: number): number {
    return Math.max(lastNs, this.#network.clock.nowNs() + this.#network.delayNs());
  }
}
