import assert from "node:assert/strict";
import { createServer, type RequestListener } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { serverObserver } from "../../../coordinator/observe/observer.ts";
import type { Lookup } from "../../../coordinator/observe/replicas.ts";
import type { ServerEntry, ServerObserver } from "../../../coordinator/server/entry.ts";
import { NS_PER_SECOND } from "../../../shared/units.ts";
import { closedPort, startHttp } from "../../support/cli.ts";
import { SimClock } from "../../support/sim-clock.ts";
import { until } from "../simulator/running.ts";

/** Sockets are real; time is the test's own, so that no scrape comes that it does not ask for. */
interface Watched {
  readonly observer: ServerObserver;
  readonly entries: readonly ServerEntry[];
  /** Lets so many seconds pass, one at a time, and waits for the scrape that each brings, be it a failed one. */
  readonly seconds: (count: number) => Promise<void>;
}

async function watch(urls: readonly string[], resolve?: Lookup): Promise<Watched> {
  const clock = new SimClock();
  const entries: ServerEntry[] = [];
  const observer = serverObserver({
    urls,
    clock,
    intervalNs: NS_PER_SECOND,
    tls: { caPem: undefined, tlsInsecure: false },
    ...(resolve === undefined ? {} : { resolve }),
  });
  observer.start({ nowNs: () => clock.nowNs(), onEntry: (entry) => entries.push(entry) });
  const looks = (): number => entries.filter(({ kind }) => kind !== "replicas").length;
  await until(() => looks() >= urls.length);
  return {
    observer,
    entries,
    seconds: async (count) => {
      for (let second = 0; second < count; second += 1) {
        const before = looks();
        await clock.advance(NS_PER_SECOND);
        await until(() => looks() > before);
      }
    },
  };
}

function metrics(text: string): RequestListener {
  return (_request, answer) => answer.setHeader("content-type", "text/plain").end(text);
}

function failures(entries: readonly ServerEntry[]): readonly (readonly [string, string])[] {
  return entries.flatMap((entry) => (entry.kind === "failed" ? [[entry.why, entry.text]] : []));
}

const RUNNING = "vllm:num_requests_running 3\n";

test("each second has its scrape, on the run's clock, and one more at the end", async (context) => {
  const url = await startHttp(context, metrics(RUNNING));
  const { observer, entries, seconds } = await watch([`${url}/metrics`]);
  await seconds(3);
  await observer.stop();
  assert.deepEqual(
    entries.map(({ kind, atNs }) => [kind, atNs / NS_PER_SECOND]),
    [
      ["replicas", 0],
      ["scrape", 0],
      ["scrape", 1],
      ["scrape", 2],
      ["scrape", 3],
      ["scrape", 3],
    ],
  );
  const last = entries.at(-1);
  assert.equal(last?.kind === "scrape" && last.reading.running, 3);
  await observer.stop();
  assert.equal(entries.length, 6, "nothing comes behind the end");
});

for (const [name, answer, why, says] of [
  [
    "a page",
    (_, res) => res.setHeader("content-type", "text/html; charset=utf-8").end("<html>"),
    "no-metrics",
    /text\/html, which is no metrics/,
  ],
  [
    "another program's metrics",
    metrics("process_cpu_seconds_total 1\n"),
    "no-engine",
    /no engine that is known \(vLLM, SGLang, TGI, trtllm-serve, llm-d EPP\)/,
  ],
  [
    "a page that says it is text",
    metrics("<html>\n<body>\n"),
    "no-engine",
    /the first is line 1: <html>/,
  ],
  [
    "a redirect",
    (_, res) => res.writeHead(302, { location: "/elsewhere" }).end(),
    "redirect",
    /HTTP 302\), which is not followed/,
  ],
  ["an error", (_, res) => res.writeHead(503).end(RUNNING), "status", /^HTTP 503$/],
  [
    "a compressed answer",
    (_, res) => res.setHeader("content-encoding", "gzip").end("x"),
    "no-metrics",
    /compressed \(gzip\)/,
  ],
  [
    "a connection that breaks off",
    (_, res) => res.writeHead(200, { "content-length": "99" }).write(RUNNING, () => res.destroy()),
    "connection",
    /closed before the answer was whole|ECONNRESET|aborted/,
  ],
] as const satisfies readonly (readonly [string, RequestListener, string, RegExp])[]) {
  test(`${name} is a failed scrape with its reason, and the next one is tried`, async (context) => {
    const url = await startHttp(context, answer);
    const { observer, entries, seconds } = await watch([`${url}/metrics`]);
    await seconds(1);
    await observer.stop();
    assert.deepEqual(
      failures(entries).map(([kind]) => kind),
      [why, why],
    );
    assert.match(failures(entries)[0]?.[1] ?? "", says);
  });
}

