import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { z } from "zod";

export type Labels = Readonly<Record<string, string>>;

/** What tests look at in a pod; its whole shape is the schema's affair. */
export interface Pod {
  readonly automountServiceAccountToken: boolean;
  readonly securityContext: { readonly runAsNonRoot: boolean };
  readonly containers: readonly {
    readonly name: string;
    readonly args?: readonly string[];
    readonly securityContext: {
      readonly readOnlyRootFilesystem: boolean;
      readonly allowPrivilegeEscalation: boolean;
      readonly capabilities: { readonly drop: readonly string[] };
    };
  }[];
  readonly volumes: readonly {
    readonly secret?: {
      readonly secretName: string;
      readonly items: readonly { readonly key: string; readonly path: string }[];
    };
  }[];
}

/** Any object of a manifest. */
export interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec?: {
    readonly template?: { readonly metadata: { readonly labels: Labels }; readonly spec: Pod };
    /** Of a Service it is the labels themselves. */
    readonly selector?: Labels & { readonly matchLabels?: Labels };
    readonly podSelector?: { readonly matchLabels: Labels };
  };
  readonly data?: Labels;
}

interface SchemaFile {
  readonly $schema: string;
  readonly kinds: Readonly<Record<string, string>>;
  readonly definitions: Readonly<Record<string, object>>;
}

const FILE = new URL("../golden/schemas/kubernetes-1.33.json", import.meta.url);

/** The objects of a manifest, each by Kubernetes' own schema, where an unknown field is an error. */
export function readManifest(text: string): readonly Manifest[] {
  const { $schema, kinds, definitions } = JSON.parse(readFileSync(FILE, "utf8")) as SchemaFile;
  return parseAllDocuments(text, { uniqueKeys: true })
    .filter(({ contents }) => contents !== null)
    .map((document) => {
      assert.deepEqual(document.errors, []);
      const object = document.toJS() as Manifest;
      const definition = kinds[object.kind];
      assert.ok(definition !== undefined, `no schema of a ${object.kind}`);
      const schema = z.fromJSONSchema({
        $schema,
        $ref: `#/definitions/${definition}`,
        definitions,
      } as Parameters<typeof z.fromJSONSchema>[0]);
      const { error } = schema.safeParse(object);
      assert.equal(
        error === undefined ? "" : z.prettifyError(error),
        "",
        `${object.kind} ${object.metadata.name}`,
      );
      return object;
    });
}
