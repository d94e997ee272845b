import type { DescMethod } from "@bufbuild/protobuf";
import type {
  ChannelOptions,
  Client,
  ClientDuplexStream,
  ClientReadableStream,
  Metadata,
  MethodDefinition,
} from "@grpc/grpc-js";

/** A generated method, of which only the name and the shape are needed here. */
export type Method = Pick<DescMethod, "methodKind" | "name" | "parent">;

/** What one side of a method sends and receives. The other side's half lives in the other process. */
export interface SideCodec<Sent, Received> {
  encode(sent: Sent): Uint8Array;
  /** On a server an error that is thrown here never reaches the handler; give it back as a value. */
  decode(bytes: Uint8Array): Received;
}

const KEEPALIVE_TIME_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;

/** Options that both ends set: the receive limit said aloud, dead peers noticed, no proxy, no hidden retries. */
export function channelOptions(receiveBytesMax: number): ChannelOptions {
  return {
    "grpc.max_receive_message_length": receiveBytesMax,
    "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    "grpc.enable_http_proxy": 0,
    "grpc.enable_retries": 0,
    "grpc.service_config_disable_resolution": 1,
    // Without it every client of a process shares one connection and its back-off.
    "grpc.use_local_subchannel_pool": 1,
  };
}

/** The server's view of a method, for grpc-js: everything but the codec comes from the generated descriptor. */
export function serverMethod<Sent, Received>(
  method: Method,
  codec: SideCodec<Sent, Received>,
): MethodDefinition<Received, Sent> {
  return {
    path: pathOf(method),
    requestStream:
      method.methodKind === "bidi_streaming" || method.methodKind === "client_streaming",
    responseStream:
      method.methodKind === "bidi_streaming" || method.methodKind === "server_streaming",
    requestDeserialize: (bytes) => codec.decode(bytes),
    responseSerialize: (sent) => asBuffer(codec.encode(sent)),
    requestSerialize: otherSide,
    responseDeserialize: otherSide,
  };
}

/** Opens a bidirectional stream of a method that the descriptor declares so. */
export function openBidiStream<Sent, Received>(
  client: Client,
  options: { method: Method; codec: SideCodec<Sent, Received>; metadata: Metadata },
): ClientDuplexStream<Sent, Received> {
  const { method, codec, metadata } = options;
  return client.makeBidiStreamRequest(
    pathOf(method),
    (sent: Sent) => asBuffer(codec.encode(sent)),
    (bytes) => codec.decode(bytes),
    metadata,
  );
}

/** Asks once and reads a stream of answers, which must end by `deadline`. */
export function openServerStream<Sent, Received>(
  client: Client,
  request: Sent,
  options: {
    method: Method;
    codec: SideCodec<Sent, Received>;
    metadata: Metadata;
    deadline: Date;
  },
): ClientReadableStream<Received> {
  const { method, codec, metadata, deadline } = options;
  return client.makeServerStreamRequest(
    pathOf(method),
    (sent: Sent) => asBuffer(codec.encode(sent)),
    (bytes) => codec.decode(bytes),
    request,
    metadata,
    { deadline },
  );
}

function pathOf(method: Method): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** The same memory; grpc-js asks for a Buffer. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function otherSide(): never {
  throw new Error("this side of the method is not spoken here (this is a bug in Loadline)");
}
