import { flagInvalid } from "./flag-invalid.ts";

/** What runs are called on the command line: `NAME=FOLDER`, `--price NAME=3.2/h`. */
const NAMED = /^([\w.-]+)=(.+)$/;

/** `NAME=REST` in its parts; undefined where there is no name. */
export function splitNamed(
  text: string,
): { readonly name: string; readonly rest: string } | undefined {
  const [, name, rest] = NAMED.exec(text) ?? [];
  return name === undefined || rest === undefined ? undefined : { name, rest };
}

/**
 * Values of a flag that may be said for each run: `--price 3.2/h` for all of them, `--price int8=2/h` for one.
 *
 * @throws LoadError LL_FLAG_INVALID where there is no run of that name.
 */
export function namedValues(
  flag: string,
  options: { readonly texts: readonly string[]; readonly names: readonly string[] },
): (name: string) => string | undefined {
  const values = new Map<string, string>();
  let forAll: string | undefined;
  for (const text of options.texts) {
    const named = splitNamed(text);
    if (named === undefined) {
      forAll = text;
      continue;
    }
    if (!options.names.includes(named.name)) {
      throw flagInvalid(
        `${flag} names ${named.name}, and no run has that name`,
        `the runs are ${options.names.join(", ")}`,
      );
    }
    values.set(named.name, named.rest);
  }
  return (name) => values.get(name) ?? forAll;
}
