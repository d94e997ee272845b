/** Reads JSON that others wrote: what is not there, or of another kind, is undefined. */
export class Fields {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  /** What stands at a path of names. */
  at(...path: readonly string[]): Fields {
    let value = this.#value;
    for (const name of path) {
      value =
        typeof value === "object" && value !== null && Object.hasOwn(value, name)
          ? (value as Readonly<Record<string, unknown>>)[name]
          : undefined;
    }
    return new Fields(value);
  }

  get isThere(): boolean {
    return this.#value !== undefined && this.#value !== null;
  }

  get number(): number | undefined {
    return typeof this.#value === "number" && Number.isFinite(this.#value)
      ? this.#value
      : undefined;
  }

  get text(): string | undefined {
    return typeof this.#value === "string" && this.#value !== "" ? this.#value : undefined;
  }

  get list(): readonly Fields[] | undefined {
    return Array.isArray(this.#value) ? this.#value.map((each) => new Fields(each)) : undefined;
  }

  /** As JSON, shortened, for a message. */
  get shown(): string {
    return this.isThere ? JSON.stringify(this.#value).slice(0, 60) : "nothing";
  }
}

/** The first that is there. */
export function firstNumber(...candidates: readonly Fields[]): number | undefined {
  return candidates.find((each) => each.number !== undefined)?.number;
}

export function firstText(...candidates: readonly Fields[]): string | undefined {
  return candidates.find((each) => each.text !== undefined)?.text;
}
