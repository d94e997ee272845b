import { percent, VERDICT_WORDS } from "./format.ts";
import { headline, load, sloText } from "./headline.ts";
import { lines, markup, NO_MARKUP, type Markup } from "./markup.ts";
import type { ProbeView, Result } from "./result.ts";
import { validityLines, validityWords } from "./validity-lines.ts";

/** A promise, and what became of it: one that was broken is a failure; what could not be decided is an error. */
export interface TestCase {
  readonly name: string;
  readonly timeS: number;
  readonly verdict: { readonly tag: "failure" | "error"; readonly message: string } | undefined;
}

export interface TestSuite {
  readonly name: string;
  /** The command: groups the cases. */
  readonly className: string;
  readonly timeS: number;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly headline: string;
  readonly cases: readonly TestCase[];
}

/**
 * JUnit XML for a CI server: one case for the validity, and one for the answer of a search or for each clause of
 * each window of a run.
 */
export function renderJunit(result: Result): string {
  return renderSuite({
    name: result.name,
    className: result.command,
    timeS: result.durationS,
    startedAt: result.startedAt,
    headline: headline(result),
    cases: [validityCase(result), ...answerCases(result)],
  });
}

/** A suite of cases as JUnit XML. */
export function renderSuite(suite: TestSuite): string {
  const { cases } = suite;
  const tagged = (tag: "failure" | "error"): number =>
    cases.filter((each) => each.verdict?.tag === tag).length;
  const written = lines([
    markup`<?xml version="1.0" encoding="UTF-8"?>`,
    markup`<testsuites>`,
    markup`<testsuite name="${suite.name}" tests="${cases.length}" failures="${tagged("failure")}" errors="${tagged("error")}" time="${suite.timeS}" timestamp="${suite.startedAt}">`,
    ...cases.map((each) => writeCase(suite.className, each)),
    markup`<system-out>${suite.headline}</system-out>`,
    markup`</testsuite>`,
    markup`</testsuites>`,
  ]);
  return `${written.markup}\n`;
}

function writeCase(className: string, each: TestCase): Markup {
  const { verdict } = each;
  return markup`<testcase classname="${className}" name="${each.name}" time="${each.timeS}">${
    verdict === undefined ? NO_MARKUP : writeVerdict(verdict)
  }</testcase>`;
}

function writeVerdict({ tag, message }: NonNullable<TestCase["verdict"]>): Markup {
  return tag === "failure"
    ? markup`<failure message="${message}"/>`
    : markup`<error message="${message}"/>`;
}

function validityCase(result: Result): TestCase {
  const { verdict } = result.validity;
  const message = [validityWords(result), ...validityLines(result)].join("; ");
  return {
    name: "validity",
    timeS: 0,
    verdict: verdict === "invalid" ? { tag: "error", message } : undefined,
  };
}

function answerCases(result: Result): readonly TestCase[] {
  if (result.command === "find") return [searchCase(result), ...gateCase(result)];
  // A sweep goes where the SLO breaks on purpose: it measures, and judges nothing.
  if (result.command === "sweep" && result.outcome.kind === "finished") {
    return [{ name: "measured", timeS: result.durationS, verdict: undefined }];
  }
  if (result.probes.length === 0) {
    return [{ name: "measured", timeS: 0, verdict: { tag: "error", message: headline(result) } }];
  }
  return result.probes.flatMap(clauseCases);
}

function searchCase(result: Result): TestCase {
  const tag = result.outcome.kind === "hopeless" ? "failure" : "error";
  return {
    name: `a rate meets ${sloText(result)}`,
    timeS: result.durationS,
    verdict: result.maxRate === null ? { tag, message: headline(result) } : undefined,
  };
}

function gateCase(result: Result): readonly TestCase[] {
  const { rateGate } = result;
  if (rateGate === undefined) return [];
  return [
    {
      name: `at least ${rateGate.requestsPerSecond} requests/s`,
      timeS: 0,
      verdict: rateGate.held ? undefined : { tag: "failure", message: headline(result) },
    },
  ];
}

function clauseCases(probe: ProbeView): readonly TestCase[] {
  if (probe.clauses.length === 0) {
    return [{ name: load(probe), timeS: probe.durationS, verdict: undefined }];
  }
  return probe.clauses.map((clause) => {
    const over = clause.overFraction === null ? "" : ` (${percent(clause.overFraction)})`;
    const isVoid = probe.validity.verdict === "invalid";
    const word = isVoid ? "VOID" : VERDICT_WORDS[clause.verdict];
    const message = `${word}: ${clause.overCount} of ${clause.total}${over} over the limit`;
    const tag = clause.verdict === "violated" && !isVoid ? "failure" : "error";
    return {
      name: `${load(probe)}: ${clause.text}`,
      timeS: probe.durationS,
      verdict: clause.verdict === "met" && !isVoid ? undefined : { tag, message },
    };
  });
}
