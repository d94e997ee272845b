import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { z } from "zod";

interface SchemaFile {
  readonly $schema: string;
  /** Definition of each kind. */
  readonly kinds: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, object>>;
}

/** A file of test/golden/schemas, where an unknown field is an error. */
export type SchemaName =
  | "kubernetes-1.33"
  | "kserve-0.21"
  | "ray-serve-2.60"
  | "application-autoscaling-2016-02-06";

function schemaFile(name: SchemaName): SchemaFile {
  const url = new URL(`../golden/schemas/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as SchemaFile;
}

/** What is wrong with a value of a kind, in words; "" when nothing is. KServe's objects hold Kubernetes' own. */
export function schemaProblems(name: SchemaName, kind: string, value: unknown): string {
  const { $schema, kinds, definitions } = schemaFile(name);
  const definition = kinds[kind];
  assert.ok(definition !== undefined, `no schema of a ${kind}`);
  const held = name === "kserve-0.21" ? schemaFile("kubernetes-1.33").definitions : {};
  const schema = z.fromJSONSchema({
    $schema,
    $ref: `#/definitions/${definition}`,
    definitions: { ...held, ...definitions },
  } as Parameters<typeof z.fromJSONSchema>[0]);
  const { error } = schema.safeParse(value);
  return error === undefined ? "" : z.prettifyError(error);
}
