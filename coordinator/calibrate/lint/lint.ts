import { invalid, type Manifest, numberAt, readManifests } from "./manifest.ts";
import { type Finding, findingsOf, RULES } from "./rules.ts";
import { triggersOf } from "./trigger.ts";
import { unknownFields } from "./unknown-fields.ts";

export interface LintedManifest {
  readonly kind: string;
  readonly name: string;
  readonly line: number;
  readonly findings: readonly Finding[];
  /** What was not checked, and fields that a cluster would drop. */
  readonly notes: readonly string[];
}

export interface LintReport {
  readonly file: string;
  readonly manifests: readonly LintedManifest[];
  readonly findingCount: number;
}

/**
 * Every manifest of a file against every rule.
 *
 * @param options.knee the most requests of one replica within the SLO, where the manifest itself does not say
 *   (`loadline/knee`).
 * @throws LoadError LL_MANIFEST_INVALID when it is no YAML, or when no manifest in it scales anything.
 */
export function lint(
  text: string,
  { file, knee }: { readonly file: string; readonly knee: number | undefined },
): LintReport {
  const manifests = readManifests(text, file);
  if (manifests.every((manifest) => triggersOf(manifest) === undefined)) {
    const kinds = manifests.map(({ kind }) => (kind === "" ? "an object without a kind" : kind));
    throw invalid(
      file,
      kinds.length === 0 ? "it is empty" : `no autoscaler among ${kinds.join(", ")}`,
    );
  }
  const linted = manifests.map((manifest) => lintOne(manifest, knee));
  return {
    file,
    manifests: linted,
    findingCount: linted.reduce((sum, { findings }) => sum + findings.length, 0),
  };
}

function lintOne(manifest: Manifest, stated: number | undefined): LintedManifest {
  const { kind, name, line, tree } = manifest;
  const triggers = triggersOf(manifest);
  const told = { kind: kind === "" ? "(no kind)" : kind, name, line };
  if (triggers === undefined)
    return { ...told, findings: [], notes: ["is no autoscaler that is known here: not checked"] };
  const knee = stated ?? numberAt(tree, "metadata", "annotations", "loadline/knee");
  return {
    ...told,
    findings: findingsOf({ manifest, triggers, knee }),
    notes: [
      ...unknownFields(manifest).map(
        (path) =>
          `${path} is no field of ${/^[AEIO]/.test(kind) ? "an" : "a"} ${kind}: a cluster drops it`,
      ),
      ...(triggers.length === 0 ? ["it follows no metric"] : []),
      ...(knee === undefined
        ? [`rule H (${RULES.H}) was not checked: give --calibration or --knee`]
        : []),
    ],
  };
}
