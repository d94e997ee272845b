import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Hello } from "../../shared/control/control.ts";
import { EXIT_CODE_PRECEDENCE, ExitCode } from "../../shared/errors.ts";
import { Histogram } from "../../shared/measurement/histogram.ts";
import { unitsPerTick } from "../../shared/measurement/metric.ts";
import type { Slo } from "../../shared/slo/slo.ts";
import { NS_PER_MS, NS_PER_US } from "../../shared/units.ts";
import type { Plan } from "../plan/plan.ts";
import type { MaxRate } from "../search/procedure.ts";
import {
  type AgentView,
  type ProbeView,
  type Result,
  type RunOutcome,
  toTarget,
} from "../show/result.ts";
import { againstView } from "./against-view.ts";
import { VALID, type Validity, worseOf } from "../validity/validity.ts";
import { findingsOf, findingsView, maxRateView } from "./answer-view.ts";
import { timeLineOf } from "./time-line.ts";
import { lostOf } from "./lost-arrivals.ts";
import { hasFailedTarget } from "./failed-target.ts";
import { listFindings } from "./list-findings.ts";
import { allClasses, metricsView, summaryMs } from "./metrics-view.ts";
import { probeView } from "./probe-view.ts";
import type { DrivenSegment, RunEnd } from "./run-contract.ts";
import { serverView } from "./server-view.ts";
import { sloView } from "./slo-view.ts";

export interface ResultInput {
  readonly plan: Plan;
  readonly model: string;
  readonly againstModel?: string | undefined;
  readonly version: string;
  readonly startedAt: string;
  readonly slo: Slo;
  readonly end: RunEnd;
  readonly directory: string;
  readonly fileNames: readonly string[];
}

/** Purposes whose windows are shown as probes; the rest only prepare the next one. */
const SHOWN = new Set(["ramp", "probe", "focus", "measure", "saturate"]);

/** What a run found, as `result.json` holds it. */
export function resultOf(input: ResultInput): Result {
  const { plan, slo, end } = input;
  const firstStartAtNs = end.driven[0]?.segment.startAtNs ?? 0;
  const { sealedUntilNs } = end;
  const active = end.agentIds.filter((agentId) => !isLost(end, agentId));
  const viewOf = (driven: RunEnd["driven"][number]): ProbeView =>
    probeView({
      driven,
      merge: end.merge.segment(driven.segment.number),
      slo,
      firstStartAtNs,
      sealedUntilNs,
      active,
      server: end.server,
    });
  const shown = shownOf(end);
  const probes = shown.map(viewOf);
  const server = serverView({ end, urls: serverUrlsOf(plan), shown, probes });
  const answer = end.decision.kind === "found" ? end.decision.answer : undefined;
  const validity = validityOf(end, answer);
  const rateGate = rateGateOf(plan, answer);
  const floor = floorOf(end);
  const result = {
    schema: "loadline/result@1" as const,
    loadline: input.version,
    command: plan.command,
    name: plan.name,
    startedAt: input.startedAt,
    durationS: Math.round(end.durationS * 1000) / 1000,
    seed: plan.seed,
    scheduleHash: scheduleHashOf(end),
    outcome: outcomeOf(end),
    validity,
    target: { url: plan.target.url, endpoint: plan.target.endpoint, model: input.model },
    ...againstView(input, probes),
    slo: slo.map(sloView),
    workload: plan.workload,
    agents: agentViews(end),
    maxRate:
      answer === undefined
        ? null
        : maxRateView(withNotes(answer, generatorNotes(answer, end)), findingsOf(end)),
    ...(plan.load.kind === "find"
      ? findingsView(findingsOf(end))
      : listFindings(plan.command, toTarget(probes))),
    ...(floor === undefined ? {} : { floor }),
    ...(rateGate === undefined ? {} : { rateGate }),
    probes,
    timeLine: timeLineOf(end),
    ...(server === undefined ? {} : { server }),
    lost: lostOf(end, plan.seed),
    ...resumptionsOf(end, firstStartAtNs),
    files: { directory: input.directory, names: input.fileNames },
  };
  return { ...result, exitCode: exitCodeOf(result, input) };
}

function serverUrlsOf({ serverMetricsUrls, prometheus }: Plan): readonly string[] {
  return serverMetricsUrls ?? (prometheus === undefined ? [] : [prometheus.url]);
}

/** A window that a killed coordinator left was repeated, and is not told of. */
function shownOf({ driven }: RunEnd): readonly DrivenSegment[] {
  return driven.filter(({ request, isCutOff }) => SHOWN.has(request.purpose) && !isCutOff);
}

