import { ExitCode, LoadError } from "../../shared/errors.ts";
import { exchangePlainly, type TargetAccess } from "./plain-exchange.ts";
import { requestHeaders } from "./request-headers.ts";
import { assertAnswered, bodyText, targetError } from "./target-errors.ts";

const MODELS_PATH = "/models";
/** How many names an error repeats. */
const NAMES_SHOWN_MAX = 10;

/**
 * The ids that `GET /v1/models` lists, in the server's order. Sends this one request and nothing else.
 *
 * @throws LoadError LL_TARGET_UNREACHABLE, _NOT_HTTP, _TLS, _TIMEOUT, _REFUSES, or _NO_MODELS when the answer is no list.
 */
export async function listModels(access: TargetAccess): Promise<readonly string[]> {
  const { answer } = await exchangePlainly(access, {
    method: "GET",
    path: MODELS_PATH,
    headers: requestHeaders({
      headers: access.headers ?? {},
      apiKey: access.apiKey,
      accept: "application/json",
    }),
  });
  assertAnswered({ access, what: `GET ${MODELS_PATH}` }, answer);
  const ids = modelIds(bodyText(answer));
  if (ids === undefined) {
    throw targetError(
      "LL_TARGET_NO_MODELS",
      `asked ${access.url} for GET ${MODELS_PATH}, and the answer is no list of models`,
      "name the model with --model, and check that --target is the base URL of an OpenAI-compatible server",
    );
  }
  return ids;
}

/**
 * The model to ask for: `wanted` when the server lists it, or its only one.
 *
 * @throws LoadError LL_MODEL_AMBIGUOUS when several are listed (or none) and none is wanted, LL_MODEL_UNKNOWN when the
 * wanted one is not among them.
 */
export function pickModel(models: readonly string[], wanted: string | undefined): string {
  const shown = models.slice(0, NAMES_SHOWN_MAX).join(", ");
  const list = models.length > NAMES_SHOWN_MAX ? `${shown}, …` : shown;
  if (wanted !== undefined) {
    if (!models.includes(wanted)) {
      throw new LoadError(
        `the model ${JSON.stringify(wanted)} is asked for, and the target serves ${list === "" ? "none" : list}`,
        {
          code: "LL_MODEL_UNKNOWN",
          hint: "give --model one of the names that the target lists",
          exitCode: ExitCode.TargetUnusable,
        },
      );
    }
    return wanted;
  }
  const [only] = models;
  if (only === undefined || models.length > 1) {
    throw new LoadError(
      models.length === 0
        ? "no model is named, and the target lists none"
        : `no model is named, and the target serves ${models.length}: ${list}`,
      {
        code: "LL_MODEL_AMBIGUOUS",
        hint: "name one with --model",
        exitCode: ExitCode.PlanInvalid,
      },
    );
  }
  return only;
}

function modelIds(text: string): readonly string[] | undefined {
  const list = parse(text);
  const entries = isRecord(list) ? list["data"] : undefined;
  if (!Array.isArray(entries)) {
    return undefined;
  }
  const ids = entries.map((entry: unknown) => (isRecord(entry) ? entry["id"] : undefined));
  return ids.filter((id): id is string => typeof id === "string" && id !== "");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
