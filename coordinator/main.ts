import { join } from "node:path";
import { deflateSync } from "node:zlib";
import type { NatsConnection } from "@nats-io/transport-node";
import type { Target } from "../shared/control/control.ts";
import type { NkeySigner } from "../shared/platform/nkey.ts";
import { SystemClock } from "../shared/platform/system-clock.ts";
import { NS_PER_SECOND } from "../shared/units.ts";
import { parseSlo } from "../shared/slo/grammar.ts";
import { type ReportServerTls, startReportServer } from "./link/grpc-report-server.ts";
import { natsFleetLink } from "./link/nats-link.ts";
import { admit } from "./plan/admission.ts";
import { parseRecordedPlan, type RecordedPlan } from "./plan/recorded-plan.ts";
import { serverObserver } from "./observe/observer.ts";
import { prometheusObserver } from "./observe/prometheus.ts";
import type { ReportReceiver, ReportServer, RunStore } from "./ports.ts";
import { arrivalsAt, arrivalTemplateOf, type Plan } from "./plan/plan.ts";
import { concludeRun } from "./run/conclude.ts";
import { procedureOf } from "./run/procedure-of.ts";
import { resultOf } from "./run/result-of.ts";
import { replayRun } from "./run/replay.ts";
import { SCRAPE_INTERVAL_S } from "./run/server-view.ts";
import { Run } from "./run/run.ts";
import type { RunEnd, RunEvent, RunOptions } from "./run/run-contract.ts";
import type { RunLedger } from "./run/run-ledger.ts";
import type { EndDecision, TimedEntry } from "./run/run-log.ts";
import type { ServerEntry, ServerObserver } from "./server/entry.ts";
import { renderHtml } from "./show/html.ts";
import { renderJson } from "./show/json.ts";
import type { Result } from "./show/result.ts";
import { histogramLog } from "./store/hlog.ts";
import {
  openRunFolder,
  PLAN_FILE,
  readIntervals,
  readLog,
  readServerLog,
  readRunFile,
  reopenRunFolder,
  RESULT_FILE,
  SERVER_FILE,
  type RunFolderOptions,
} from "./store/run-folder.ts";
import type { TornTail } from "./store/torn.ts";

/** Longest a stream may go on behind its segment before it is given up, s; the search scales its own. */
const DRAIN_MAX_S = 120;
/** The budget that the search's durations are given for, s. */
const SEARCH_BUDGET_S = 300;
/** On one machine a lease arrives within a ms; a fleet gets a second (docs/decisions/0005). */
const LOCAL_ARM_LEAD_NS = 0.3 * NS_PER_SECOND;
/** Agents of a fleet are there; those of this command calibrate themselves first, and one that fails is seen to. */
const GATHER_NS = 15 * NS_PER_SECOND;
const LOCAL_GATHER_NS = 60 * NS_PER_SECOND;
/** A search has its answer when it ends, so it waits for stragglers only this long, s. */
const SEARCH_LAST_DRAIN_S = 3;

export interface ConductOptions {
  readonly plan: Plan;
  readonly target: Target;
  /** Of a plan with `against`. */
  readonly against?: Target | undefined;
  readonly runId: string;
  readonly agentsMin: number;
  readonly connection: NatsConnection;
  readonly fleet: string;
  readonly token: string;
  /** TLS both ways for reports, instead of the token; undefined: none. */
  readonly reportTls?: ReportServerTls | undefined;
  /** Signs what agents are told; undefined: nothing is signed. */
  readonly signer?: NkeySigner | undefined;
  /** Where the report server binds, and what agents are told; "host:port". */
  readonly reportListen: string;
  readonly reportAdvertise: string | undefined;
  /** Must not exist, or be empty. */
  readonly directory: string;
  readonly version: string;
  readonly onEvent: (event: RunEvent) => void;
  readonly interrupt: AbortSignal;
  /** The run that a killed coordinator left in `directory`, to go on with. */
  readonly replayed?: ReplayedRun;
}

