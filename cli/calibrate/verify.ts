import type { Command } from "commander";
import { type Calibration, calibrate } from "../../coordinator/calibrate/calibration.ts";
import { StageTally } from "../../coordinator/calibrate/stage-tally.ts";
import { type Verified, verifiedOf } from "../../coordinator/calibrate/verified.ts";
import {
  rampDurationS,
  type ReplicaPlan,
  type VerifyRamp,
} from "../../coordinator/calibrate/verify-ramp.ts";
import { parsePlan } from "../../coordinator/plan/parse.ts";
import type { Plan } from "../../coordinator/plan/plan.ts";
import { readDurationS, readRate, readWhole } from "../../coordinator/plan/quantities.ts";
import type { RecordedPlan } from "../../coordinator/plan/recorded-plan.ts";
import { requireTold } from "../../coordinator/rescore/rescore.ts";
import type { ServerEntry } from "../../coordinator/server/entry.ts";
import { ServerLog } from "../../coordinator/server/server-log.ts";
import type { Result } from "../../coordinator/show/result.ts";
import { verifiedDocument } from "../../coordinator/show/verified.ts";
import { readRequests, readServerLog } from "../../coordinator/store/run-folder.ts";
import { ExitCode, LoadError } from "../../shared/errors.ts";
import { parseSlo } from "../../shared/slo/grammar.ts";
import type { Slo } from "../../shared/slo/slo.ts";
import { flagInvalid, valueOf } from "../flag-invalid.ts";
import { measurePlan } from "../measure.ts";
import { readPlan, readResultOfOne } from "../read-run.ts";
import { DOCUMENT_FORMATS, requireFormat, shownAs } from "../show-document.ts";
import { readVersion } from "../version.ts";
import { windowBoundsOf } from "../window-bounds.ts";
import { addDelayFlags, calibrationOptionsOf, type DelayFlags, replicaBoundsOf } from "./flags.ts";

interface VerifyFlags extends DelayFlags {
  readonly target?: string;
  readonly serverMetrics?: readonly string[];
  readonly prometheus?: string;
  readonly prometheusMatch?: string;
  readonly agents?: string;
  readonly from?: string;
  readonly to?: string;
  readonly duration?: string;
  readonly stages: string;
  readonly out?: string;
  readonly format: string;
  readonly json?: true;
}

const STAGES = { min: 1, max: 1_000 };
/** As long as an agent fires by default. */
const RAMP_S = { min: 1, max: 86_400 };

/** `loadline calibrate verify RUN`: a ramp on a fleet with its autoscaler on, held against what the calibration promises. */
export function addVerifyCommand(calibrateCommand: Command): void {
  addDelayFlags(calibrateCommand.command("verify"))
    .description("measure a ramp on a fleet with its autoscaler on: SLO attainment and replicas")
    .argument("<run>", "the folder of the run that was calibrated")
    .option("--target <url>", "the fleet's endpoint (default: the run's)")
    .option("--server-metrics <url...>", "where replicas are counted: their name, or a gateway")
    .option("--prometheus <url>", "instead: a Prometheus server that scrapes them")
    .option("--prometheus-match <matchers>", 'the fleet there, e.g. namespace="prod"')
    .option("--agents <n>", "local agent processes (default: who sent for the run)")
    .option("--from <rate>", "where the ramp begins (default: planned × --min-replicas)")
    .option("--to <rate>", "where it ends (default: planned × --max-replicas)")
    .option("--duration <duration>", "of the ramp (default: as steep as --growth at its start)")
    .option("--stages <n>", "parts that the ramp is told in", "6")
    .option("--out <dir>", "run folder of the ramp (default: runs/<time>-<name>)")
    .option("--format <format>", "text, html, json or markdown", "text")
    .option("--json", "as --format json")
    .action(async (directory: string, flags: VerifyFlags) => {
      const format = flags.json === true ? "json" : flags.format;
      // Before a ramp that takes the better part of an hour, not behind it.
      requireFormat(format, DOCUMENT_FORMATS);
      const verified = await verifyRun(directory, flags);
      process.stdout.write(
        shownAs(format, { document: verifiedDocument(verified), json: verified }),
      );
      process.exitCode = verified.exitCode;
    });
}

async function verifyRun(calibrated: string, flags: VerifyFlags): Promise<Verified> {
  const options = calibrationOptionsOf(flags);
  const stageCount = valueOf("--stages", readWhole(flags.stages, STAGES));
  const bounds = replicaBoundsOf(flags);
  requireObserved(flags);
  const calibration = calibrate(await readResultOfOne(calibrated), options);
  const replicas = { plannedPerSecond: calibration.plannedPerSecond, ...bounds };
  const ramp = rampOf(flags, calibration, replicas);
  const recorded = await readPlan(calibrated);
  const slo = parseSlo(recorded.slo);
  requireTold(
    slo,
    recorded.workload.classes.map(({ name }) => name),
  );
  const result = believed(await measurePlan(planOf(recorded, ramp, flags)));
  const tally = await tallyOf(result, slo, stageCount);
  return verifiedOf({
    loadline: readVersion(),
    calibrated,
    calibration,
    plan: replicas,
    ramp,
    result,
    slo,
    ...tally.counted(),
    fleet: await serverLogOf(result.files.directory),
  });
}

