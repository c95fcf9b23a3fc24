/** The page of a batch of runs: how much was run, what was reached and what never, and what failed. One file. */
import { escapeHtml } from './html.ts';
import type { CoverageRow, FuzzFailure, FuzzSummary } from './fuzz-summary.ts';
import { COMMON_STYLE } from './style.ts';

export const renderFuzzPage = (summary: FuzzSummary): string => {
  const { failures, transitions, marks, runs } = summary;
  const title = failures.length === 0 ? 'Fuzzing: no failure' : `Fuzzing: ${counted(failures.length, 'failure')}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${COMMON_STYLE}${FUZZ_STYLE}</style>
</head>
<body>
<header class="page">
<h1>${title}</h1>
<p class="soft">${counted(runs, 'run')} of commit <code>${escapeHtml(summary.commit)}</code>, begun ${escapeHtml(summary.startedAt)}, ${duration(summary.realSeconds)} on ${counted(summary.cores, 'core')}</p>
${numbers(summary)}
</header>
<main>
<h2>Failures</h2>
${failures.length === 0 ? '<p class="violated passed"><b>None.</b></p>' : failureTable(failures)}
${coverage('Transitions of machines under faults', transitions, 'Every machine has taken every transition.')}
${coverage('Marks: what should have happened at least once', marks, 'Every mark was reached.')}
</main>
</body>
</html>
`;
};

const FUZZ_STYLE = `
.bar { height: 8px; border-radius: 4px; background: var(--rule); overflow: hidden; margin: 6px 0; max-width: 420px; } .bar i { display: block; height: 100%; background: var(--good); }
.never { color: var(--bad); } .columns { columns: 3 320px; column-gap: 28px; padding: 0; margin: 6px 0; list-style: none; font: 13px/1.6 ui-monospace, monospace; }
.columns li { break-inside: avoid; overflow-wrap: anywhere; display: flex; gap: 10px; justify-content: space-between; } summary { cursor: pointer; color: var(--accent); }
td.message { overflow-wrap: anywhere; min-width: 240px; }
`;

const counted = (count: number, what: string): string => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

const duration = (seconds: number): string =>
  seconds < 120 ? `${seconds.toFixed(0)} s` : seconds < 7_200 ? `${(seconds / 60).toFixed(0)} min` : `${(seconds / 3_600).toFixed(1)} h`;

const numbers = (summary: FuzzSummary): string => {
  const { clusterHours, faults, operations, succeeded, events, speed } = summary;
  const anHour = (count: number): string => (clusterHours > 0 ? `, ${Math.round(count / clusterHours).toLocaleString('en')} an hour` : '');
  const items: readonly (readonly [string, string])[] = [
    [clusterHours.toFixed(1), 'simulated cluster-hours'],
    [`${Math.round(speed).toLocaleString('en')} ×`, 'real time, a core'],
    [faults.toLocaleString('en'), `faults${anHour(faults)}`],
    [operations.toLocaleString('en'), `operations${anHour(operations)}`],
    [operations > 0 ? `${((succeeded / operations) * 100).toFixed(0)} %` : '—', 'of them succeeded'],
    [events.toLocaleString('en'), 'events'],
  ];
  return `<ul class="numbers">${items.map(([value, name]) => `<li><b>${value}</b><span>${name}</span></li>`).join('')}</ul>`;
};

const failureTable = (failures: readonly FuzzFailure[]): string => {
  const rows = failures.map(({ seed, checker, message, atMs, replay, page, shrunkTo }) => {
    const name = page === null ? escapeHtml(checker) : `<a href="${escapeHtml(page)}">${escapeHtml(checker)}</a>`;
    const size = shrunkTo === null ? '—' : String(shrunkTo);
    return `<tr><td><b>${name}</b></td><td class="number">${seed}</td><td class="number">${(atMs / 1_000).toFixed(1)} s</td><td class="number">${size}</td><td class="message">${escapeHtml(message)}<br><code>${escapeHtml(replay)}</code></td></tr>`;
  });
  return `<div class="wide"><table><thead><tr><th>checker</th><th class="number">seed</th><th class="number">after</th><th class="number">shrunk to</th><th>what, and how to see it again</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
};

const coverage = (title: string, rows: readonly CoverageRow[], complete: string): string => {
  const never = rows.filter(({ count }) => count === 0);
  const seen = rows.length - never.length;
  const share = rows.length === 0 ? 0 : (seen / rows.length) * 100;
  const list = (items: readonly CoverageRow[], kind: string): string =>
    `<ul class="columns ${kind}">${items.map(({ name, count }) => `<li><span>${escapeHtml(name)}</span>${count > 0 ? `<span>${count.toLocaleString('en')}</span>` : ''}</li>`).join('')}</ul>`;
  const rest = never.length === 0 ? `<p>${complete}</p>` : `<p>Never reached:</p>${list(never, 'never')}`;
  const all = list(
    rows.filter(({ count }) => count > 0).toSorted((a, b) => a.count - b.count),
    'seen',
  );
  return `<h2>${title}: ${seen} of ${rows.length} (${share.toFixed(1)} %)</h2><div class="bar"><i style="width:${share.toFixed(1)}%"></i></div>${rest}<details><summary>How often each was seen, the rarest first</summary>${all}</details>`;
};
