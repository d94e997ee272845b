import { z } from "zod";
import { COMMON_FIELDS, FIND_FIELDS, RUN_FIELDS, SWEEP_FIELDS } from "./fields.ts";

/** JSON Schema of a plan file, for editors that complete and check as one types. What is not built yet is left out. */
export function planJsonSchema(): Record<string, unknown> {
  const fields = { ...COMMON_FIELDS, ...FIND_FIELDS, ...RUN_FIELDS, ...SWEEP_FIELDS };
  const plan = z.strictObject(fields).partial().meta({
    title: "Loadline plan",
    description:
      "A plan file of `loadline find`, `loadline run` and `loadline sweep`: flags win over it.",
  });
  return z.toJSONSchema(plan, { io: "input" });
}
