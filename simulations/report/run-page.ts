/** The page of one run: its last events as a sequence diagram that a person can step through. One file, nothing fetched. */
import { processNames } from '../plan/names.ts';
import type { Fault, Operation, Plan } from '../plan/types.ts';
import type { Failure } from '../run/outcome.ts';
import { concernedBy } from '../shrink/processes.ts';
import { describeFault, describeOperation, isChatter } from './describe.ts';
import { type Diagram, type DrawnFault, drawDiagram, type Row } from './draw.ts';
import { embedded, escapeHtml } from './html.ts';
import type { Recording } from './recorder.ts';
import { COMMON_STYLE, RUN_STYLE } from './style.ts';
import { VIEWER_SCRIPT } from './viewer.ts';

export interface RunPage {
  readonly plan: Plan;
  /** What the run asks beside the plan's operations. */
  readonly probes: readonly Operation[];
  /** Null: the run passed. */
  readonly failure: Failure | null;
  readonly recording: Recording;
  /** Virtual microseconds, since the world began, at which the plan's time begins. */
  readonly originMicros: number;
  /** The command that runs it again. */
  readonly replay: string;
  readonly commit: string;
  readonly traceHash: string;
  readonly events: number;
}

/** Pixels of the diagram before a browser says how many there are. */
const ROOM = 1_000;
/** A fault that takes no time is shown for so long. */
const MOMENT_MS = 1;

