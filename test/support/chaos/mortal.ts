import type { ControlLink, ReportLink } from "../../../agent/ports.ts";
import type { FleetLink } from "../../../coordinator/ports.ts";
import type { Clock } from "../../../shared/time/clock.ts";

/** One process. Once it is killed, nothing that it does or waits for happens any more. */
export class Life {
  isOver = false;

  kill(): void {
    this.isOver = true;
  }

  /** Runs it only while the process lives. */
  guard<Args extends unknown[]>(task: (...args: Args) => void): (...args: Args) => void {
    return (...args) => {
      if (!this.isOver) task(...args);
    };
  }

  /** Never settles for a process that is dead by then. */
  promise<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(this.guard(resolve), this.guard(reject));
    });
  }

  clock(clock: Clock): Clock {
    return {
      nowNs: () => clock.nowNs(),
      callAt: (atNs, task) => clock.callAt(atNs, this.guard(task)),
    };
  }

  controlLink(link: ControlLink): ControlLink {
    const hello = this.guard<Parameters<ControlLink["hello"]>>((each) => {
      link.hello(each);
    });
    return {
      hello,
      onRequest: (handler) => {
        link.onRequest((request) =>
          this.isOver ? new Promise(() => undefined) : this.promise(handler(request)),
        );
      },
      onLease: (handler) => {
        link.onLease(this.guard(handler));
      },
      onAbort: (handler) => {
        link.onAbort(this.guard(handler));
      },
      close: () => (this.isOver ? Promise.resolve() : link.close()),
    };
  }

  reportLink(link: ReportLink): ReportLink {
    return {
      open: (address, agentId, events) => {
        const stream = link.open(address, agentId, {
          onAck: this.guard(events.onAck.bind(events)),
          onRefusal: this.guard(events.onRefusal.bind(events)),
          onLost: this.guard(events.onLost.bind(events)),
          onOpen: this.guard(events.onOpen.bind(events)),
        });
        return {
          sendInterval: (report) => !this.isOver && stream.sendInterval(report),
          sendRecords: (batch) => !this.isOver && stream.sendRecords(batch),
          close: () => stream.close(),
        };
      },
    };
  }

  fleetLink(link: FleetLink): FleetLink {
    return {
      onHello: (handler) => {
        link.onHello(this.guard(handler));
      },
      request: (agentId, request, timeoutNs) =>
        this.isOver
          ? new Promise(() => undefined)
          : this.promise(link.request(agentId, request, timeoutNs)),
      publishLease: this.guard((lease) => {
        link.publishLease(lease);
      }),
      publishAbort: this.guard((abort) => {
        link.publishAbort(abort);
      }),
      close: () => link.close(),
    };
  }
}

/** A process that gets no CPU over some stretches: what is due in one runs behind it. */
export function stalledClock(
  clock: Clock,
  stalls: readonly { readonly fromNs: number; readonly untilNs: number }[],
): Clock {
  const behind = (atNs: number): number =>
    stalls.reduce(
      (due, { fromNs, untilNs }) => (due >= fromNs && due < untilNs ? untilNs : due),
      atNs,
    );
  return {
    nowNs: () => clock.nowNs(),
    callAt: (atNs, task) => clock.callAt(behind(Math.max(atNs, clock.nowNs())), task),
  };
}
