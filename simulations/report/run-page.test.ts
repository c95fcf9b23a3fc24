import assert from 'node:assert/strict';
import { Script } from 'node:vm';
import { test } from 'node:test';
import type { Plan } from '../plan/types.ts';
import { Recorder } from './recorder.ts';
import { renderRunPage } from './run-page.ts';

const plan: Plan = {
  version: 1,
  about: 'A made-up <run> & more',
  seed: 42,
  cluster: { proxies: 1, witnesses: 1, nodes: 1, liars: 0, uplinkBytesPerSecond: null },
  chaosMs: 1_000,
  calmMs: 0,
  core: [],
  profile: null,
  faults: [{ id: 1, kind: 'cut', atMs: 100, forMs: 500, from: ['tracker'], to: ['backup'], bothWays: false }],
  operations: [{ id: 9, atMs: 50, node: 'node1', do: 'register', account: 3 }],
};

const page = (failed: boolean): string => {
  let now = 2_000_000;
  const recorder = new Recorder({ now: () => (now += 1_000), status: () => null });
  for (const process of ['tracker', 'backup', 'proxy1', 'node1']) recorder.started(process, 1);
  recorder.called(9, 'node1');
  recorder.logged({ at: 0, process: 'backup', level: 'warn', fields: {}, message: 'ends with </script><b>' });
  recorder.answered(9, 'node1', { ok: true, value: {} });
  return renderRunPage({
    plan,
    probes: [],
    failure: failed ? { checker: 'I3', message: 'entry 5 is gone', atMs: 400 } : null,
    recording: recorder.recording(),
    originMicros: 2_000_000,
    replay: 'shoal simulate failure.json',
    commit: 'abc1234',
    traceHash: '0011223344556677',
    events: 1_234,
  });
};

test('the page stands alone: nothing is fetched, its script is a script, and no text of the run gets into it', () => {
  const html = page(true);
  assert.ok(!/(src|href)=|@import|url\(https?:/u.test(html));
  assert.equal(html.match(/<\/script>/gu)?.length, 1);
  assert.ok(html.includes('A made-up &lt;run&gt; &amp; more'));
  const [, script] = /<script>(.*)<\/script>/su.exec(html) ?? [];
  assert.ok(script);
  assert.doesNotThrow(() => new Script(script));
});

test('it says what broke, what was going on, and how to see it again', () => {
  const html = page(true);
  for (const shown of [
    'I3',
    'entry 5 is gone',
    'cut tracker -&gt; backup',
    'register account 3',
    'shoal simulate failure.json',
    'abc1234',
    '0011223344556677',
  ])
    assert.ok(html.includes(shown), shown);
  const drawn = (page: string): string => page.slice(0, page.indexOf('<script>'));
  assert.ok(drawn(html).includes('class="violation"'));
  assert.ok(html.includes('&quot;seed&quot;: 42'), 'the plan as JSON');
  assert.ok(!drawn(page(false)).includes('class="violation"'));
});