export const renderRunPage = (run: RunPage): string => {
  const page = { ...run, failure: run.failure === null ? null : plain(run.failure) };
  const { plan, failure } = page;
  const diagram = diagramOf(page);
  const kinds = kindsOf(diagram.rows);
  const hiddenAtFirst = kinds.map(({ kind }) => kind).filter((kind) => isChatter(kind) || kind === 'disk');
  const title = failure === null ? `Seed ${plan.seed} passed` : `${failure.checker} at seed ${plan.seed}`;
  const first = drawDiagram(diagram, { hiddenProcesses: [], hiddenKinds: hiddenAtFirst, room: ROOM });
  const data = { diagram, states: page.recording.states, kinds, hiddenAtFirst };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${COMMON_STYLE}${RUN_STYLE}</style>
</head>
<body>
<header class="page">
<h1>${escapeHtml(title)}</h1>
<p class="soft">${escapeHtml(plan.about)}</p>
${verdict(failure)}
${numbers(page)}
<p class="soft">Replay: <code>${escapeHtml(page.replay)}</code></p>
</header>
<main>
<div class="filters" id="processes"><span>Processes</span></div>
<div class="filters" id="kinds"><span>Events</span></div>
<div class="layout">
<div class="chart" id="chart" tabindex="0" role="region" aria-label="Sequence diagram: processes from left to right, time downwards">
<div class="columns"><svg id="head-row" width="${first.width}" height="28">${first.head}</svg></div>
<svg id="body" width="${first.width}" height="${first.height}">${MARKER}${first.body}</svg>
</div>
<aside class="side" aria-live="polite">
<div class="steps"><button id="first" title="Home">|&lt;</button><button id="back" title="Up">&lt;</button><button id="next" title="Down">&gt;</button><button id="last" title="End">&gt;|</button><output id="where"></output></div>
<div class="event-text" id="event">With scripts on, step through the events with the arrow keys.</div>
<div class="state" id="state"></div>
</aside>
</div>
${faultTable(page)}
<h2>The plan</h2>
<p>As a file, it is run again by <code>${escapeHtml(page.replay)}</code>. <button id="copy" type="button">Copy</button></p>
<pre id="plan">${escapeHtml(JSON.stringify(plan, null, 2))}</pre>
</main>
<template id="marker">${MARKER}</template>
<script>
const drawDiagram = ${drawDiagram.toString()};
const DATA = ${embedded(data)};
${VIEWER_SCRIPT}
</script>
</body>
</html>
`;
};

/** A violation's message begins with the name of its checker, which is said beside it anyway. */
const plain = (failure: Failure): Failure => {
  const begin = `${failure.checker}: `;
  return failure.message.startsWith(begin) ? { ...failure, message: failure.message.slice(begin.length) } : failure;
};

const MARKER =
  '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0,0L8,4L0,8z"/></marker></defs>';

const diagramOf = ({ plan, probes, failure, recording, originMicros }: RunPage): Diagram => {
  const rows: Row[] = [...recording.events];
  if (failure !== null) {
    const at = Math.max(originMicros + failure.atMs * 1_000, rows.at(-1)?.at ?? 0);
    rows.push({ n: recording.total, at, is: 'violation', process: '', text: `${failure.checker}: ${failure.message}` });
  }
  const endAt = rows.at(-1)?.at ?? 0;
  return {
    processes: columns(plan, rows),
    rows,
    lost: recording.lost,
    faults: plan.faults.map((fault) => drawnFault(fault, plan, originMicros)).filter(({ fromAt }) => fromAt <= endAt),
    operations: Object.fromEntries([...plan.operations, ...probes].map((operation) => [operation.id, describeOperation(operation)])),
    originAt: originMicros,
  };
};

/** From the members on the left to the pair on the right, as requests go; only those that did something. */
const columns = (plan: Plan, rows: readonly Row[]): readonly string[] => {
  const seen = new Set(rows.flatMap((row) => (row.is === 'sent' ? [row.process, row.to] : [row.process])));
  const all = processNames(plan.cluster);
  const rank = (name: string): number => ['liar', 'node', 'proxy', 'tracker', 'backup'].findIndex((kind) => name.startsWith(kind));
  return all.filter((name) => seen.has(name)).toSorted((a, b) => rank(a) - rank(b));
};

/** What still lasts when chaos ends is taken back in the core, and stays for good outside it. */
const drawnFault = (fault: Fault, plan: Plan, originMicros: number): DrawnFault => {
  const untilMs = fault.atMs + ('forMs' in fault ? fault.forMs : MOMENT_MS);
  const processes = concernedBy(fault);
  const overMs = processes.every((name) => plan.core.includes(name)) ? plan.chaosMs : plan.chaosMs + plan.calmMs;
  const lasts = plan.calmMs > 0 && untilMs > plan.chaosMs;
  const endMs = lasts ? Math.max(fault.atMs + MOMENT_MS, overMs) : untilMs;
  return {
    id: fault.id,
    text: describeFault(fault),
    processes,
    fromAt: originMicros + fault.atMs * 1_000,
    toAt: originMicros + endMs * 1_000,
  };
};

const kindsOf = (rows: readonly Row[]): { kind: string; count: number }[] => {
  const counts = new Map<string, number>();
  for (const row of rows) {
    if (row.is === 'violation' || row.is === 'received') continue;
    const kind = row.is === 'sent' ? row.kind : row.is === 'called' || row.is === 'answered' ? 'operation' : row.is;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, count]) => ({ kind, count })).toSorted((a, b) => a.kind.localeCompare(b.kind));
};

const verdict = (failure: Failure | null): string =>
  failure === null
    ? '<p class="violated passed"><b>Passed</b></p>'
    : `<p class="violated"><b>${escapeHtml(failure.checker)}</b> ${escapeHtml(failure.message)}</p>`;

const numbers = ({ plan, failure, recording, commit, traceHash, events }: RunPage): string => {
  const items: readonly (readonly [string, string])[] = [
    ...(failure === null ? [] : [[`${(failure.atMs / 1_000).toFixed(3)} s`, 'broken after'] as const]),
    [String(plan.faults.length), 'faults'],
    [String(plan.operations.length), 'operations'],
    [String(processNames(plan.cluster).length), 'processes'],
    [events.toLocaleString('en'), 'steps of the run'],
    [`${recording.events.length} of ${recording.total.toLocaleString('en')}`, 'events shown'],
    [commit, 'commit'],
    [traceHash, 'trace'],
  ];
  return `<ul class="numbers">${items.map(([value, name]) => `<li><b>${escapeHtml(value)}</b><span>${name}</span></li>`).join('')}</ul>`;
};

const faultTable = ({ plan, failure }: RunPage): string => {
  if (plan.faults.length === 0) return `<h2>Faults</h2><p>${failure === null ? 'None.' : 'None: it breaks without any.'}</p>`;
  const rows = plan.faults.map((fault) => {
    const length = 'forMs' in fault ? `${fault.forMs} ms` : '';
    return `<tr><td class="number">${fault.id}</td><td class="number">${(fault.atMs / 1_000).toFixed(3)} s</td><td class="number">${length}</td><td>${escapeHtml(describeFault(fault))}</td></tr>`;
  });
  return `<h2>Faults</h2><div class="wide"><table><thead><tr><th class="number">id</th><th class="number">at</th><th class="number">for</th><th>what</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
};
