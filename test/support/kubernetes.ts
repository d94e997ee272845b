import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { schemaProblems } from "./closed-schema.ts";

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

/** The objects of a manifest, each by Kubernetes' own schema, where an unknown field is an error. */
export function readManifest(text: string): readonly Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true })
    .filter(({ contents }) => contents !== null)
    .map((document) => {
      assert.deepEqual(document.errors, []);
      const object = document.toJS() as Manifest;
      assert.equal(
        schemaProblems("kubernetes-1.33", object.kind, object),
        "",
        `${object.kind} ${object.metadata.name}`,
      );
      return object;
    });
}
