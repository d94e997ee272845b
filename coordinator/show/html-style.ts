/**
 * The look of the report. Colours are chosen once for light and once for dark; verdicts are told by shape and word
 * as well as by colour. `screen and` keeps paper white for a reader whose screen is dark.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f7f7f5; --surface: #ffffff; --ink: #1c1c1a; --soft: #5d5c57; --line: #dddcd6; --grid: #ebeae5;
  --p50: #7fb0ea; --p90: #2f78cf; --p99: #143f7c;
  --met: #1a7f37; --violated: #c6302b; --undecided: #9a6700; --void: #8b8a84;
  --running: #0f766e; --waiting: #b45309; --kv: #7c3aed;
  --band: #2f78cf22; --met-soft: #e6f4ea; --violated-soft: #fdeceb; --undecided-soft: #fff5db;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #161615; --surface: #1f1f1e; --ink: #f2f1ee; --soft: #aeada6; --line: #3a3a37; --grid: #2d2d2b;
    --p50: #4478bd; --p90: #5c9ae6; --p99: #b9d5f8;
    --met: #4ac26b; --violated: #ff7b72; --undecided: #e3b341; --void: #8b8a84;
    --running: #2dd4bf; --waiting: #f59e0b; --kv: #a78bfa;
    --band: #5c9ae633; --met-soft: #16301f; --violated-soft: #3c1a19; --undecided-soft: #33290f;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 1.25rem 1rem 3rem; max-width: 68rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", sans-serif;
  overflow-wrap: anywhere;
}
header p { margin: 0; color: var(--soft); }
h1 { margin: .25rem 0 .5rem; font-size: 1.5rem; line-height: 1.3; text-wrap: balance; }
h2 { margin: 2rem 0 .5rem; font-size: 1.1rem; }
.validity {
  margin: 1rem 0; padding: .6rem .9rem; border: 1px solid; border-left-width: .4rem; border-radius: .4rem;
}
.validity strong { text-transform: uppercase; }
.validity ul { margin: .3rem 0 0; padding-left: 1.2rem; color: var(--ink); }
.validity.valid { border-color: var(--met); background: var(--met-soft); }
.validity.suspect { border-color: var(--undecided); background: var(--undecided-soft); }
.validity.invalid { border-color: var(--violated); background: var(--violated-soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1rem; }
figure { margin: 0; padding: .8rem; background: var(--surface); border: 1px solid var(--line); border-radius: .5rem; }
figcaption { font-weight: 600; }
figcaption small { display: block; font-weight: 400; color: var(--soft); }
figure svg { display: block; width: 100%; height: auto; margin-top: .4rem; }
figure text { font-size: 12px; fill: var(--soft); }
@media screen and (max-width: 30rem) { figure text { font-size: 15px; } h1 { font-size: 1.25rem; } }
.tall-label { fill: var(--ink); font-weight: 600; }
.grid { stroke: var(--grid); } .axis { stroke: var(--line); }
.series { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.p50 { stroke: var(--p50); } .p90 { stroke: var(--p90); } .p99 { stroke: var(--p99); }
.series[class*="server-"] { stroke-width: 1.5; }
.series.server-halo { stroke: var(--surface); stroke-width: 4; }
.server-running { stroke: var(--running); } .server-waiting { stroke: var(--waiting); stroke-dasharray: 5 2; }
.server-kvUse { stroke: var(--kv); stroke-dasharray: 1.5 3; }
.dot.server-running { fill: var(--running); } .dot.server-waiting { fill: var(--waiting); } .dot.server-kvUse { fill: var(--kv); }
.dot.p50 { fill: var(--p50); } .dot.p90 { fill: var(--p90); } .dot.p99 { fill: var(--p99); }
.limit { stroke: var(--violated); stroke-width: 1.5; stroke-dasharray: 5 4; }
figure text.limit-label { fill: var(--violated); }
.knee { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 1 4; stroke-linecap: round; }
.saturation { stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 8 3; }
.tall-label, .rate-label, .limit-label { paint-order: stroke; stroke: var(--surface); stroke-width: 3px; stroke-linejoin: round; }
.bar-95 { stroke: var(--void); stroke-width: 2; } .bar-95.met { stroke: var(--met); } .bar-95.violated { stroke: var(--violated); }
.bar-95.undecided { stroke: var(--undecided); }
.sent { fill: var(--band); } .sent.idle { fill: none; stroke: var(--line); } .sent.foot { fill: var(--p50); fill-opacity: .5; }
.identity { stroke: var(--soft); stroke-dasharray: 2 4; }
.band { fill: var(--band); } .answer { stroke: var(--p90); stroke-width: 1.5; }
.mark { stroke-width: 2; fill: none; }
.mark.met { stroke: var(--met); fill: var(--met); } .mark.violated { stroke: var(--violated); }
.mark.undecided { stroke: var(--undecided); fill: var(--surface); }
.mark.void { stroke: var(--void); fill: none; stroke-dasharray: 2 2; }
.mark.none { stroke: var(--p90); fill: var(--p90); }
.bar.met { fill: var(--met); } .bar.violated { fill: var(--violated); } .bar.undecided { fill: var(--undecided); }
.bar.void { fill: var(--void); } .bar.none { fill: var(--p90); } .bar { fill-opacity: .75; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: .3rem 0 0; padding: 0; list-style: none; font-size: .85rem; color: var(--soft); }
.legend svg { display: inline-block; width: 14px; height: 14px; margin: 0 .3rem 0 0; vertical-align: -2px; }
.scroll { overflow-x: auto; background: var(--surface); border: 1px solid var(--line); border-radius: .5rem; }
table { width: 100%; border-collapse: collapse; font-size: .85rem; font-variant-numeric: tabular-nums; }
th, td { padding: .35rem .4rem; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
tbody tr:last-child > * { border-bottom: 0; }
thead th { color: var(--soft); font-weight: 500; }
.number { text-align: right; } td small { font-size: .75em; color: var(--soft); }
.word.met { color: var(--met); } .word.violated { color: var(--violated); } .word.undecided { color: var(--undecided); }
.word { font-weight: 600; }
tr.void { color: var(--soft); }
.meter { min-width: 6rem; width: 30%; }
.meter div { height: .6rem; border-radius: 0 .2rem .2rem 0; background: var(--p90); min-width: 1px; }
.note { margin: .4rem 0 0; font-size: .85rem; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; min-width: 0; }
@media print {
  body { max-width: none; padding: 0; background: #fff; font-size: 11px; }
  figure, .validity, tr { break-inside: avoid; }
  h2 { break-after: avoid; }
  .charts { grid-template-columns: 1fr 1fr; }
  .legend, .note { font-size: 10px; }
  .scroll { overflow: visible; border: 0; }
  th, td { padding: .2rem .4rem; white-space: normal; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
`;
