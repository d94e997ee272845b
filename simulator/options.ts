import { ExitCode, LoadError } from "../shared/errors.ts";
import { parseLengths } from "../shared/workload/lengths.ts";
import type { Lengths } from "../shared/workload/workload.ts";
import { NO_FAULTS, readFaultText } from "./faults.ts";
import type { Faults } from "./faults.ts";
import { readShape } from "./http/shape.ts";
import type { StreamShape } from "./http/shape.ts";
import type { SchedulerConfig, ServiceTime } from "./scheduler/config.ts";
import { readBatching, readDurationNs, readService, readSpread, readWhole } from "./values.ts";
import type { Read } from "./values.ts";

/** Everything a simulated server is. */
export interface SimulatorOptions {
  readonly host: string;
  /** 0 = a free one. */
  readonly port: number;
  readonly model: string;
  readonly seed: number;
  readonly scheduler: SchedulerConfig;
  /**
   * Where the model would stop by itself. Undefined: it always goes on to the asked maximum. Requests with
   * `ignore_eos` do so anyway; `min_tokens` bounds it from below.
   */
  readonly stopAfter: Lengths | undefined;
  readonly shape: StreamShape;
  readonly faults: Faults;
  /** Where the arrival log goes (JSON lines); undefined = memory only. */
  readonly logFile: string | undefined;
  /** How many requests the log in memory keeps, the newest ones. */
  readonly logEntriesMax: number;
  /** Prompt and output together; more is refused, or cut off where the shape's server does so. */
  readonly contextTokensMax: number;
}

/** The flags of `simulate-server`, for a command line to offer. `name` is the key that the parser reads. */
export const SIMULATOR_FLAGS = [
  { name: "port", flag: "--port <n>", text: "port; 0 takes a free one", default: "8000" },
  { name: "host", flag: "--host <address>", text: "address to listen on", default: "127.0.0.1" },
  { name: "slots", flag: "--slots <n>", text: "requests served at once", default: "8" },
  {
    name: "service",
    flag: "--service <time>",
    text: "time in a slot: fixed:20ms, exp:30ms, lognormal:30ms:0.8",
    default: "exp:30ms",
  },
  {
    name: "batching",
    flag: "--batching <a:b:c:M[:budget]>",
    text: "continuous batching instead of slots: a step takes a + b per sequence + c per prompt token, at most M sequences",
    default: undefined,
  },
  {
    name: "ttft",
    flag: "--ttft <time>",
    text: "instead of --service: a slot is held for ttft + itl × (tokens − 1)",
    default: undefined,
  },
  { name: "itl", flag: "--itl <time>", text: "time between tokens", default: "10ms" },
  {
    name: "tokens",
    flag: "--tokens <place>",
    text: "after: they follow when the slot is free; inside: the slot is held to the last; fraction:F: the first comes after F of the service, the last at its end",
    default: "after (inside with --ttft)",
  },
  {
    name: "stopAfter",
    flag: "--stop-after <tokens>",
    text: "where the model stops by itself: 64, uniform:16:128, lognormal:64:0.8",
    default: undefined,
  },
  {
    name: "shape",
    flag: "--shape <name[,change…]>",
    text: "whose stream: openai, vllm, llmd, llama-server, llama-cpp-python, transformers, guidellm; changes: usage=every, headers=first-token, empty=4, text=unicode, crlf, one-byte, html, …",
    default: "openai",
  },
  {
    name: "fault",
    flag: "--fault <list>",
    text: "stall:for=500ms,every=30s; cut:fraction=0.05,after=3; error:fraction=0.01,status=500; reject:waiting=64,retry-after=2; stream-error, silent, slow-start, drift, hold-slots",
    default: undefined,
  },
  { name: "log", flag: "--log <file>", text: "arrival log, JSON lines", default: undefined },
  { name: "model", flag: "--model <name>", text: "name of the model", default: "sim" },
  { name: "seed", flag: "--seed <n>", text: "everything random", default: "1" },
  {
    name: "context",
    flag: "--context <tokens>",
    text: "longest prompt and output together",
    default: "131072",
  },
] as const;

export type SimulatorFlag = (typeof SIMULATOR_FLAGS)[number]["name"];

const LOG_ENTRIES_DEFAULT = 200_000;

/** The scheduler's flags, some of which exclude others. */
const SLOT_FLAGS = ["slots", "service", "ttft", "itl", "tokens"] as const;

/**
 * Reads the flags of `simulate-server`, by the names of SIMULATOR_FLAGS; what is not given has its default.
 * Several `--fault` are joined by ";".
 *
 * @throws LoadError LL_SIMULATOR_OPTIONS, with every problem at once.
 */