function requireObserved({ serverMetrics, prometheus }: VerifyFlags): void {
  if (serverMetrics !== undefined || prometheus !== undefined) return;
  throw flagInvalid(
    "the replicas of the fleet are to be counted, and nothing tells of them",
    "give --server-metrics with a name that has an address for each replica, such as that of a headless service, or a gateway's; or --prometheus",
  );
}

function rampOf(flags: VerifyFlags, calibration: Calibration, plan: ReplicaPlan): VerifyRamp {
  const { plannedPerSecond, minReplicas, maxReplicas } = plan;
  const asked = (flag: string, text: string | undefined, otherwise: number): number =>
    text === undefined ? significant(otherwise) : valueOf(flag, readRate(text));
  const fromPerSecond = asked("--from", flags.from, plannedPerSecond * minReplicas);
  const toPerSecond = asked("--to", flags.to, plannedPerSecond * maxReplicas);
  if (fromPerSecond >= toPerSecond)
    throw flagInvalid(
      `the ramp is to rise from ${fromPerSecond} to ${toPerSecond} requests/s`,
      "give a --to above --from, or a --max-replicas above --min-replicas",
    );
  if (flags.duration !== undefined)
    return {
      fromPerSecond,
      toPerSecond,
      durationS: valueOf("--duration", readDurationS(flags.duration, RAMP_S)),
    };
  const { growthPerSecond } = calibration;
  const durationS = Math.ceil(rampDurationS({ fromPerSecond, toPerSecond }, growthPerSecond));
  if (Number.isFinite(durationS)) return { fromPerSecond, toPerSecond, durationS };
  throw flagInvalid("with --growth 0 a ramp takes for ever", "give --duration");
}

async function tallyOf(result: Result, slo: Slo, stageCount: number): Promise<StageTally> {
  const { directory } = result.files;
  const [window] = await windowBoundsOf(directory, result);
  if (window === undefined) throw voidRamp(result, ["it left no window"]);
  const tally = new StageTally(slo, window, stageCount);
  for await (const request of readRequests(directory)) tally.add(request);
  return tally;
}

/** What a person would have typed. */
function significant(ratePerSecond: number): number {
  return Number(ratePerSecond.toPrecision(4));
}

/** The calibrated run's own requests and SLO, at the fleet, in one rising window. */
function planOf(recorded: RecordedPlan, ramp: VerifyRamp, flags: VerifyFlags): Plan {
  const typed = parsePlan({
    command: "run",
    flags: {
      target: flags.target ?? recorded.target.url,
      slo: recorded.slo,
      arrivals: `ramp:${ramp.fromPerSecond}:${ramp.toPerSecond}`,
      duration: `${ramp.durationS}s`,
      name: `${recorded.name}-verify`,
      ...definedOnly({
        serverMetrics: flags.serverMetrics,
        prometheus: flags.prometheus,
        prometheusMatch: flags.prometheusMatch,
        agents: flags.agents,
        out: flags.out,
      }),
    },
    readText: () => "",
  });
  return {
    ...typed,
    target: { ...recorded.target, url: typed.target.url, model: recorded.model },
    workload: recorded.workload,
    seed: recorded.seed,
    placement: flags.agents === undefined ? recorded.placement : typed.placement,
    isAutoscaled: true,
  };
}

function definedOnly(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** What a verdict on the fleet cannot be taken from. */
const VOID: readonly ExitCode[] = [
  ExitCode.Interrupted,
  ExitCode.PlanInvalid,
  ExitCode.TargetUnusable,
  ExitCode.MeasurementInvalid,
];

function believed(result: Result): Result {
  if (!VOID.includes(result.exitCode)) return result;
  const { outcome, validity } = result;
  throw voidRamp(result, validity.reasons.length > 0 ? validity.reasons : [outcome.reason]);
}

function voidRamp(result: Result, reasons: readonly string[]): LoadError {
  const why = reasons.filter((reason) => reason !== "").join("; ") || answeredText(result);
  return new LoadError(`the ramp was to be judged, and nothing can be taken from it: ${why}`, {
    code: "LL_VERIFY_VOID",
    hint: `what was measured is in ${result.files.directory}: see \`loadline report\`, and measure again`,
    exitCode: result.exitCode,
  });
}

function answeredText({ outcome, probes }: Result): string {
  const counts = probes[0]?.countsByOutcome;
  if (outcome.kind !== "finished" || counts === undefined) return outcome.kind;
  return `${counts.ok} of ${counts.fired} requests ended well`;
}

async function serverLogOf(directory: string): Promise<ServerLog> {
  const log = new ServerLog();
  for await (const entry of readServerLog(directory) as AsyncIterable<unknown>)
    log.add(entry as ServerEntry);
  return log;
}
