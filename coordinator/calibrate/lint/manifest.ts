import { LineCounter, parseAllDocuments, parseDocument } from "yaml";
import { ExitCode, LoadError } from "../../../shared/errors.ts";

/** A tree of plain YAML values. */
export type Tree = Readonly<Record<string, unknown>>;

/** One object of a file of manifests. */
export interface Manifest {
  readonly kind: string;
  readonly name: string;
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly tree: Tree;
}

/**
 * Every object of a YAML file: several documents, lists and empty documents included.
 *
 * @throws LoadError LL_MANIFEST_INVALID with the line of what is no YAML, or no object.
 */
export function readManifests(text: string, file: string): readonly Manifest[] {
  const lineCounter = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter });
  if (!Array.isArray(documents)) return [];
  return documents.flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) {
      const { line } = lineCounter.linePos(error.pos[0]);
      throw invalid(file, `line ${line} is no YAML: ${error.message.split("\n")[0] ?? ""}`);
    }
    const line = lineCounter.linePos(document.contents?.range[0] ?? 0).line;
    const value = plain(() => document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown, {
      file,
      line,
    });
    if (value === null || value === undefined) return [];
    if (!isTree(value)) throw invalid(file, `line ${line} begins no object`);
    return manifestsOf(value, { file, line });
  });
}

/** Against a file of a few lines that stands for gigabytes. */
const ALIASES_MAX = 100;

function plain(read: () => unknown, place: Place): unknown {
  try {
    return read();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalid(place.file, `the document of line ${place.line} cannot be read: ${why}`);
  }
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value at a path of keys and places; undefined where it ends early. */
export function at(tree: unknown, ...path: readonly (string | number)[]): unknown {
  let value = tree;
  for (const key of path) {
    if (typeof key === "number")
      value = Array.isArray(value) ? (value as unknown[])[key] : undefined;
    else value = isTree(value) ? value[key] : undefined;
  }
  return value;
}

export function listAt(tree: unknown, ...path: readonly string[]): readonly unknown[] {
  const value = at(tree, ...path);
  return Array.isArray(value) ? (value as unknown[]) : [];
}

/** Text, or a number or a boolean as it is written; undefined for anything else. */
export function textAt(tree: unknown, ...path: readonly string[]): string | undefined {
  const value = at(tree, ...path);
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

/** A number, also when written as text ("24", as KEDA wants it) or as a quantity of thousandths ("1500m"). */
export function numberAt(tree: unknown, ...path: readonly string[]): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(textAt(tree, ...path) ?? "");
  if (match === null) return undefined;
  return Number(match[1]) / (match[2] === "m" ? 1_000 : 1);
}

interface Place {
  readonly file: string;
  readonly line: number;
}

function manifestsOf(tree: Tree, place: Place): readonly Manifest[] {
  if (tree["kind"] === "List")
    return listAt(tree, "items").flatMap((item) => (isTree(item) ? manifestsOf(item, place) : []));
  // A Ray Serve config is no Kubernetes object.
  const kind =
    textAt(tree, "kind") ?? (Array.isArray(tree["applications"]) ? "Ray Serve config" : "");
  return [
    {
      kind,
      name: textAt(tree, "metadata", "name") ?? "",
      line: place.line,
      tree: kind === "RayService" ? withServeConfig(tree, place) : tree,
    },
  ];
}

/** KubeRay holds a Ray Serve config as text; here it is the tree that the text says. */
function withServeConfig(tree: Tree, place: Place): Tree {
  const text = at(tree, "spec", "serveConfigV2");
  if (typeof text !== "string") return tree;
  const document = parseDocument(text);
  const [error] = document.errors;
  const problem = `spec.serveConfigV2 of the RayService of line ${place.line} is no`;
  if (error !== undefined)
    throw invalid(place.file, `${problem} YAML: ${error.message.split("\n")[0] ?? ""}`);
  const serve = plain(() => document.toJS({ maxAliasCount: ALIASES_MAX }) as unknown, place);
  if (!isTree(serve)) throw invalid(place.file, `${problem} object`);
  return { ...tree, spec: { ...(tree["spec"] as Tree), serveConfigV2: serve } };
}

export function invalid(file: string, problem: string): LoadError {
  return new LoadError(`${file}: ${problem}`, {
    code: "LL_MANIFEST_INVALID",
    hint: "give a YAML file with an autoscaler in it: a ScaledObject, an HPA v2, a Knative Service, an InferenceService, a RayService or a Ray Serve config",
    exitCode: ExitCode.PlanInvalid,
  });
}
