import net from "node:net";
import tls from "node:tls";

/** How sockets to one target are made. */
export interface DialOptions {
  /** Base URL of the target. */
  readonly url: string;
  readonly caPem: string | undefined;
  readonly tlsInsecure: boolean;
  /** The only addresses to connect to, whatever the name says by now; undefined asks the resolver. */
  readonly addresses: readonly string[] | undefined;
  /** Addresses of this host to connect from, in turn, each with local ports of its own; none leaves it to the system. */
  readonly sourceAddresses?: readonly string[] | undefined;
}

/** Who is told of a socket. */
export interface SocketUser {
  /** It is open; called once, if ever. */
  onOpen(): void;
  /** `buffer` from its start to before `length` was read; the bytes are valid during the call only. */
  onRead(buffer: Buffer, length: number): void;
  /** The other side closed it, or it failed, with the reason; may be called again when the socket is closed. */
  onClosed(error: Error | undefined): void;
}

/**
 * All plain sockets of a process are read into this one buffer: the kernel fills it and it is told of in one turn, so
 * no read allocates, however many streams there are. Large enough for whatever has piled up behind a busy loop.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1_024);

/** Opens TCP or TLS connections to one target, and knows how many are open. */
export class Dialler {
  readonly #connectOptions: net.TcpNetConnectOpts;
  readonly #tlsOptions: tls.ConnectionOptions | undefined;
  readonly #sourceAddresses: readonly string[];
  #dialled = 0;
  readonly #sockets = new Set<net.Socket>();
  /** The last session the server gave: a resumed handshake costs the server far less. */
  #session: Buffer | undefined;

  constructor(options: DialOptions) {
    this.#sourceAddresses = options.sourceAddresses ?? [];
    const url = new URL(options.url);
    const isTls = url.protocol === "https:";
    const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
    this.#connectOptions = {
      host,
      port: url.port === "" ? (isTls ? 443 : 80) : Number(url.port),
      noDelay: true,
      keepAlive: true,
      ...(options.addresses === undefined ? {} : { lookup: pinnedLookup(options.addresses) }),
    };
    this.#tlsOptions = isTls ? tlsOptions(options, host) : undefined;
  }

  /** Opens a connection. What is written to the socket before it is open is sent once it is. */
  dial(user: SocketUser): net.Socket {
    const socket = this.#open(user);
    this.#sockets.add(socket);
    socket.once(this.#tlsOptions === undefined ? "connect" : "secureConnect", () => {
      user.onOpen();
    });
    let failure: Error | undefined;
    // Stays for good: a socket without a listener would take the process down with its error.
    socket.on("error", (error) => {
      failure = error;
    });
    // The other side sends no more: told a turn before the socket is closed.
    socket.once("end", () => {
      user.onClosed(undefined);
    });
    socket.once("close", () => {
      this.#sockets.delete(socket);
      user.onClosed(failure);
    });
    return socket;
  }

  /** Open, or being opened. */
  get socketsOpen(): number {
    return this.#sockets.size;
  }

  /** Resolves when every socket is closed. */
  async destroyAll(): Promise<void> {
    const sockets = [...this.#sockets];
    await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once("close", () => {
              resolve();
            });
            socket.destroy();
          }),
      ),
    );
  }

  #open(user: SocketUser): net.Socket {
    const localAddress = this.#sourceAddresses[this.#dialled++ % this.#sourceAddresses.length];
    const connectOptions =
      localAddress === undefined ? this.#connectOptions : { ...this.#connectOptions, localAddress };
    if (this.#tlsOptions === undefined) {
      return net.connect({
        ...connectOptions,
        // Past the stream machinery, which costs more per read than everything that is done with the bytes.
        onread: {
          buffer: READ_BUFFER,
          callback: (length) => {
            user.onRead(READ_BUFFER, length);
            return true;
          },
        },
      });
    }
    const socket = tls.connect({
      ...connectOptions,
      ...this.#tlsOptions,
      ...(this.#session === undefined ? {} : { session: this.#session }),
    });
    socket.on("session", (session: Buffer) => {
      this.#session = session;
    });
    socket.on("data", (data: Buffer) => {
      user.onRead(data, data.length);
    });
    return socket;
  }
}

function tlsOptions(options: DialOptions, host: string): tls.ConnectionOptions {
  return {
    // One context for all connections: parsing the authorities is the dear part.
    secureContext: tls.createSecureContext(
      options.caPem === undefined ? {} : { ca: options.caPem },
    ),
    rejectUnauthorized: !options.tlsInsecure,
    ALPNProtocols: ["http/1.1"],
    // A name only: the protocol has no place for an address.
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
  };
}

/** Answers every question with the addresses that the run was allowed to use. */
function pinnedLookup(addresses: readonly string[]): net.LookupFunction {
  const answers = addresses.map((address) => ({ address, family: net.isIP(address) }));
  return (_hostname, options, callback) => {
    const first = answers[0];
    if (first === undefined) {
      callback(new Error("no address is pinned for the target"), "", 0);
    } else if (options.all === true) {
      callback(null, answers);
    } else {
      callback(null, first.address, first.family);
    }
  };
}