function resumptionsOf(end: RunEnd, firstStartAtNs: number): Pick<Result, "resumptions"> {
  if (end.resumptions.length === 0) return {};
  return {
    resumptions: end.resumptions.map(({ incarnation, segment, atNs, openCount }) => ({
      incarnation,
      voidSegment: segment ?? null,
      atS: Math.max(0, Math.round((atNs - firstStartAtNs) / NS_PER_MS) / 1000),
      unknownCount: openCount,
    })),
  };
}

/** When several codes hold, the first of 130, 2, 3, 4, 99, 5 wins. */
function exitCodeOf(
  result: Omit<Result, "exitCode">,
  { plan, end }: Pick<ResultInput, "plan" | "end">,
): ExitCode {
  const { outcome, rateGate, probes } = result;
  const verdicts = plan.command === "run" ? probes.map((probe) => probe.verdict) : [];
  const holds: Readonly<Partial<Record<ExitCode, boolean>>> = {
    [ExitCode.Interrupted]: outcome.kind === "interrupted",
    [ExitCode.TargetUnusable]:
      nothingSucceeded(end) || hasFailedTarget(probes, plan.slo.length > 0),
    [ExitCode.MeasurementInvalid]: isNotMeasured(result),
    [ExitCode.GateFailed]:
      outcome.kind === "hopeless" || rateGate?.held === false || verdicts.includes("violated"),
    [ExitCode.Inconclusive]: outcome.kind === "inconclusive" || verdicts.includes("undecided"),
  };
  return EXIT_CODE_PRECEDENCE.find((code) => holds[code] === true) ?? ExitCode.Done;
}

/** The generator stands between the target and its figures. */
function isNotMeasured({ outcome, validity, maxRate }: Omit<Result, "exitCode">): boolean {
  return (
    validity.verdict === "invalid" ||
    maxRate?.limitedBy === "generator" ||
    outcome.kind === "agents-lost"
  );
}

/** Of all that was sent, in windows that are shown and others: a target that answers no request carries no rate either. */
function nothingSucceeded({ agentIds, merge }: RunEnd): boolean {
  const totals = agentIds.map((agentId) => merge.totalsOf(agentId).totals);
  return totals.some(({ fired }) => fired > 0) && totals.every(({ ok }) => ok === 0);
}

/** Who stood between the search and its answer, and why. */
function generatorNotes({ limitedBy }: MaxRate, end: RunEnd): readonly string[] {
  const last = lastVoid(end);
  if (limitedBy !== "generator" || last === undefined) return [];
  const by =
    last.isOfTarget === true ? "the target could not be measured" : "limited by the generator";
  return last.reasons.map((reason) => `${by}: ${reason}`);
}

/** A void window of a search was repeated, so it does not spoil the answer; one of `run` is the answer. */
function validityOf(end: RunEnd, answer: MaxRate | undefined): Validity {
  const measured = shownOf(end).filter(({ request }) => request.purpose === "measure");
  const ofWindows = measured.reduce((worst, each) => worseOf(worst, each.validity), VALID);
  const problems: Validity =
    end.merge.problems.length === 0
      ? VALID
      : { verdict: "invalid", reasons: end.merge.problems.slice(0, 5) };
  // What the search took for valid, and the records say otherwise.
  const foundLater = end.driven
    .filter(({ judged, judgedValidity }) => judged !== undefined && judgedValidity !== "invalid")
    .map(({ validity }) => validity)
    .filter(({ verdict }) => verdict === "invalid")
    .reduce(worseOf, VALID);
  const suspect = end.driven
    .filter(({ validity }) => validity.verdict === "suspect")
    .reduce((worst, each) => worseOf(worst, each.validity), VALID);
  // The generator stood between the search and its answer.
  const spoilt =
    answer?.limitedBy === "generator" || (end.decision.kind === "inconclusive" && mostlyVoid(end));
  const generator: Validity = spoilt ? spoiltValidity(end, answer) : VALID;
  return [ofWindows, problems, foundLater, suspect, generator].reduce(worseOf);
}

function mostlyVoid(end: RunEnd): boolean {
  const shown = shownOf(end);
  const voided = shown.filter(({ validity }) => validity.verdict === "invalid");
  return 2 * voided.length >= shown.length && voided.length > 0;
}

/** What voided windows, or else what kept the search from going on. */
function spoiltValidity(end: RunEnd, answer: MaxRate | undefined): Validity {
  const { reasons = [], isOfTarget } = lastVoid(end) ?? {};
  return {
    verdict: "invalid",
    reasons: reasons.length > 0 ? reasons : (answer?.notes.slice(-1) ?? []),
    ...(isOfTarget === true ? { isOfTarget } : {}),
  };
}

