import { readDurationS, readWhole } from "../../coordinator/plan/quantities.ts";
import type { CalibrationOptions } from "../../coordinator/calibrate/calibration.ts";
import type { Command } from "commander";
import { flagInvalid, valueOf } from "../flag-invalid.ts";
import { growthFlag } from "../growth-flag.ts";

/** Flags that say how fast the load grows and how slowly replicas come; as they were typed. */
export interface DelayFlags {
  readonly growth: string;
  readonly startup: string;
  readonly provisioning: string;
  readonly scrape: string;
  readonly poll: string;
  readonly period: string;
  readonly stabilisation: string;
  readonly replicas?: string;
  readonly minReplicas: string;
  readonly maxReplicas: string;
}

export function addDelayFlags(command: Command): Command {
  return command
    .option("--growth <part/time>", "the fastest growth of the load to survive", "20%/min")
    .option("--startup <duration>", "p90 from a pod's start until it is ready", "138s")
    .option("--provisioning <duration>", "p90 until a node is there", "0")
    .option("--scrape <duration>", "between two scrapes of the metric", "15s")
    .option("--poll <duration>", "between two looks of KEDA or the metrics adapter", "15s")
    .option("--period <duration>", "between two decisions of the autoscaler", "15s")
    .option("--stabilisation <duration>", "of scaling up", "0")
    .option("--replicas <n>", "that served the run (default: as its metrics say, else 1)")
    .option("--min-replicas <n>", "never fewer", "1")
    .option("--max-replicas <n>", "never more", "10");
}

const DURATION = { min: 0, max: 7_200 };
const REPLICAS = { min: 1, max: 10_000 };

/** @throws LoadError LL_FLAG_INVALID */
export function calibrationOptionsOf(flags: DelayFlags): CalibrationOptions {
  return {
    growthPerSecond: growthFlag(flags.growth),
    delay: {
      startupS: duration("--startup", flags.startup),
      provisioningS: duration("--provisioning", flags.provisioning),
      scrapeS: duration("--scrape", flags.scrape),
      pollS: duration("--poll", flags.poll),
      periodS: duration("--period", flags.period),
      stabilisationS: duration("--stabilisation", flags.stabilisation),
    },
    ...(flags.replicas === undefined ? {} : { replicas: replicas("--replicas", flags.replicas) }),
  };
}

/** @throws LoadError LL_FLAG_INVALID */
export function replicaBoundsOf(flags: DelayFlags): { minReplicas: number; maxReplicas: number } {
  const minReplicas = replicas("--min-replicas", flags.minReplicas);
  const maxReplicas = replicas("--max-replicas", flags.maxReplicas);
  if (minReplicas <= maxReplicas) return { minReplicas, maxReplicas };
  throw flagInvalid(
    `--min-replicas is ${minReplicas}, above --max-replicas, which is ${maxReplicas}`,
    "give a --max-replicas of at least --min-replicas",
  );
}

export function duration(flag: string, text: string): number {
  return valueOf(flag, readDurationS(text, DURATION));
}

function replicas(flag: string, text: string): number {
  return valueOf(flag, readWhole(text, REPLICAS));
}
