import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type {
  AgentRequest,
  ArmSegment,
  PrepareRun,
  Target,
} from "../../../shared/control/control.ts";
import { LoadError } from "../../../shared/errors.ts";
import {
  decodeAbort,
  decodeAgentRequest,
  decodeAgentResponse,
  decodeHello,
  decodeLease,
  encodeAbort,
  encodeAgentRequest,
  encodeAgentResponse,
  encodeHello,
  encodeLease,
} from "../../../shared/wire/control-codec.ts";
import { MESSAGE_BYTES_MAX } from "../../../shared/wire/fields.ts";
import * as arbitrary from "../../support/control-arbitraries.ts";

interface Codec<T> {
  readonly values: fc.Arbitrary<T>;
  readonly encode: (value: T) => Uint8Array;
  readonly decode: (bytes: Uint8Array) => T;
}

const codec = <T>(each: Codec<T>): Codec<unknown> => each as Codec<unknown>;

const codecs: Record<string, Codec<unknown>> = {
  AgentRequest: codec({
    values: arbitrary.agentRequest,
    encode: encodeAgentRequest,
    decode: decodeAgentRequest,
  }),
  AgentResponse: codec({
    values: arbitrary.agentResponse,
    encode: encodeAgentResponse,
    decode: decodeAgentResponse,
  }),
  Hello: codec({ values: arbitrary.hello, encode: encodeHello, decode: decodeHello }),
  Lease: codec({ values: arbitrary.lease, encode: encodeLease, decode: decodeLease }),
  Abort: codec({ values: arbitrary.abort, encode: encodeAbort, decode: decodeAbort }),
};

function isMalformed(error: unknown): boolean {
  return error instanceof LoadError && error.code === "LL_MESSAGE_MALFORMED";
}

/** Decodes, and lets nothing through but a value or LL_MESSAGE_MALFORMED. */
function decodesOrRefuses(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): void {
  try {
    decode(bytes);
  } catch (error) {
    assert.ok(isMalformed(error), `threw ${String(error)}`);
  }
}

interface Damage {
  readonly at: number;
  readonly byte: number;
  readonly kind: "flip" | "cut" | "insert" | "repeat";
}

const damages: fc.Arbitrary<Damage[]> = fc.array(
  fc.record({
    at: fc.nat(4_096),
    byte: fc.nat(255),
    kind: fc.constantFrom("flip", "cut", "insert", "repeat"),
  }),
  { minLength: 1, maxLength: 4 },
);

function damaged(bytes: Uint8Array, { at, byte, kind }: Damage): Uint8Array {
  const where = bytes.length === 0 ? 0 : at % bytes.length;
  const copy = [...bytes];
  if (kind === "flip") copy[where] = byte;
  if (kind === "cut") copy.length = where;
  if (kind === "insert") copy.splice(where, 0, byte);
  if (kind === "repeat") copy.push(...copy.slice(where));
  return Uint8Array.from(copy);
}

for (const [messageName, { values, encode, decode }] of Object.entries(codecs)) {
  describe(messageName, () => {
    test("comes back from the wire as it went", () => {
      fc.assert(
        fc.property(values, (value) => {
          assert.deepStrictEqual(decode(encode(value)), value);
        }),
        { numRuns: 300 },
      );
    });

    test("random bytes are a value or LL_MESSAGE_MALFORMED, nothing else", () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          decodesOrRefuses(decode, bytes);
        }),
        { numRuns: 500 },
      );
    });

    test("damaged messages are a value or LL_MESSAGE_MALFORMED, nothing else", () => {
      fc.assert(
        fc.property(values, damages, (value, each) => {
          decodesOrRefuses(decode, each.reduce(damaged, encode(value)));
        }),
        { numRuns: 500 },
      );
    });

    test("a damaged message that is taken is a value that can be sent again", () => {
      fc.assert(
        fc.property(values, damages, (value, each) => {
          let taken: unknown;
          try {
            taken = decode(each.reduce(damaged, encode(value)));
          } catch {
            return;
          }
          const sent = encode(taken);
          assert.deepStrictEqual(encode(decode(sent)), sent);
        }),
        { numRuns: 300 },
      );
    });

    test("an oversized message is refused before it is parsed", () => {
      assert.throws(() => decode(new Uint8Array(MESSAGE_BYTES_MAX + 1)), isMalformed);
    });
  });
}

const sample = <T>(values: fc.Arbitrary<T>): T => fc.sample(values, { numRuns: 1, seed: 7 })[0]!;

