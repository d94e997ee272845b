import { markOf } from "./chart.ts";
import { columnsOf, TABLE_LEGEND, type Column } from "./columns.ts";
import { factsOf } from "./facts.ts";
import { count, ms, NOTHING, percent, quantile, VERDICT_WORDS } from "./format.ts";
import { headline, load } from "./headline.ts";
import { factEntries, htmlPage, htmlTable, numberCell } from "./html-page.ts";
import { latencyCharts } from "./latency-chart.ts";
import { lines, markup, NO_MARKUP, type Markup } from "./markup.ts";
import type { AgentView, ProbeClauseView, ProbeView, Result } from "./result.ts";
import { overLimitCharts } from "./over-limit-chart.ts";
import { throughputChart } from "./throughput-chart.ts";
import { throughputLatencyChart } from "./throughput-latency-chart.ts";
import { timeLineChart } from "./time-line-chart.ts";
import { validityLines, validityWords } from "./validity-lines.ts";

/** Agents with a row of their own; a fleet of a thousand shows those that were latest. */
const AGENT_ROWS_MAX = 24;

/**
 * The report as one self-contained page: no script, no network (its own policy forbids both), charts as inline SVG,
 * every text escaped.
 */
export function renderHtml(result: Result): string {
  return htmlPage(headline(result), [
    header(result),
    markup`<main>`,
    validityBox(result),
    charts(result),
    probeTable(result),
    clauseTable(result),
    agentTable(result.agents),
    floorTable(result.agents),
    facts(result),
    markup`</main>`,
  ]);
}

function header(result: Result): Markup {
  return markup`<header><p>Loadline ${result.command} · ${result.name}</p><h1>${headline(result)}</h1><p>${result.target.model} at ${result.target.url}</p></header>`;
}

function validityBox(result: Result): Markup {
  const { verdict } = result.validity;
  const reasons = validityLines(result);
  const list =
    reasons.length === 0
      ? NO_MARKUP
      : markup`<ul>${reasons.map((reason) => markup`<li>${reason}</li>`)}</ul>`;
  return markup`<section class="validity ${verdict}" aria-label="Validity"><strong>${verdict}</strong>: ${validityWords(result)}.${list}</section>`;
}

function charts(result: Result): Markup {
  if (result.probes.length === 0) return NO_MARKUP;
  const all = [
    ...overLimitCharts(result),
    ...latencyCharts(result),
    throughputChart(result),
    throughputLatencyChart(result),
    timeLineChart(result),
  ];
  return markup`<section class="charts" aria-label="Charts">${all}</section>`;
}

function probeTable(result: Result): Markup {
  if (result.probes.length === 0) return NO_MARKUP;
  const columns = columnsOf(result);
  const head = columns.map(
    (column) =>
      markup`<th scope="col" class="${column.numeric ? "number" : "text"}">${column.title}</th>`,
  );
  const rows = result.probes.map(
    (probe) =>
      markup`<tr class="${markOf(probe)}">${columns.map((column) => cell(column, probe))}</tr>`,
  );
  return lines([
    htmlTable("Windows", head, rows),
    markup`<p class="note">${TABLE_LEGEND} A quantile is told only where enough requests stand behind it.</p>`,
  ]);
}

function cell(column: Column, probe: ProbeView): Markup {
  const text = column.cell(probe);
  if (column.numeric) return numberCell(text);
  return column.title === "SLO"
    ? markup`<td class="word ${markOf(probe)}">${text}</td>`
    : markup`<td>${text}</td>`;
}

/** Which clause held where: one row a window, one column a clause. */
function clauseTable(result: Result): Markup {
  const probes = result.probes.filter((probe) => probe.clauses.length > 0);
  if (probes.length === 0) return NO_MARKUP;
  const head = [
    markup`<th scope="col">load</th>`,
    ...result.slo.map((clause) => markup`<th scope="col">${clause.text}</th>`),
  ];
  const rows = probes.map((probe) => {
    const cells = result.slo.map((clause) =>
      clauseCell(
        probe,
        probe.clauses.find((each) => each.text === clause.text),
      ),
    );
    return markup`<tr class="${markOf(probe)}"><th scope="row">${load(probe)}</th>${cells}</tr>`;
  });
  return lines([
    htmlTable("Clause by clause", head, rows),
    markup`<p class="note">Requests (gaps for a gap clause) beyond the limit, of all that count; counted one by one on the agents.</p>`,
  ]);
}

