import type { Endpoint, RequestOrder } from "../ports.ts";

/** Two endpoints as one: each request goes where its order says. */
export function twoEndpoints(target: Endpoint, against: Endpoint): Endpoint {
  return {
    send: (order, listener) =>
      order.isAgainst === true ? against.send(order, listener) : target.send(order, listener),
    connect: async (connections) => {
      await Promise.all([target.connect(connections), against.connect(connections)]);
    },
    socketsOpen: () => target.socketsOpen() + against.socketsOpen(),
    close: async () => {
      await Promise.all([target.close(), against.close()]);
    },
  };
}

/** Prompts become orders for the one endpoint or the other. */
export type EncodeOrder = (
  prompt: string,
  outputTokens: number,
  isAgainst: boolean,
) => RequestOrder;

/** As each endpoint's own encoder, told apart for `twoEndpoints`. */
export function twoEncoders(
  target: (prompt: string, outputTokens: number) => RequestOrder,
  against: (prompt: string, outputTokens: number) => RequestOrder,
): EncodeOrder {
  return (prompt, outputTokens, isAgainst) =>
    isAgainst
      ? { ...against(prompt, outputTokens), isAgainst: true }
      : target(prompt, outputTokens);
}