/** Conducts one run over agents that are (or will be) in the fleet, and writes its folder. */
export async function conduct(options: ConductOptions): Promise<Result> {
  const { plan, directory, replayed } = options;
  const recorded: RecordedPlan = replayed?.plan ?? {
    ...plan,
    loadline: options.version,
    startedAt: new Date().toISOString(),
    runId: options.runId,
    model: options.target.model,
    ...(options.against === undefined ? {} : { againstModel: options.against.model }),
    directory,
  };
  const store = await (replayed === undefined
    ? openRunFolder(directory, folderOptionsOf(plan))
    : reopenRunFolder(directory, { ...folderOptionsOf(plan), torn: replayed.torn }));
  try {
    if (replayed === undefined) await store.writePlan(recorded);
    const link = natsFleetLink(options);
    const run = new Run(
      runOptionsOf(options),
      {
        clock: new SystemClock(),
        link,
        store,
        startReportServer: (receiver) => reportServerOf(options, receiver),
        observer: observerOf(options),
        onEvent: options.onEvent,
        interrupt: options.interrupt,
      },
      replayed?.ledger,
    );
    const end = await run.execute().finally(() => link.close());
    return await writeResult(store, { plan: recorded, end });
  } finally {
    await store.close();
  }
}

/** A run as its folder tells of it. */
export interface ReplayedRun {
  readonly plan: RecordedPlan;
  readonly ledger: RunLedger<unknown>;
  /** What its coordinator was writing when it was killed. */
  readonly torn: readonly TornTail[];
}

/**
 * Lives the run of a folder through again: nothing is sent, nothing is written.
 *
 * @throws LoadError LL_RUN_NOT_FOUND, LL_RUN_VERSION, LL_RUN_FOLDER_DAMAGED, LL_REPLAY_DIFFERS, LL_REPLAY_INCOMPLETE.
 */
export async function replayFolder(directory: string, version: string): Promise<ReplayedRun> {
  const place = join(directory, PLAN_FILE);
  const recorded = parseRecordedPlan(await readRunFile(directory, PLAN_FILE), { place, version });
  // A folder may have been moved since.
  const plan = { ...recorded, directory };
  const torn: TornTail[] = [];
  const onTorn = (tail: TornTail): void => void torn.push(tail);
  const slo = parseSlo(plan.slo);
  const ledger = await replayRun(
    {
      runId: plan.runId,
      slo,
      procedureOf: (agents) => procedureOf(plan, slo, admit(plan, agents).cleanRatePerSecond),
      isServerObserved: isServerObserved(plan),
    },
    {
      log: readLog(directory, { onTorn }) as AsyncIterable<TimedEntry>,
      reports: readIntervals(directory, { onTorn }),
    },
  );
  if (ledger.server !== undefined) {
    const entries = readServerLog(directory, { onTorn }) as AsyncIterable<unknown>;
    for await (const entry of entries as AsyncIterable<ServerEntry>) ledger.server.add(entry);
  }
  return { plan, ledger, torn };
}

function isServerObserved({ serverMetricsUrls, prometheus }: Plan): boolean {
  return serverMetricsUrls !== undefined || prometheus !== undefined;
}

function observerOf({ plan, target }: ConductOptions): ServerObserver | undefined {
  const { caPem, tlsInsecure } = target;
  const common = { clock: new SystemClock(), tls: { caPem, tlsInsecure } };
  if (plan.prometheus !== undefined)
    return prometheusObserver({ ...common, ...plan.prometheus, wallMs: () => Date.now() });
  if (plan.serverMetricsUrls === undefined) return undefined;
  const intervalNs = SCRAPE_INTERVAL_S * NS_PER_SECOND;
  return serverObserver({ ...common, urls: plan.serverMetricsUrls, intervalNs });
}

/** What `result.json` says of a replayed run, as far as it went. */
export function resultOfReplay({ plan, ledger }: ReplayedRun): Result {
  return resultOfRun({ plan, end: ledger.end() });
}

/** Writes what is missing of a run whose answer was there when its coordinator was killed. */
export async function conclude(replayed: ReplayedRun, decision: EndDecision): Promise<Result> {
  const { plan, ledger, torn } = replayed;
  const store = await reopenRunFolder(plan.directory, { ...folderOptionsOf(plan), torn });
  try {
    return await writeResult(store, { plan, end: await concludeRun(ledger, { decision, store }) });
  } finally {
    await store.close();
  }
}

interface EndedRun {
  readonly plan: RecordedPlan;
  readonly end: RunEnd;
}

async function writeResult(store: RunStore, ended: EndedRun): Promise<Result> {
  const result = resultOfRun(ended);
  await store.writeFile("histograms.hlog", hlogOf(ended.end, ended.plan.startedAt));
  await store.writeFile("report.html", renderHtml(result));
  // The last one: where it is, the run is over.
  await store.writeFile(RESULT_FILE, renderJson(result));
  return result;
}