function refuses(request: AgentRequest, why: RegExp): void {
  assert.throws(
    () => decodeAgentRequest(encodeAgentRequest(request)),
    (error) => isMalformed(error) && why.test((error as LoadError).message),
  );
}

describe("what an agent could not carry out is refused by the codec", () => {
  const arm = (change: Partial<ArmSegment["segment"]>): AgentRequest => {
    const armSegment = sample(arbitrary.armSegment);
    return {
      kind: "arm-segment",
      armSegment: { ...armSegment, segment: { ...armSegment.segment, ...change } },
    };
  };
  const prepare = (change: Partial<PrepareRun>): AgentRequest => ({
    kind: "prepare-run",
    prepareRun: { ...sample(arbitrary.prepareRun), ...change },
  });
  const aim = (change: Partial<Target>): AgentRequest =>
    prepare({ target: { ...sample(arbitrary.target), ...change } });
  const poisson = (ratePerSecond: number): ArmSegment["segment"]["mode"] => ({
    kind: "open",
    arrivals: { kind: "poisson", ratePerSecond },
  });

  const cases: [string, AgentRequest, RegExp][] = [
    ["a rate of 0", arm({ mode: poisson(0) }), /rate_per_second is not above 0/],
    ["a rate of NaN", arm({ mode: poisson(Number.NaN) }), /not a finite number/],
    ["an endless rate", arm({ mode: poisson(Number.POSITIVE_INFINITY) }), /not a finite number/],
    ["nobody to fire", arm({ mode: poisson(1), shares: [] }), /shares .* sum to 0/],
    ["segment 0", arm({ number: 0 }), /numbered from 1/],
    [
      "a window that ends before it starts",
      arm({ startAtNs: 0, recordFromNs: 2, recordUntilNs: 1, endByNs: 3 }),
      /out of order/,
    ],
    ["no class", prepare({ workload: { classes: [] } }), /no class/],
    ["a run without a name", prepare({ runId: "" }), /run_id is empty/],
    ["a run named by an escape code", prepare({ runId: "\u001b[2J" }), /control character/],
    ["a header with a line break", aim({ headers: { a: "b\r\nc: d" } }), /line break/],
    ["a header named by a line", aim({ headers: { "a\r\nb": "c" } }), /not an HTTP token/],
    [
      "histograms of absurd precision",
      prepare({ geometry: { significantDigits: 9, lowestTicks: 1, highestTicks: 10 } }),
      /significant_digits/,
    ],
    [
      "thresholds that go down",
      prepare({
        thresholds: [{ clause: 0, metric: "ttft", thresholds: [2, 1], className: undefined }],
      }),
      /not ascending/,
    ],
  ];
  for (const [what, request, why] of cases) {
    test(what, () => {
      refuses(request, why);
    });
  }

  test("an unknown endpoint, which only another version would send", () => {
    refuses(
      aim({ endpoint: "images" as "chat" }),
      /target.endpoint is "images", not one of chat, completions/,
    );
  });

  test("an instant beyond 2^53, whose last digits a number would lose", () => {
    // clock_probe { sent_at_ns: 2^53 }: a varint of seven empty groups of 7 bits, and 2^4.
    const sentAtNs = [0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    assert.throws(
      () => decodeAgentRequest(Uint8Array.of(0x0a, sentAtNs.length, ...sentAtNs)),
      /sent_at_ns is beyond/,
    );
  });
});

test("a clock offset of half a nanosecond keeps its promise on the wire", () => {
  const armSegment = {
    ...sample(arbitrary.armSegment),
    clockOffset: { aheadNs: -12.5, errorBoundNs: 3.5 },
  };
  const decoded = decodeAgentRequest(encodeAgentRequest({ kind: "arm-segment", armSegment }));

  assert.ok(decoded.kind === "arm-segment");
  const { aheadNs, errorBoundNs } = decoded.armSegment.clockOffset;
  assert.ok(aheadNs - errorBoundNs <= -16 && aheadNs + errorBoundNs >= -9);
});

test("a policy without bounds travels as the largest bound of its field", () => {
  const unbounded = Number.POSITIVE_INFINITY;
  const hello = {
    ...sample(arbitrary.hello),
    policy: {
      targets: [],
      ratePerSecondMax: unbounded,
      inFlightMax: unbounded,
      durationNsMax: unbounded,
      tokensMax: unbounded,
    },
  };

  assert.deepEqual(decodeHello(encodeHello(hello)).policy, {
    targets: [],
    ratePerSecondMax: unbounded,
    inFlightMax: 0xffff_ffff,
    durationNsMax: Number.MAX_SAFE_INTEGER,
    tokensMax: 0xffff_ffff,
  });
});
