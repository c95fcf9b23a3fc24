/**
 * What the page of a run does in the browser, as text: `drawDiagram` comes before it, and `DATA` is what it draws. Steps
 * with the arrow keys, j and k, page up and down, home and end; or by the buttons; or by a click on a row.
 */
export const VIEWER_SCRIPT = String.raw`
'use strict';
const byId = (id) => document.getElementById(id);
const chart = byId('chart'), bodySvg = byId('body'), headSvg = byId('head-row'), stateBox = byId('state');
const hiddenProcesses = new Set(), hiddenKinds = new Set(DATA.hiddenAtFirst);
const rowByNumber = new Map(DATA.diagram.rows.map((row) => [row.n, row]));
const partner = new Map();
for (const row of DATA.diagram.rows) if (row.is === 'received' && row.sent !== null) { partner.set(row.sent, row.n); partner.set(row.n, row.sent); }
let drawing = null, current = 0;

const draw = () => {
  const before = drawing === null ? null : drawing.rows[current];
  drawing = drawDiagram(DATA.diagram, { hiddenProcesses: [...hiddenProcesses], hiddenKinds: [...hiddenKinds], room: chart.clientWidth - 2 });
  for (const svg of [bodySvg, headSvg]) svg.setAttribute('width', drawing.width);
  bodySvg.setAttribute('height', drawing.height);
  bodySvg.innerHTML = byId('marker').innerHTML + drawing.body;
  headSvg.innerHTML = drawing.head;
  let next = drawing.rows.length - 1;
  if (before !== null) while (next > 0 && drawing.rows[next] > before) next -= 1;
  show(next, before === null ? 'end' : 'nearest');
};

const seconds = (at) => ((at - DATA.diagram.originAt) / 1e6).toFixed(6) + ' s';
const element = (name, text, kind) => { const made = document.createElement(name); made.textContent = text; if (kind) made.className = kind; return made; };

const describe = (row) => {
  if (row.is === 'violation') return row.text;
  const other = partner.get(row.n);
  if (row.is === 'sent') {
    const fate = other !== undefined ? 'arrives at ' + seconds(rowByNumber.get(other).at) : DATA.diagram.lost.includes(row.n) ? 'lost' : 'not arrived by the end';
    return row.process + ' → ' + row.to + ': ' + row.kind + (row.epoch === null ? '' : ' of epoch ' + row.epoch) + ' — ' + row.text + ' (' + fate + ')';
  }
  if (row.is === 'received') return row.process + ' has ' + row.kind + (row.epoch === null ? '' : ' of epoch ' + row.epoch) + ' from ' + row.from + ' — ' + row.text + (other !== undefined ? ' (sent at ' + seconds(rowByNumber.get(other).at) + ')' : '');
  if (row.is === 'transition') return row.process + ', ' + row.kind + ': ' + row.text;
  if (row.is === 'called') return row.process + ' is asked: ' + (DATA.diagram.operations[row.kind] || row.kind);
  if (row.is === 'answered') return row.process + ' answers ' + (DATA.diagram.operations[row.kind] || row.kind) + ': ' + row.text;
  return row.process + ': ' + row.text;
};

/** The state of every process after the event, and which fields that event's neighbourhood changed. */
const showStates = (n, before) => {
  const latest = new Map(), earlier = new Map();
  for (const change of DATA.states) {
    if (change.n <= n) latest.set(change.process, change.state);
    if (change.n <= before) earlier.set(change.process, change.state);
  }
  // The pair first: it is what most failures are about.
  stateBox.replaceChildren(...DATA.diagram.processes.toReversed().filter((name) => latest.has(name) && !hiddenProcesses.has(name)).map((name) => {
    const state = latest.get(name), old = earlier.get(name) || {};
    const section = element('section', '', state.state === 'down' ? 'down' : '');
    const list = element('dl', '');
    for (const [key, value] of Object.entries(state)) {
      const kind = old[key] === value ? '' : 'changed';
      list.append(element('dt', key, kind), element('dd', String(value), kind));
    }
    section.append(element('h3', name), list);
    return section;
  }));
};

const show = (index, block) => {
  current = Math.max(0, Math.min(drawing.rows.length - 1, index));
  const n = drawing.rows[current];
  for (const old of bodySvg.querySelectorAll('.current')) old.classList.remove('current');
  if (n === undefined) { byId('event').textContent = 'Everything is hidden.'; stateBox.replaceChildren(); return; }
  const row = rowByNumber.get(n);
  const group = bodySvg.querySelector('[data-n="' + n + '"]');
  group.classList.add('current');
  byId('event').replaceChildren(element('div', seconds(row.at), 'mono soft'), element('div', describe(row)));
  const on = DATA.diagram.faults.filter((fault) => fault.fromAt <= row.at && row.at <= fault.toAt);
  if (on.length > 0) byId('event').append(element('div', 'Faults: ' + on.map((fault) => fault.text).join('; '), 'soft'));
  byId('where').textContent = (current + 1) + ' of ' + drawing.rows.length;
  showStates(n, current > 0 ? drawing.rows[current - 1] : n);
  const top = current * drawing.rowHeight, head = headSvg.getBoundingClientRect().height;
  if (block === 'end') chart.scrollTop = drawing.height;
  else if (top < chart.scrollTop) chart.scrollTop = top - 40;
  else if (top + drawing.rowHeight + head > chart.scrollTop + chart.clientHeight) chart.scrollTop = top + drawing.rowHeight + head + 40 - chart.clientHeight;
  const x = drawing.columns[row.process];
  if (row.is === 'violation') chart.scrollLeft = drawing.width;
  else if (x !== undefined && (x < chart.scrollLeft + 60 || x > chart.scrollLeft + chart.clientWidth - 60)) chart.scrollLeft = x - chart.clientWidth / 2;
};

const filter = (place, names, hidden) => {
  for (const [name, label] of names) {
    const button = element('button', label);
    button.type = 'button';
    button.setAttribute('aria-pressed', String(!hidden.has(name)));
    button.addEventListener('click', () => {
      if (!hidden.delete(name)) hidden.add(name);
      button.setAttribute('aria-pressed', String(!hidden.has(name)));
      draw();
    });
    place.append(button);
  }
};
filter(byId('processes'), DATA.diagram.processes.map((name) => [name, name]), hiddenProcesses);
filter(byId('kinds'), DATA.kinds.map(({ kind, count }) => [kind, kind + ' ' + count]), hiddenKinds);

const PAGE = 20;
const moves = { ArrowUp: -1, k: -1, ArrowDown: 1, j: 1, ArrowLeft: -1, ArrowRight: 1, PageUp: -PAGE, PageDown: PAGE, Home: -Infinity, End: Infinity };
document.addEventListener('keydown', (event) => {
  const by = moves[event.key];
  if (by === undefined || event.ctrlKey || event.metaKey || event.altKey || event.target.closest('pre')) return;
  event.preventDefault();
  show(current + by, 'nearest');
});
for (const [id, by] of [['first', -Infinity], ['back', -1], ['next', 1], ['last', Infinity]]) byId(id).addEventListener('click', () => show(current + by, 'nearest'));
bodySvg.addEventListener('click', (event) => {
  const group = event.target.closest('[data-n]');
  if (group !== null) show(drawing.rows.indexOf(Number(group.dataset.n)), 'nearest');
});
window.addEventListener('resize', draw);
byId('copy').addEventListener('click', () => navigator.clipboard.writeText(byId('plan').textContent));
draw();
`;