test("an endless answer is cut off at its bound, and costs no more memory than that", async (context) => {
  let written = 0;
  const url = await startHttp(context, (_request, answer) => {
    const block = Buffer.alloc(1 << 20, "a".repeat(63) + "\n");
    const more = (): void => {
      while (written < 1 << 30 && !answer.destroyed) {
        written += block.length;
        if (!answer.write(block)) return;
      }
    };
    answer.setHeader("content-type", "text/plain").on("drain", more);
    more();
  });
  const { observer, entries } = await watch([`${url}/metrics`]);
  await observer.stop();
  assert.deepEqual(failures(entries), [["too-long", "its answer has more than 8 MiB"]]);
  assert.ok(written < 64 << 20, `${written} bytes were taken`);
});

test("a server that hangs costs its time-out, holds up nobody else, and is not asked twice at once", async (context) => {
  let asked = 0;
  const hanging = await startHttp(context, () => (asked += 1));
  const fine = await startHttp(context, metrics(RUNNING));
  const clockUrls = [`${fine}/metrics`, `${hanging}/metrics`];
  const clock = new SimClock();
  const entries: ServerEntry[] = [];
  const observer = serverObserver({
    urls: clockUrls,
    clock,
    intervalNs: NS_PER_SECOND,
    tls: { caPem: undefined, tlsInsecure: false },
  });
  observer.start({ nowNs: () => clock.nowNs(), onEntry: (entry) => entries.push(entry) });
  const scrapes = (): number => entries.filter(({ kind }) => kind === "scrape").length;
  for (const second of [1, 2, 3]) {
    await until(() => scrapes() >= second && asked >= 1);
    assert.equal(asked, 1);
    await clock.advance(NS_PER_SECOND);
  }
  await until(() => failures(entries).length > 0);
  assert.deepEqual(failures(entries), [["timeout", "no whole answer within 3 s"]]);
  const stopped = observer.stop();
  await clock.advance(4 * NS_PER_SECOND);
  await stopped;
});

test("nobody there, and a name without an address, are told and tried again", async () => {
  const port = await closedPort();
  const { observer, entries, seconds } = await watch([`http://127.0.0.1:${port}/metrics`]);
  await seconds(1);
  await observer.stop();
  assert.deepEqual(failures(entries)[1], ["connection", "nobody listens there (ECONNREFUSED)"]);

  const named = await watch(["http://nowhere.invalid/metrics"], () =>
    Promise.reject(Object.assign(new Error("x"), { code: "ENOTFOUND" })),
  );
  await named.observer.stop();
  assert.deepEqual(failures(named.entries), [["name", "its name has no address (ENOTFOUND)"]]);
});

/** The same answer at two addresses of one port, as the pods of a headless service give it. */
async function twoAddresses(context: TestContext): Promise<number> {
  const listen = async (host: string, port: number, running: number): Promise<number> => {
    const server = createServer(metrics(`vllm:num_requests_running ${running}\n`));
    server.listen(port, host);
    await once(server, "listening");
    context.after(() => server.close());
    return (server.address() as AddressInfo).port;
  };
  const port = await listen("127.0.0.1", 0, 1);
  await listen("127.0.0.2", port, 2);
  return port;
}

test("a name with several addresses is several replicas, and a change of them is told", async (context) => {
  const port = await twoAddresses(context);
  let addresses: readonly string[] = ["127.0.0.1"];
  const { observer, entries, seconds } = await watch([`http://pods.test:${port}/metrics`], () =>
    Promise.resolve(addresses),
  );
  addresses = ["127.0.0.1", "127.0.0.2"];
  await seconds(5);
  await until(() =>
    entries.some((entry) => entry.kind === "scrape" && entry.replica.includes(".2:")),
  );
  await observer.stop();
  assert.deepEqual(
    entries.flatMap((entry) => (entry.kind === "replicas" ? [entry.addresses] : [])),
    [
      [`http://127.0.0.1:${port}/metrics`],
      [`http://127.0.0.1:${port}/metrics`, `http://127.0.0.2:${port}/metrics`],
    ],
  );
  const of = (host: string): readonly (number | null)[] =>
    entries.flatMap((entry) =>
      entry.kind === "scrape" && entry.replica.includes(host) ? [entry.reading.running] : [],
    );
  assert.ok(of("127.0.0.1").every((running) => running === 1));
  assert.ok(of("127.0.0.2").length >= 2 && of("127.0.0.2").every((running) => running === 2));
});

test("the host's name goes with the request, and nothing secret does", async (context) => {
  const seen: Record<string, unknown>[] = [];
  const url = await startHttp(context, (request, answer) => {
    seen.push(request.headers);
    metrics(RUNNING)(request, answer);
  });
  const { port } = new URL(url);
  const { observer } = await watch([`http://pods.test:${port}/metrics?x=1`], () =>
    Promise.resolve(["127.0.0.1"]),
  );
  await observer.stop();
  assert.equal(seen[0]!["host"], `pods.test:${port}`);
  assert.deepEqual(Object.keys(seen[0]!).sort(), [
    "accept",
    "accept-encoding",
    "connection",
    "host",
  ]);
});
