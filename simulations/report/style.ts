/** How the pages look: by the reader's light or dark, on wide screens and narrow ones. Nothing comes from elsewhere. */

export const COMMON_STYLE = `
:root { color-scheme: light dark;
  --paper: light-dark(#fbfaf7, #16181c); --raised: light-dark(#ffffff, #1f2228); --ink: light-dark(#1d2126, #e4e6ea);
  --soft: light-dark(#5c6470, #9aa3b0); --rule: light-dark(#d9d6cd, #343942); --accent: light-dark(#0b5e8f, #6fb7e6);
  --good: light-dark(#22733b, #7ac98f); --bad: light-dark(#b3261e, #ff8a80); --warn: light-dark(#8a5a00, #e8b45c);
  --band: light-dark(#fff1c4, #3a3420); --machine: light-dark(#e3ecf7, #24384d); --fault: light-dark(#b3261e22, #ff8a8026); }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main, header.page { padding: 0 20px; max-width: 1500px; margin: 0 auto; }
h1 { font-size: 20px; margin: 18px 0 4px; } h2 { font-size: 16px; margin: 28px 0 8px; }
p { margin: 4px 0; } .soft { color: var(--soft); }
code, pre, .mono { font: 13px/1.45 ui-monospace, monospace; }
pre { background: var(--raised); border: 1px solid var(--rule); border-radius: 6px; padding: 12px; overflow: auto; }
a { color: var(--accent); }
button { font: inherit; color: inherit; background: var(--raised); border: 1px solid var(--rule); border-radius: 6px; padding: 3px 10px; cursor: pointer; }
button:hover { border-color: var(--accent); } :focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
table { border-collapse: collapse; width: 100%; } th, td { text-align: left; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--soft); font-weight: 600; font-size: 13px; } td.number, th.number { white-space: nowrap; text-align: right; font-variant-numeric: tabular-nums; }
.violated { border-left: 4px solid var(--bad); background: var(--raised); padding: 8px 12px; margin: 10px 0; overflow-wrap: anywhere; }
.violated b { color: var(--bad); } .passed { border-left-color: var(--good); } .passed b { color: var(--good); }
.numbers { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 12px 0; padding: 0; list-style: none; }
.numbers b { display: block; font-size: 19px; font-variant-numeric: tabular-nums; } .numbers span { color: var(--soft); font-size: 13px; }
@media (max-width: 760px) { main, header.page { padding: 0 12px; } .wide { overflow-x: auto; } }
`;

export const RUN_STYLE = `
.layout { display: grid; grid-template-columns: minmax(0, 1fr) 330px; gap: 18px; align-items: start; margin-top: 10px; }
.chart { border: 1px solid var(--rule); border-radius: 8px; background: var(--raised); overflow: auto; height: calc(100vh - 60px); min-height: 360px; position: relative; }
.chart svg { display: block; } .chart .columns { min-width: 100%; width: max-content; position: sticky; top: 0; background: var(--raised); border-bottom: 1px solid var(--rule); z-index: 1; }
.side { position: sticky; top: 10px; max-height: calc(100vh - 20px); overflow: auto; }
.steps { display: flex; gap: 6px; align-items: center; flex-wrap: wrap; } .steps output { font-variant-numeric: tabular-nums; color: var(--soft); }
.event-text { background: var(--raised); border: 1px solid var(--rule); border-radius: 6px; padding: 8px 10px; margin: 8px 0; overflow-wrap: anywhere; min-height: 68px; }
.state h3 { font-size: 14px; margin: 10px 0 0; } .state dl { display: grid; grid-template-columns: auto 1fr; gap: 0 10px; margin: 0; font-size: 13px; }
.state dt { color: var(--soft); } .state dd { margin: 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; } .state .changed { background: var(--band); }
.state .down h3 { color: var(--soft); text-decoration: line-through; }
.filters { display: flex; flex-wrap: wrap; gap: 4px 6px; margin: 8px 0; align-items: center; font-size: 13px; } .filters span { color: var(--soft); margin-right: 4px; }
.filters button { padding: 0 8px; border-radius: 12px; } .filters button[aria-pressed=false] { color: var(--soft); text-decoration: line-through; border-style: dashed; }
svg text { fill: var(--ink); font: 11px ui-monospace, monospace; } svg .time { fill: var(--soft); } svg .process-name { font: 600 13px system-ui, sans-serif; }
svg .life { stroke: var(--rule); stroke-width: 2; } svg .life.down { stroke-dasharray: 2 6; }
svg .fault rect { fill: var(--fault); } svg .fault-name { fill: var(--bad); font-size: 10px; }
svg .hit { fill: transparent; cursor: pointer; } svg .event:hover .hit { fill: light-dark(#00000008, #ffffff0a); } svg .event.current .hit { fill: var(--band); }
svg line.arrived { stroke: var(--accent); } svg line.lost { stroke: var(--bad); stroke-dasharray: 5 3; } svg line.waiting { stroke: var(--soft); stroke-dasharray: 5 3; }
svg line.cross { stroke: var(--bad); stroke-width: 2; } svg .open { fill: none; stroke: var(--soft); } svg .dot { fill: var(--accent); } svg #head path { fill: var(--accent); }
svg .event.current line.arrived { stroke-width: 2.5; } svg .frame-name { paint-order: stroke; stroke: var(--raised); stroke-width: 3px; }
svg .event.current .frame-name { stroke: var(--band); font-weight: 700; }
svg .transition { fill: var(--machine); stroke: var(--accent); } svg .starts { fill: var(--raised); stroke: var(--good); } svg .stops { fill: var(--raised); stroke: var(--bad); stroke-width: 2; }
svg .called { fill: var(--raised); stroke: var(--warn); } svg .answered { fill: var(--raised); stroke: var(--good); } svg .refused { fill: var(--raised); stroke: var(--bad); }
svg .disk { fill: var(--soft); font-size: 10px; } svg .log { fill: var(--warn); font-size: 10px; } svg .box-name { font-size: 10.5px; }
svg rect.violation { fill: var(--bad); } svg .violation-name { fill: var(--paper); font-weight: 700; }
@media (max-width: 900px) { .layout { grid-template-columns: minmax(0, 1fr); } .chart { height: 60vh; }
  .side { position: sticky; bottom: 0; top: auto; max-height: 32vh; background: var(--paper); border-top: 1px solid var(--rule); padding: 6px 0; z-index: 2; } .event-text { min-height: 0; } .state { display: grid; grid-template-columns: 1fr 1fr; gap: 0 14px; } }
`;