function clauseCell(probe: ProbeView, clause: ProbeClauseView | undefined): Markup {
  if (clause === undefined) return markup`<td>${NOTHING}</td>`;
  const isVoid = markOf(probe) === "void";
  const fraction = clause.overFraction === null ? "" : ` (${percent(clause.overFraction)})`;
  return markup`<td><span class="word ${isVoid ? "void" : clause.verdict}">${isVoid ? "VOID" : VERDICT_WORDS[clause.verdict]}</span> ${count(clause.overCount)} of ${count(clause.total)}${fraction}</td>`;
}

function agentTable(agents: readonly AgentView[]): Markup {
  if (agents.length === 0) return NO_MARKUP;
  const worst = (agent: AgentView): number => agent.sendDelayMs.p99 ?? agent.sendDelayMs.max ?? 0;
  const shown = [...agents].sort((a, b) => worst(b) - worst(a)).slice(0, AGENT_ROWS_MAX);
  const longest = Math.max(1e-9, ...shown.map(worst));
  const head = ["agent", "fired", "send delay p50", "p99", "max", "", "clock ±"].map(
    (title, index) =>
      index === 0 || index === 5
        ? markup`<th scope="col">${title}</th>`
        : markup`<th scope="col" class="number">${title}</th>`,
  );
  const rows = shown.map((agent) => {
    const { sendDelayMs } = agent;
    const numbers = [
      count(agent.firedCount),
      quantile(sendDelayMs, "p50"),
      quantile(sendDelayMs, "p99"),
      sendDelayMs.max === null ? NOTHING : ms(sendDelayMs.max),
    ];
    const width = Math.round((100 * worst(agent)) / longest);
    return markup`<tr><th scope="row">${agent.id}${agent.lost ? " (lost)" : ""}</th>${numbers.map(numberCell)}<td class="meter"><div style="width:${width}%"></div></td><td class="number">${ms(agent.clockErrorBoundMs)}</td></tr>`;
  });
  const hidden = agents.length - shown.length;
  const rest = hidden === 0 ? "" : ` ${count(hidden)} agents with less delay are not shown.`;
  return lines([
    htmlTable("Send delay by agent", head, rows),
    markup`<p class="note">Times in ms: how late requests left, against the schedule. Bars show p99, or max where p99 is unknown.${rest}</p>`,
  ]);
}

/** What each agent adds to its figures, beside the result. */
function floorTable(agents: readonly AgentView[]): Markup {
  const known = agents.filter((agent) => agent.floor !== undefined).slice(0, AGENT_ROWS_MAX);
  if (known.length === 0) return NO_MARKUP;
  const titles = ["TTFT p50", "TTFT p99", "gap error p99", "send delay p50", "send delay p99"];
  const head = [
    markup`<th scope="col">agent</th>`,
    ...[...titles, "requests/s", "tokens/s"].map(
      (title) => markup`<th scope="col" class="number">${title}</th>`,
    ),
  ];
  const rows = known.map(({ id, floor, cleanRatePerSecond, cleanTokensPerSecond }) => {
    const times = [
      floor?.ttftP50Ms,
      floor?.ttftP99Ms,
      floor?.gapErrorP99Ms,
      floor?.sendDelayP50Ms,
      floor?.sendDelayP99Ms,
    ].map((value) => (value === undefined ? NOTHING : ms(value)));
    const rates = [cleanRatePerSecond, cleanTokensPerSecond].map((value) =>
      value === undefined ? NOTHING : count(value),
    );
    return markup`<tr><th scope="row">${id}</th>${[...times, ...rates].map(numberCell)}</tr>`;
  });
  return lines([
    htmlTable("What the generator itself adds", head, rows),
    markup`<p class="note">By each agent's self-calibration against a server that only answers, before the run; times in ms. Requests/s were answers empty, tokens/s without requests: a load takes up a part of each.</p>`,
  ]);
}

function facts(result: Result): Markup {
  const entries = factEntries(factsOf(result));
  const { directory, names } = result.files;
  const files = markup`<dt>files</dt><dd>${directory}: ${names.join(", ")}</dd>`;
  return markup`<section aria-label="Details"><h2>Details</h2><dl>${entries}${files}</dl></section>`;
}
