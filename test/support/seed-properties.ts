import fc from "fast-check";

// Loaded before every test file: properties draw the same cases each time, so that a red run can be run again.
// LOADLINE_TEST_SEED=… draws others; a property that names its own seed keeps it.
const seed = Number(process.env["LOADLINE_TEST_SEED"] ?? 20_261_125);
fc.configureGlobal({ seed });
