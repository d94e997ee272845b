import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { renderCsv } from "../../../coordinator/show/csv.ts";
import { headline } from "../../../coordinator/show/headline.ts";
import { renderHtml } from "../../../coordinator/show/html.ts";
import { renderJunit } from "../../../coordinator/show/junit.ts";
import { renderMarkdown } from "../../../coordinator/show/markdown.ts";
import { liveLine, probeLine } from "../../../coordinator/show/progress.ts";
import type { MaxRateView, ProbeView, Result } from "../../../coordinator/show/result.ts";
import { renderTerminal } from "../../../coordinator/show/terminal.ts";
import { found, hopeless, probeOf, twoRates } from "../../golden/show/results.ts";

const HOSTILE = `<script>alert("x")</script>'&]]>`;

/** A result in which every text that others choose is an attack. */
const attacked: Result = {
  ...twoRates,
  name: HOSTILE,
  target: { url: HOSTILE, endpoint: "chat", model: HOSTILE },
  outcome: { kind: "finished", reason: HOSTILE },
  validity: { verdict: "invalid", reasons: [HOSTILE] },
  slo: twoRates.slo.map((clause) => ({ ...clause, text: HOSTILE })),
  agents: twoRates.agents.map((agent) => ({ ...agent, id: HOSTILE })),
  probes: twoRates.probes.map((probe) => ({
    ...probe,
    purpose: HOSTILE,
    reason: HOSTILE,
    validity: { verdict: "invalid", reasons: [HOSTILE] },
    clauses: probe.clauses.map((clause) => ({ ...clause, text: HOSTILE })),
  })),
  files: { directory: HOSTILE, names: [HOSTILE] },
};

describe("text of others stays text", () => {
  test("in the HTML report there is no tag it brought", () => {
    const page = renderHtml(attacked);
    assert.doesNotMatch(page, /<script/i);
    assert.match(page, /&lt;script&gt;alert\(&quot;x&quot;\)&lt;\/script&gt;&#39;&amp;\]\]&gt;/);
  });

  test("in Markdown neither, and it cannot break out of its table", () => {
    const text = renderMarkdown({ ...attacked, name: "a|b\n# c" });
    assert.doesNotMatch(text, /<script/i);
    assert.match(text, /^## a\\\|b # c$/m);
  });

  test("in JUnit XML neither, and no character that XML forbids", () => {
    const xml = renderJunit({ ...attacked, name: "a\u0000b\u001b[2J" });
    assert.doesNotMatch(xml, /<script/i);
    assert.match(xml, /<testsuite name="a�b�\[2J"/);
  });

  test("on the terminal no escape sequence gets through", () => {
    const evil = "\u001b]0;owned\u0007\r";
    const text = renderTerminal({
      ...attacked,
      target: { ...attacked.target, model: evil },
      agents: attacked.agents.map((agent) => ({ ...agent, id: evil })),
      validity: { verdict: "invalid", reasons: [evil] },
      files: { directory: evil, names: [evil] },
    });

    assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f]/);
    assert.ok(!probeLine({ ...twoRates.probes[0]!, reason: evil }).includes("\u001b"));
  });

  test("in CSV no cell is a formula, and quotes and line breaks stay in their cell", () => {
    const probe = { ...twoRates.probes[0]!, reason: '=1+1,"\n' };
    const [, row] = renderCsv({ ...twoRates, probes: [probe] }).split("\r\n");
    assert.match(row!, /,"'=1\+1,""\n",/);
  });
});

