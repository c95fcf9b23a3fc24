import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renderFuzzPage } from './fuzz-page.ts';
import type { FuzzSummary } from './fuzz-summary.ts';

const summary: FuzzSummary = {
  version: 1,
  commit: 'abc1234',
  startedAt: '2026-01-01T00:00:00.000Z',
  realSeconds: 600,
  cores: 2,
  runs: 1_500,
  clusterHours: 75,
  events: 90_000_000,
  faults: 6_000,
  operations: 80_000,
  succeeded: 60_000,
  speed: 1_234.5,
  transitions: [
    { name: 'replica: follower.inSync primary.suspected candidate.collecting', count: 900 },
    { name: 'replica: primary.degrading disk.full fenced', count: 0 },
  ],
  marks: [{ name: 'a retry was answered from the ledger', count: 12 }],
  failures: [
    {
      seed: 77,
      checker: 'I3',
      message: 'lost <entry> 4',
      atMs: 12_300,
      replay: 'shoal simulate I3-77.json',
      page: 'I3-77.html',
      shrunkTo: 4,
    },
    {
      seed: 78,
      checker: 'L1',
      message: 'no primary',
      atMs: 150_000,
      replay: 'shoal simulate random --seed 78',
      page: null,
      shrunkTo: null,
    },
  ],
};

test('the page tells how much was run, what was never reached, and each failure with its page and command', () => {
  const html = renderFuzzPage(summary);
  for (const shown of [
    '75.0',
    '1,235 ×',
    '80 an hour',
    '75 %',
    'primary.degrading disk.full fenced',
    '1 of 2 (50.0 %)',
    'lost &lt;entry&gt; 4',
    'href="I3-77.html"',
    'shoal simulate random --seed 78',
  ])
    assert.ok(html.includes(shown), shown);
  assert.ok(html.indexOf('Never reached') < html.indexOf('primary.degrading'));
  assert.ok(html.includes('Every mark was reached.'));
  assert.doesNotMatch(html, /<script|@import|url\(/u);
});

test('a batch without failures says so', () => {
  assert.match(renderFuzzPage({ ...summary, failures: [] }), /<h1>Fuzzing: no failure/u);
});