export function parseSimulatorOptions(
  raw: Readonly<Record<string, string | undefined>>,
): SimulatorOptions {
  const flags = new Flags(raw);
  const options: SimulatorOptions = {
    host: raw["host"] ?? "127.0.0.1",
    port: flags.read("port", "8000", (text) => readWhole(text, { min: 0, max: 65_535 })),
    model: flags.read("model", "sim", readModel),
    seed: flags.read("seed", "1", (text) => readWhole(text, { min: 0, max: 2 ** 53 - 1 })),
    scheduler: readScheduler(flags),
    stopAfter: flags.readOptional("stopAfter", readLengths),
    shape: flags.read("shape", "openai", readShape),
    faults: flags.readOptional("fault", readFaultText) ?? NO_FAULTS,
    logFile: raw["log"],
    logEntriesMax: LOG_ENTRIES_DEFAULT,
    contextTokensMax: flags.read("context", "131072", (text) =>
      readWhole(text, { min: 2, max: 100_000_000 }),
    ),
  };
  flags.throwProblems();
  return options;
}

/** Never used: whoever reads a flag with a problem is told so by `throwProblems`. */
const UNUSABLE: SchedulerConfig = {
  kind: "fifo",
  slots: 1,
  service: { kind: "fixed", meanNs: 0 },
  spread: { kind: "after-service", gapNs: 0 },
};

function readScheduler(flags: Flags): SchedulerConfig {
  if (flags.has("batching")) {
    for (const name of SLOT_FLAGS.filter((flag) => flags.has(flag))) {
      flags.add(`--${name} is for slots; --batching has none: leave one of the two out`);
    }
    return flags.readOptional("batching", readBatching) ?? UNUSABLE;
  }
  if (flags.has("ttft") && flags.has("service")) {
    flags.add("--ttft and --service both say how long a slot is held: leave one of the two out");
  }
  const gapNs = flags.read("itl", "10ms", readDurationNs);
  const byTokens = flags.has("ttft");
  return {
    kind: "fifo",
    slots: flags.read("slots", "8", (text) => readWhole(text, { min: 1, max: 100_000 })),
    service: byTokens
      ? flags.read("ttft", "0", readFixedService)
      : flags.read("service", "exp:30ms", readService),
    spread: flags.read("tokens", byTokens ? "inside" : "after", (text) => readSpread(text, gapNs)),
  };
}

function readFixedService(text: string): Read<ServiceTime> {
  const read = readDurationNs(text);
  return "problem" in read ? read : { value: { kind: "fixed", meanNs: read.value } };
}

function readModel(text: string): Read<string> {
  if (/^[\w./:-]{1,200}$/.test(text)) return { value: text };
  return { problem: `"${text}" is no model name; use letters, digits and . / : _ -` };
}

function readLengths(text: string): Read<Lengths> {
  try {
    const lengths = parseLengths(text);
    if (lengths.kind !== "empirical-file") return { value: lengths };
    return { problem: "the simulator reads no file of lengths; name a distribution" };
  } catch (error) {
    if (error instanceof LoadError) return { problem: `${error.message}; ${error.hint}` };
    throw error;
  }
}

/** Collects what is wrong, so that all of it is said at once. */
class Flags {
  readonly #raw: Readonly<Record<string, string | undefined>>;
  readonly #problems: string[] = [];

  constructor(raw: Readonly<Record<string, string | undefined>>) {
    this.#raw = raw;
    const known = new Set<string>(SIMULATOR_FLAGS.map((flag) => flag.name));
    for (const [name, value] of Object.entries(raw)) {
      if (value !== undefined && !known.has(name)) this.add(`there is no option "${name}"`);
    }
  }

  has(name: SimulatorFlag): boolean {
    return this.#raw[name] !== undefined;
  }

  add(problem: string): void {
    this.#problems.push(problem);
  }

  read<Value>(
    name: SimulatorFlag,
    otherwise: string,
    reader: (text: string) => Read<Value>,
  ): Value {
    const read = reader(this.#raw[name] ?? otherwise);
    if ("value" in read) return read.value;
    this.add(`${flagOf(name)}: ${read.problem}`);
    const fallback = reader(otherwise);
    if ("value" in fallback) return fallback.value;
    throw new Error(`the default of ${name} cannot be read: ${fallback.problem}`);
  }

  readOptional<Value>(
    name: SimulatorFlag,
    reader: (text: string) => Read<Value>,
  ): Value | undefined {
    const text = this.#raw[name];
    if (text === undefined) return undefined;
    const read = reader(text);
    if ("value" in read) return read.value;
    this.add(`${flagOf(name)}: ${read.problem}`);
    return undefined;
  }

  throwProblems(): void {
    if (this.#problems.length === 0) return;
    const count = this.#problems.length;
    throw new LoadError(
      `simulate-server: ${count === 1 ? "" : `${count} options cannot be used: `}${this.#problems.join("\n  ")}`,
      {
        code: "LL_SIMULATOR_OPTIONS",
        hint: "see loadline simulate-server --help",
        exitCode: ExitCode.PlanInvalid,
      },
    );
  }
}

function flagOf(name: SimulatorFlag): string {
  const flag = SIMULATOR_FLAGS.find((one) => one.name === name)?.flag ?? name;
  return flag.split(" ")[0] ?? flag;
}