function lastVoid(end: RunEnd): Validity | undefined {
  return end.driven.filter(({ validity }) => validity.verdict === "invalid").at(-1)?.validity;
}

function outcomeOf({ decision }: RunEnd): RunOutcome {
  switch (decision.kind) {
    case "hopeless":
    case "inconclusive":
      return { kind: decision.kind, reason: decision.reason };
    case "agents-lost":
      return { kind: decision.kind, reason: decision.reason };
    case "interrupted":
      return { kind: "interrupted", reason: "" };
    case "found":
    case "finished":
      return { kind: decision.kind, reason: "" };
  }
}

function withNotes(answer: MaxRate, notes: readonly string[]): MaxRate {
  return { ...answer, notes: [...answer.notes, ...notes] };
}

function rateGateOf(plan: Plan, answer: MaxRate | undefined): Result["rateGate"] {
  const gate = plan.load.kind === "find" ? plan.load.rateGatePerSecond : undefined;
  if (gate === undefined) return undefined;
  return { requestsPerSecond: gate, held: (answer?.lowPerSecond ?? 0) >= gate };
}

/** What one request at a time takes: a search's calibration, a sweep's first window. */
function floorOf(end: RunEnd): Result["floor"] {
  const serial = end.driven.find(
    ({ request, isCutOff }) =>
      (request.purpose === "calibrate" || request.mode.kind === "serial") && !isCutOff,
  );
  if (serial === undefined) return undefined;
  const { ttftMs, e2eMs } = metricsView(
    allClasses(end.merge.segment(serial.segment.number).classes),
  );
  return { ttftMs, e2eMs };
}

function scheduleHashOf(end: RunEnd): string | null {
  const hashes = end.driven.map((driven) => driven.windowHash).filter((hash) => hash !== "");
  return hashes.length === 0 ? null : bytesToHex(sha256(utf8ToBytes(hashes.join("\n"))));
}

function agentViews(end: RunEnd): AgentView[] {
  return end.agentIds.map((agentId) => agentView(end, agentId));
}

function agentView(end: RunEnd, agentId: string): AgentView {
  const member = end.roster.get(agentId);
  const sendDelay = new Histogram(unitsPerTick("send_delay"));
  for (const { segment } of end.driven) {
    const part = end.merge.segment(segment.number).agents.get(agentId);
    if (part !== undefined) sendDelay.add(part.sendDelay);
  }
  return {
    id: agentId,
    host: member?.hello.host ?? "",
    firedCount: end.merge.totalsOf(agentId).totals.fired,
    sendDelayMs: summaryMs(sendDelay),
    ...healthView(end.merge.healthOf(agentId)),
    ...carriedView(member?.hello),
    clockErrorBoundMs: (member?.clockOffset?.errorBoundNs ?? 0) / NS_PER_MS,
    lost: isLost(end, agentId),
  };
}

function isLost({ roster }: RunEnd, agentId: string): boolean {
  return roster.get(agentId)?.lost ?? true;
}

function healthView(
  health: ReturnType<RunEnd["merge"]["healthOf"]>,
): Pick<AgentView, "eventLoopDelayMs" | "cpuSeconds"> {
  if (health === undefined) return {};
  return {
    eventLoopDelayMs: summaryMs(health.eventLoopDelay),
    cpuSeconds: Math.round(health.cpuSeconds * 1000) / 1000,
  };
}

/** What the agent found of itself before the run; nothing where it was not measured. */
function carriedView(
  hello: Hello | undefined,
): Pick<AgentView, "floor" | "cleanRatePerSecond" | "cleanTokensPerSecond"> {
  if (hello?.floor === undefined) return {};
  const { floor, cleanRatePerSecond, cleanTokensPerSecond } = hello;
  return {
    cleanRatePerSecond: Math.round(cleanRatePerSecond),
    cleanTokensPerSecond: Math.round(cleanTokensPerSecond),
    floor: {
      ttftP50Ms: msOf(floor.ttftP50Ns),
      ttftP99Ms: msOf(floor.ttftP99Ns),
      gapErrorP99Ms: msOf(floor.gapErrorP99Ns),
      itlErrorP99Ms: msOf(floor.itlErrorP99Ns),
      sendDelayP50Ms: msOf(floor.sendDelayP50Ns),
      sendDelayP99Ms: msOf(floor.sendDelayP99Ns),
    },
  };
}

/** To 1 µs. */
function msOf(ns: number): number {
  return Math.round(ns / NS_PER_US) / 1000;
}
