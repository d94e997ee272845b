import type { Socket } from "node:net";
import type { Dialler } from "./dialler.ts";
import { Http1Reader, type ResponseSink } from "./http1-reader.ts";
import { ConnectionClosed } from "./socket-error.ts";

/** Who sent a request, and is told what comes back; after `onWhole` or `onFailure`, nothing more. */
export interface Exchange extends ResponseSink {
  /** A read of the socket came; what it holds is told before `onReadEnd`. */
  onRead(): void;
  onReadEnd(): void;
  /** The response is whole. */
  onWhole(): void;
  onFailure(error: Error): void;
}

/** One HTTP/1.1 connection, with at most one request on it. */
export class Connection {
  /**
   * The socket was open before the request came to it: the server may have closed it without our knowing. False for
   * a socket that was dialled for the request.
   */
  isReused = false;
  /** When its last response was whole. */
  idleAtNs = 0;

  readonly #socket: Socket;
  readonly #reader = new Http1Reader();
  readonly #onClosed: (connection: Connection) => void;
  #exchange: Exchange | undefined;
  #isClosed = false;
  #saidTooMuch = false;

  /** @param onClosed called once, when the connection can take no request any more. */
  constructor(
    dialler: Dialler,
    on: { readonly open?: () => void; readonly closed: (connection: Connection) => void },
  ) {
    this.#onClosed = on.closed;
    this.#socket = dialler.dial({
      onOpen: () => on.open?.(),
      onRead: this.#onRead,
      onClosed: this.#onSocketClosed,
    });
  }

  /** Writes `request` now, or as soon as the socket is open. */
  send(request: Buffer, exchange: Exchange): void {
    this.#exchange = exchange;
    this.#reader.begin(exchange);
    this.#socket.write(request);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Whether any byte of the current response has come. */
  get hasAnswered(): boolean {
    return this.#reader.hasBegun;
  }

  /** Whether the server will take another request on it: it says so, and sent nothing beyond its response. */
  get mayBeKept(): boolean {
    return !this.#isClosed && !this.#saidTooMuch && this.#reader.isWhole && this.#reader.keepsAlive;
  }

  destroy(): void {
    this.#exchange = undefined;
    this.#reader.stop();
    this.#close();
    this.#socket.destroy();
  }

  readonly #onRead = (buffer: Buffer, length: number): void => {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      // Nothing was asked for. Whatever it is, the next response would be taken for the answer to it.
      this.destroy();
      return;
    }
    exchange.onRead();
    let failure: Error | undefined;
    try {
      this.#saidTooMuch = this.#reader.push(buffer, length) < length;
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
    // The exchange may have given the response up while it was told of it.
    if (this.#exchange === exchange) {
      if (failure !== undefined) {
        this.#fail(failure);
      } else if (this.#reader.isWhole) {
        this.#exchange = undefined;
        exchange.onWhole();
      }
    }
    exchange.onReadEnd();
  };

  readonly #onSocketClosed = (error: Error | undefined): void => {
    if (this.#isClosed) {
      return;
    }
    const exchange = this.#exchange;
    this.#reader.close();
    if (error === undefined && exchange !== undefined && this.#reader.isWhole) {
      this.#exchange = undefined;
      this.#close();
      exchange.onWhole();
      return;
    }
    this.#close();
    this.#fail(error ?? new ConnectionClosed());
  };

  #fail(error: Error): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.onFailure(error);
  }

  #close(): void {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#onClosed(this);
    }
  }
}