test("the HTML report needs no network and no script", () => {
  const page = renderHtml(found);
  assert.doesNotMatch(
    page,
    /<(script|link|img|iframe|object|embed)|\s(src|href)=|url\(|@import|\son\w+=/i,
  );
  assert.match(
    page,
    /Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/,
  );
});

test("every chart has a title and a description that its figure refers to", () => {
  const page = renderHtml(found);
  const labels = [...page.matchAll(/role="img" aria-labelledby="(\S+) (\S+)"/g)];
  assert.equal(labels.length, 7);
  for (const [, title, description] of labels) {
    assert.ok(page.includes(`<title id="${title!}">`));
    assert.ok(page.includes(`<desc id="${description!}">`));
  }
});

test("a clause is marked by its own verdict, with its fitted curve as a band, and without one all the same", () => {
  const chartOf = (result: Result, clause: string): string =>
    renderHtml(result)
      .split("<figure>")
      .find((part) => part.includes(`Over the limit: ${clause}`)) ?? "";
  // The last two rates break the first clause, and not the second.
  assert.equal(chartOf(found, "ttft").match(/class="mark violated"/g)?.length, 2 + 1);
  assert.doesNotMatch(chartOf(found, "itl").split("</svg>")[0] ?? "", /class="mark violated"/);
  assert.match(chartOf(found, "ttft"), /<polygon class="band"/);
  const unfitted = { ...found, curve: null };
  assert.doesNotMatch(chartOf(unfitted, "ttft"), /polygon/);
  assert.match(chartOf(unfitted, "ttft"), /class="bar-95 met"/);
});

test("the time line shows every segment, what was void among it, and how the time was spent", () => {
  const timeLine = found.timeLine!.map((segment) => ({
    ...segment,
    isCutOff: segment.segment === 4,
  }));
  const page = renderHtml({ ...found, timeLine });
  assert.equal(page.match(/<rect class="sent /g)?.length, 9);
  assert.match(page, /segment 7, drain, no load, 101 s to 106 s|segment 7, drain, no load/);
  assert.match(page, /segment 4, ramp[^<]*void: its coordinator was killed/);
  assert.match(page, /<li>calibrate 6\.00 s<\/li>/);
});

test("no chart holds a coordinate that is not a number", () => {
  const empty = probeOf({
    segment: 1,
    rate: 0,
    startS: 0,
    durationS: 0,
    ttftP50Ms: 1,
    ttftSpread: 1,
  });
  for (const result of [
    found,
    twoRates,
    hopeless,
    { ...found, probes: [empty] },
    { ...found, probes: [] },
  ]) {
    assert.doesNotMatch(renderHtml(result), /NaN|Infinity|undefined|null/);
  }
});

test("a fleet of a thousand agents shows the latest of them and says how many it hides", () => {
  const [agent] = found.agents;
  const agents = Array.from({ length: 1_000 }, (_, index) => ({ ...agent!, id: `node-${index}` }));
  agents[700] = { ...agents[700]!, sendDelayMs: { ...agent!.sendDelayMs, p99: 9 } };
  const page = renderHtml({ ...found, agents });
  assert.match(page, /<tbody>\n<tr><th scope="row">node-700</);
  assert.match(page, /976 agents with less delay are not shown/);
});

describe("the answer in one sentence", () => {
  const withRate = (some: Partial<MaxRateView>): Result => ({
    ...found,
    saturation: null,
    maxRate: { ...found.maxRate!, ...some },
  });

  test("an open end is 'at least', and says what ended the search", () => {
    const ends = {
      "max-rate": "--max-rate ended the search",
      generator: "limited by the generator",
      budget: "the time budget ended",
    };
    for (const [limitedBy, words] of Object.entries(ends)) {
      const sentence = headline(
        withRate({
          high: null,
          low: 410,
          requestsPerSecond: 410,
          limitedBy: limitedBy as "budget",
        }),
      );
      assert.match(
        sentence,
        /^At least 410 requests\/s meets ttft p99 <= 200ms, itl p99 <= 50ms; /,
      );
      assert.ok(sentence.includes(words), sentence);
    }
  });

  test("with one clause its name is not said twice", () => {
    const one = { ...withRate({}), slo: found.slo.slice(0, 1) };
    assert.equal(headline(one), "41.8 requests/s (40.2–43.0, 95 %) meets ttft p99 <= 200ms.");
  });

  test("a sweep tells floor, ceiling and knee, and the highest rate that meets the SLO", () => {
    const [first] = found.probes;
    const serial = { ...first!, mode: "serial", requestsPerSecond: null } as const;
    const sweep: Result = {
      ...found,
      command: "sweep",
      maxRate: null,
      outcome: { kind: "finished", reason: "" },
      slo: found.slo.slice(0, 1),
      probes: [serial, ...found.probes],
    };
    assert.equal(
      headline(sweep),
      "The server carries 47.0 requests/s at most; 10.0/s one at a time; latency turns at 38.5 requests/s; " +
        "the highest rate measured that meets ttft p99 <= 200ms is 41.8 requests/s.",
    );
  });

  test("a search without an answer says why", () => {
    const none = { ...found, maxRate: null };
    assert.equal(
      headline({ ...none, outcome: { kind: "inconclusive", reason: "no window passed" } }),
      "No answer within the budget: no window passed.",
    );
    assert.match(
      headline({ ...none, outcome: { kind: "interrupted", reason: "" } }),
      /^Interrupted after 4 min 52 s; what was measured is saved\.$/,
    );
  });

  const single = (some: Partial<ProbeView>): Result => ({
    ...twoRates,
    probes: [{ ...twoRates.probes[0]!, ...some }],
  });

  test("a run of one window says whether it met the SLO, and what failed", () => {
    assert.equal(
      headline(single({})),
      "4 requests/s for 30.0 s: undecided on ttft p99 <= 200ms; TTFT p50 48.0 ms; 3 of 120 requests failed (HTTP 500: 1, HTTP 503: 1, timed out: 1).",
    );
    assert.match(headline(single({ verdict: "met" })), /: meets ttft p99 <= 200ms;/);
    assert.match(headline(single({ verdict: null })), /: 3\.90 requests\/s achieved;/);
  });

  test("a window the generator spoiled never counts as met", () => {
    const spoiled = { verdict: "met", validity: { verdict: "invalid", reasons: [] } } as const;
    const result = {
      ...twoRates,
      probes: twoRates.probes.map((probe) => ({ ...probe, ...spoiled })),
    };
    assert.match(headline(result), /^INVALID .*None of 2 windows meets/);
    assert.doesNotMatch(renderTerminal(result), /PASS/);
    assert.doesNotMatch(renderHtml(result), />PASS</);
  });
});

test("colours only change the look", () => {
  const stripped = renderTerminal(found, { color: true }).replaceAll(/\u001b\[\d+m/g, "");
  assert.equal(stripped, renderTerminal(found));
});

test("a column that would be empty everywhere is left out", () => {
  const closed = twoRates.probes.map((probe) => ({
    ...probe,
    mode: "closed" as const,
    requestsPerSecond: null,
    streams: 8,
    verdict: null,
  }));
  const text = renderTerminal({ ...twoRates, slo: [], probes: closed });
  assert.doesNotMatch(text, /rate\/s {2}|SLO/);
  assert.match(text, /streams {2}achieved\/s/);
});

test("the live line shows load, latency and what is in flight, and bears missing data", () => {
  const view = {
    elapsedS: 72.4,
    purpose: "ramp",
    requestsPerSecond: 40,
    ttftP50Ms: 47.2,
    ttftP99Ms: 134,
    inFlight: 32,
  };
  assert.equal(
    liveLine(view),
    "72.0 s  ramp 40 requests/s  TTFT p50 47.2 ms  p99 134 ms  32 in flight",
  );
  const early = { ...view, requestsPerSecond: null, ttftP50Ms: null, ttftP99Ms: null, inFlight: 0 };
  assert.equal(liveLine(early), "72.0 s  ramp  TTFT p50 –  p99 –  0 in flight");
});

test("JUnit: a broken promise is a failure, an unfit generator an error", () => {
  const gateFailed = renderJunit({ ...found, rateGate: { requestsPerSecond: 60, held: false } });
  assert.match(gateFailed, /tests="3" failures="1" errors="0"/);
  assert.match(renderJunit(hopeless), /failures="1" errors="0"/);
  const violated = { ...twoRates.probes[1]!, validity: { verdict: "valid", reasons: [] } as const };
  const run = { ...twoRates, validity: violated.validity, probes: [violated] };
  assert.match(renderJunit(run), /tests="2" failures="1" errors="0"/);
  assert.match(renderJunit({ ...run, probes: [] }), /tests="2" failures="0" errors="1"/);
});

test("JUnit: a promise that was kept in a void window is none", () => {
  const [probe] = twoRates.probes;
  assert.ok(probe !== undefined);
  const met = probe.clauses.map((clause) => ({ ...clause, verdict: "met" as const }));
  const xmlOf = (verdict: "valid" | "invalid"): string =>
    renderJunit({
      ...twoRates,
      validity: { verdict: "valid", reasons: [] },
      probes: [{ ...probe, clauses: met, validity: { verdict, reasons: [] } }],
    });
  assert.match(xmlOf("valid"), / failures="0" errors="0" /);
  assert.match(xmlOf("invalid"), new RegExp(` failures="0" errors="${met.length}" `));
  assert.match(xmlOf("invalid"), /<error message="VOID: /);
});

test("CSV: which windows went to the other endpoint is a column of a run that had one", () => {
  const [probe] = twoRates.probes;
  assert.ok(probe !== undefined);
  assert.doesNotMatch(renderCsv(twoRates), /against/);
  const rows = renderCsv({ ...twoRates, probes: [probe, { ...probe, against: true }] }).split(
    "\r\n",
  );
  const column = rows[0]!.split(",").indexOf("against");
  assert.deepEqual(
    [1, 2].map((row) => rows[row]!.split(",")[column]),
    ["", "true"],
  );
});