function resultOfRun({ plan, end }: EndedRun): Result {
  return resultOf({
    plan,
    model: plan.model,
    againstModel: plan.againstModel,
    version: plan.loadline,
    startedAt: plan.startedAt,
    slo: parseSlo(plan.slo),
    end,
    directory: plan.directory,
    fileNames: fileNamesOf(plan),
  });
}

function folderOptionsOf(plan: Plan): RunFolderOptions {
  return {
    records: plan.records,
    classNames: plan.workload.classes.map((each) => each.name),
    server: isServerObserved(plan),
  };
}

function runOptionsOf({
  plan,
  target,
  against,
  runId,
  agentsMin,
  replayed,
}: ConductOptions): RunOptions<unknown> {
  const slo = parseSlo(plan.slo);
  const template = arrivalTemplateOf(plan);
  return {
    runId,
    incarnation: (replayed?.ledger.incarnation ?? 0) + 1,
    seed: plan.seed,
    agentsMin,
    gatherNs: plan.placement.kind === "local" ? LOCAL_GATHER_NS : GATHER_NS,
    onAgentLoss: plan.onAgentLoss,
    target,
    against,
    workload: plan.workload,
    slo,
    admit: (agents) => {
      const { cleanRatePerSecond, inFlightMax } = admit(plan, agents);
      return { procedure: procedureOf(plan, slo, cleanRatePerSecond), inFlightMax };
    },
    arrivalsOf: (ratePerSecond, durationS) => arrivalsAt(template, { ratePerSecond, durationS }),
    drainMaxS: drainMaxS(plan),
    lastDrainMaxS: plan.load.kind === "find" ? SEARCH_LAST_DRAIN_S : drainMaxS(plan),
    keepRecords: plan.records,
    isAutoscaled: plan.isAutoscaled,
    intervalNs: intervalNsOf(plan),
    armLeadNs: plan.placement.kind === "local" ? LOCAL_ARM_LEAD_NS : NS_PER_SECOND,
  };
}

/** 1 s; a search on a short budget cannot wait that long for news (docs/decisions/0005). */
function intervalNsOf({ load }: Plan): number {
  if (load.kind !== "find") return NS_PER_SECOND;
  const scale = Math.min(1, Math.max(0.5, load.timeBudgetS / SEARCH_BUDGET_S));
  return scale * NS_PER_SECOND;
}

function reportServerOf(options: ConductOptions, receiver: ReportReceiver): Promise<ReportServer> {
  const { host, port } = addressOf(options.reportListen);
  const { reportAdvertise, reportTls } = options;
  return startReportServer({
    host,
    port,
    runToken: options.token,
    receiver,
    ...(reportAdvertise === undefined ? {} : { advertise: reportAdvertise }),
    ...(reportTls === undefined ? {} : { tls: reportTls }),
  });
}

/** The search's drains scale with its budget, as all its durations do (120 s at 300 s). */
function drainMaxS({ load }: Plan): number {
  return load.kind === "find" ? (DRAIN_MAX_S * load.timeBudgetS) / SEARCH_BUDGET_S : DRAIN_MAX_S;
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const colon = text.lastIndexOf(":");
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

function fileNamesOf(plan: Plan): readonly string[] {
  const always = ["plan.json", "log.jsonl", "intervals.bin", RESULT_FILE];
  return [
    ...always,
    ...(plan.records ? ["requests.jsonl.zst"] : []),
    ...(isServerObserved(plan) ? [SERVER_FILE] : []),
    "histograms.hlog",
    "report.html",
  ];
}

/** One line a segment, class and metric, readable by HdrHistogram's usual viewers. */
function hlogOf(end: RunEnd, startedAt: string): string {
  const firstNs = end.driven[0]?.segment.startAtNs ?? 0;
  const entries = end.driven.flatMap(({ segment }) =>
    [...end.merge.segment(segment.number).classes].flatMap(([className, metrics]) =>
      [...metrics].map(([metric, histogram]) => ({
        tag: `${segment.number}/${className}/${metric}`,
        fromS: (segment.recordFromNs - firstNs) / 1e9,
        toS: (segment.recordUntilNs - firstNs) / 1e9,
        histogram,
      })),
    ),
  );
  return histogramLog({ startedAt, entries, deflate: (bytes) => deflateSync(bytes) });
}
