#!/usr/bin/env node
import { explainFailure } from "./failure.ts";
import { buildProgram } from "./program.ts";

try {
  await buildProgram().parseAsync();
} catch (error) {
  process.exitCode = explainFailure(error);
}
