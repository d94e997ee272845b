import type { Command } from "commander";
import { addTellingFlags } from "./telling.ts";

/** Flags of every command that sends requests; their values go to the plan's parser as they were typed. */
export function addCommonFlags(command: Command): Command {
  return addTellingFlags(command)
    .option("--plan <file>", "a plan file; flags win over it")
    .option("--target <url>", "base URL of the endpoint; /v1 is added when missing")
    .option("--endpoint <kind>", "chat or completions (default: chat)")
    .option("--model <name>", "asked from /v1/models when there is one model")
    .option("--api-key-env <name>", "variable that holds the key, on the agent")
    .option("--slo <clause...>", 'a promise, e.g. "ttft p99 <= 200ms"')
    .option("--slo-preset <name>", "a well-known SLO: chatbot, rag, mlperf-…")
    .option(
      "--arrivals <process>",
      "poisson, constant, gamma:CV or ramp:FROM:TO (default: poisson)",
    )
    .option(
      "--prompt-tokens <lengths>",
      "128, uniform:64:256, normal:…, lognormal:… (default: 128)",
    )
    .option("--output-tokens <lengths>", "the same (default: 64)")
    .option("--seed <n>", "everything random (default: 1)")
    .option("--agents <n>", "local agent processes, one core each (default: cores - 1, at least 1)")
    .option("--nats <url,...>", "use a fleet instead; its token is read from LOADLINE_TOKEN")
    .option("--identity <dir>", "instead of a token: the coordinator's folder of `fleet init`")
    .option("--fleet <name>", "the fleet's name")
    .option("--min-agents <n>", "how many agents of the fleet must be there")
    .option("--on-agent-loss <what>", "continue or fail (default: continue)")
    .option("--report-listen <host:port>", "where reports are taken in")
    .option("--report-advertise <host:port>", "what agents are told of it")
    .option("--out <dir>", "run folder (default: runs/<time>-<name>)")
    .option("--name <name>", "ends the name of the run folder")
    .option("--header <K:V...>", "a request header")
    .option("--timeout <duration>", "gives a request up (default: 120s)")
    .option("--max-in-flight <n>", "an arrival over it is dropped and counted")
    .option("--beyond-clean-rate", "go on although the agents do not carry the plan")
    .option("--extra-body <json>", "fields merged into each request's body")
    .option("--http <version>", "1.1")
    .option("--ca <file>", "certificate authorities to trust, PEM")
    .option("--insecure", "do not verify the target's certificate")
    .option("--force-output", "ask for exactly the drawn output length (ignore_eos, min_tokens)")
    .option("--wait-ready <duration>", "wait until the target answers")
    .option("--server-metrics <url...>", "the target's Prometheus endpoints, scraped each second")
    .option("--prometheus <url>", "instead: a Prometheus server that scrapes them")
    .option("--prometheus-match <matchers>", 'the target there, e.g. namespace="prod"')
    .option("--no-records", "leave requests.jsonl.zst out")
    .option("--json", "the result on standard output, nothing else there")
    .option("--dry-run", "print the resolved plan, shares and schedule hash; fire nothing")
    .option("--dataset <file>", "not built yet")
    .option("--tokenizer <path>", "not built yet")
    .option("--prefix-tokens <n>", "not built yet")
    .option("--prefix-groups <k>", "not built yet")
    .option("--dashboard [host:port]", "not built yet");
}

export function addFindFlags(command: Command): Command {
  return addCommonFlags(command)
    .option("--min-rate <rate>", "start the search here, requests/s")
    .option("--max-rate <rate>", "never ask for more, requests/s")
    .option("--min-rate-gate <rate>", "exit 99 when the rate shown to pass is below it")
    .option(
      "--precision <percent>",
      "half-width of the interval that ends the search (default: 10%)",
    )
    .option("--confidence <percent>", "of the interval (default: 95%)")
    .option("--time-budget <duration>", "every duration of the search scales with it (default: 5m)")
    .option("--method <method>", "tail or bisect (default: tail)")
    .option("--quick", "stop at the first answer, from ramp and saturation alone")
    .option("--confirm", "judge the low end by a window of its own before answering");
}

export function addSweepFlags(command: Command): Command {
  return addCommonFlags(command)
    .option("--points <n>", "rates between floor and ceiling (default: 10)")
    .option("--duration <duration>", "of each recorded window (default: 30s)")
    .option("--warmup <duration>", "the same load before each window (default: 0)");
}

export function addRunFlags(command: Command): Command {
  return addCommonFlags(command)
    .option("--rate <rates>", "requests/s: 20, a list 1,4,8, or inf")
    .option("--concurrency <streams>", "closed loop: 1,2,4,8")
    .option("--profile <profile>", "synchronous or throughput")
    .option("--duration <duration>", "of each recorded window (default: 30s)")
    .option("--requests <n>", "instead of a duration")
    .option("--warmup <duration>", "the same load before the window (default: 0)")
    .option("--cooldown <duration>", "the same load after the window (default: 0)")
    .option("--against <url>", "a second endpoint: windows alternate between both, to compare them")
    .option("--pairs <n>", "windows of each endpoint at each load (default: 6)")
    .option("--scenario <name>", "not built yet");
}
