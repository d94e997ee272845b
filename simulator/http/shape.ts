import type { Read } from "../values.ts";
import { readNumber } from "../values.ts";
import { EVENT_TEXTS } from "./event-text.ts";
import type { EventText } from "./event-text.ts";
import { MANNERS } from "./manners.ts";
import type { Manners } from "./manners.ts";
import { SHAPE_NAMES } from "./shape-name.ts";
import type { ShapeName } from "./shape-name.ts";

/** In what order a stream says what, and how it is cut into HTTP chunks. */
export interface StreamForm {
  /** Whether an event names the role, and when: before the prompt is worked on, or with the first token. */
  readonly role: "start" | "first-token" | "none";
  readonly headers: "start" | "first-token";
  /** The role's event and the first text share an HTTP chunk. */
  readonly joinsRole: boolean;
  /** The finish reason has an event of its own, or is in the event with the last text. */
  readonly finish: "own" | "last-text";
  readonly usage: "own" | "finish" | "every" | "never";
  /** Usage comes though nobody asked for it. */
  readonly usageUnasked: boolean;
  /** `"usage": null` in the other events. */
  readonly nullUsage: "never" | "when-asked" | "always";
  /** A usage event for each choice, counting that choice alone. */
  readonly usagePerChoice: boolean;
  readonly done: boolean;
  /** `[DONE]` shares its HTTP chunk with the event before it. */
  readonly joinsDone: boolean;
  /** Every event counts as a choice of its own: event k has index k. */
  readonly indexPerEvent: boolean;
  /** More than one choice is answered, interleaved; otherwise n is ignored. */
  readonly interleavesChoices: boolean;
  /** Every so many texts one is empty, as when a token is part of a character; 0 = none. */
  readonly emptyEvery: number;
  readonly unicode: boolean;
  readonly lineEnd: "\n" | "\r\n";
  /** Every byte is an HTTP chunk. */
  readonly oneByteChunks: boolean;
  /** Closes the connection after the stream, though its headers say keep-alive. */
  readonly closes: boolean;
}

/** One server's ways, as an OpenAI-compatible client meets them. */
export interface StreamShape {
  readonly name: ShapeName;
  readonly chat: StreamForm;
  readonly completions: StreamForm;
  readonly text: EventText;
  readonly manners: Manners;
  /** Answers every completion with a web page and status 200, as a login page or a wrong route does. */
  readonly html: boolean;
}

const OPENAI: StreamForm = {
  role: "first-token",
  headers: "start",
  joinsRole: false,
  finish: "own",
  usage: "own",
  usageUnasked: false,
  nullUsage: "when-asked",
  usagePerChoice: false,
  done: true,
  joinsDone: false,
  indexPerEvent: false,
  interleavesChoices: true,
  emptyEvery: 0,
  unicode: false,
  lineEnd: "\n",
  oneByteChunks: false,
  closes: false,
};

/** As seen of the servers themselves, chat streams; what differs in /v1/completions stands beside it. */
const FORMS = {
  openai: { chat: OPENAI, completions: {} },
  vllm: {
    chat: { ...OPENAI, finish: "last-text", nullUsage: "never", emptyEvery: 13 },
    completions: {},
  },
  llmd: { chat: { ...OPENAI, headers: "first-token", nullUsage: "always" }, completions: {} },
  "llama-server": {
    chat: {
      ...OPENAI,
      headers: "first-token",
      joinsRole: true,
      nullUsage: "never",
      usagePerChoice: true,
      joinsDone: true,
      closes: true,
    },
    completions: { usage: "finish", usageUnasked: true, joinsDone: false },
  },
  "llama-cpp-python": {
    chat: { ...OPENAI, usage: "never", nullUsage: "never", interleavesChoices: false },
    completions: {},
  },
  transformers: {
    chat: {
      ...OPENAI,
      role: "start",
      usage: "finish",
      usageUnasked: true,
      nullUsage: "never",
      done: false,
      interleavesChoices: false,
    },
    completions: {},
  },
  guidellm: {
    chat: { ...OPENAI, role: "none", nullUsage: "never", interleavesChoices: false },
    completions: { indexPerEvent: true, finish: "last-text" },
  },
} as const satisfies Record<ShapeName, { chat: StreamForm; completions: Partial<StreamForm> }>;

function shapeNamed(name: ShapeName): StreamShape {
  const { chat, completions } = FORMS[name];
  return {
    name,
    chat,
    completions: { ...chat, ...completions, role: "none" },
    text: EVENT_TEXTS[name],
    manners: MANNERS[name],
    html: false,
  };
}

/** What `--shape NAME,change,…` may change; a value that is not listed is a problem. */
const CHANGES: Readonly<Record<string, Readonly<Record<string, Partial<StreamForm>>>>> = {
  usage: {
    own: { usage: "own", usageUnasked: false },
    finish: { usage: "finish", usageUnasked: true },
    every: { usage: "every", usageUnasked: true },
    never: { usage: "never", usageUnasked: false, nullUsage: "never" },
  },
  headers: { start: { headers: "start" }, "first-token": { headers: "first-token" } },
  role: {
    start: { role: "start" },
    "first-token": { role: "first-token" },
    none: { role: "none" },
  },
  finish: { own: { finish: "own" }, "last-text": { finish: "last-text" } },
  done: { yes: { done: true }, no: { done: false } },
  text: { unicode: { unicode: true }, ascii: { unicode: false } },
  crlf: { "": { lineEnd: "\r\n" } },
  "one-byte": { "": { oneByteChunks: true } },
  close: { "": { closes: true } },
};

/** `vllm`, or with changes: `openai,usage=every,headers=first-token,empty=4,crlf`. */
export function readShape(text: string): Read<StreamShape> {
  const [name = "", ...changes] = text.split(",");
  if (!isShapeName(name)) {
    return { problem: `"${name}" is no shape; write one of ${SHAPE_NAMES.join(", ")}` };
  }
  let shape = shapeNamed(name);
  const problems: string[] = [];
  for (const change of changes) {
    const changed = changeShape(shape, change.trim());
    if ("problem" in changed) problems.push(changed.problem);
    else shape = changed.value;
  }
  return problems.length > 0 ? { problem: problems.join("; ") } : { value: shape };
}

function changeShape(shape: StreamShape, change: string): Read<StreamShape> {
  const [key = "", value = ""] = change.split("=");
  if (change === "html") return { value: { ...shape, html: true } };
  if (key === "empty") {
    const every = readNumber(value, { min: 0, max: 1_000_000 });
    return "problem" in every ? every : { value: withForm(shape, { emptyEvery: every.value }) };
  }
  const form = CHANGES[key]?.[value];
  if (form !== undefined) return { value: withForm(shape, form) };
  const known = Object.entries(CHANGES).map(([name, values]) => {
    const texts = Object.keys(values).filter((one) => one !== "");
    return texts.length === 0 ? name : `${name}=${texts.join("|")}`;
  });
  return { problem: `"${change}" changes nothing; write ${known.join(", ")}, empty=N or html` };
}

function withForm(shape: StreamShape, form: Partial<StreamForm>): StreamShape {
  return {
    ...shape,
    chat: { ...shape.chat, ...form },
    // Text completions have no roles.
    completions: { ...shape.completions, ...form, role: "none" },
  };
}

function isShapeName(name: string): name is ShapeName {
  return (SHAPE_NAMES as readonly string[]).includes(name);
}
