import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { FIRST_PROBE_ID } from '../plan/probes.ts';
import { parsePlan } from '../plan/schema.ts';
import type { Plan } from '../plan/types.ts';
import { runPlan } from '../run/runner.ts';

const folder = new URL('.', import.meta.url);

const planOf = (name: string): Plan => {
  const plan = parsePlan(readFileSync(new URL(`${name}.json`, folder), 'utf8'), `${name}.json`);
  assert.ok(plan.ok, plan.ok ? '' : plan.error.message);
  return plan.value;
};

interface Told {
  /** Who led, one after the other. */
  readonly leaders: readonly string[];
  readonly answers: ReadonlyMap<number, string>;
  readonly transitions: ReadonlySet<string>;
  readonly failure: object | null;
}

const run = (plan: Plan): Told => {
  const leaders: string[] = [];
  const answers = new Map<number, string>();
  const transitions = new Set<string>();
  const { failure } = runPlan(plan, {
    observers: [
      () => ({
        transition: (process, machine, from, _event, to) => {
          transitions.add(`${machine} ${to}`);
          if (machine === 'replica' && to.startsWith('primary') && !from.startsWith('primary')) leaders.push(process);
        },
        answered: (id, _process, result) => void answers.set(id, result.ok ? 'ok' : result.error.code),
      }),
    ],
  });
  return { leaders, answers, transitions, failure };
};

/** What each plan is about, beside what checkers demand of every run: who leads, and whether changes have to wait for somebody. */
const expected: Readonly<
  Record<string, { readonly leaders: readonly string[]; readonly waits?: true; readonly takes?: readonly string[] }>
> = {
  'main-backup-cut': { leaders: ['tracker'], takes: ['replica primary.degrading', 'replica primary.upgrading'] },
  'main-deaf': { leaders: ['tracker', 'backup'] },
  'main-mute': { leaders: ['tracker', 'backup'] },
  'main-cut-from-proxy': { leaders: ['tracker', 'backup'], takes: ['replica primary.draining'] },
  'main-cut-from-witnesses': { leaders: ['tracker', 'backup'] },
  'older-replica-waits': { leaders: ['tracker', 'tracker'], waits: true },
  'dying-primary': { leaders: ['tracker', 'tracker'], waits: true },
  'both-at-once': { leaders: ['tracker', 'tracker'] },
  'amnesiac-voter': { leaders: ['tracker', 'backup'], takes: ['voter rejoining'] },
  'backup-loses-its-log': { leaders: ['tracker', 'tracker', 'backup'] },
  'torn-power-cut': { leaders: ['tracker', 'tracker'] },
  'retry-across-failover': { leaders: ['tracker', 'backup'] },
  clocks: { leaders: ['tracker', 'backup'] },
  'snapshot-during-failover': { leaders: ['tracker', 'tracker', 'tracker'], waits: true, takes: ['replication-link snapshot'] },
  'full-disk': { leaders: ['tracker', 'backup'] },
  'half-deaf-backup': { leaders: ['tracker'] },
  'planned-hand-over': { leaders: ['tracker', 'backup', 'tracker'], takes: ['replica primary.draining'] },
};

test('every plan of this folder is expected to do something', () => {
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
  assert.deepEqual(files.map((file) => file.slice(0, -'.json'.length)).sort(), Object.keys(expected).sort());
});

for (const [name, { leaders, waits, takes = [] }] of Object.entries(expected)) {
  test(`plan ${name}`, () => {
    const plan = planOf(name);
    const told = run(plan);
    assert.equal(told.failure, null);
    assert.deepEqual(told.leaders, leaders, 'who leads');
    for (const transition of takes) assert.ok(told.transitions.has(transition), `${transition} happens`);
    const refusals = [...told.answers].filter(([, answer]) => answer !== 'ok');
    const waited = refusals.filter(([, answer]) => answer === 'unavailable');
    assert.equal(waited.length > 0, waits === true, 'changes wait for the replica that has everything');
    // A node that loses its only proxy says so at once.
    const others = refusals.filter(([, answer]) => answer !== 'unavailable' && answer !== 'offline');
    assert.deepEqual(others, []);
    const probes = [...told.answers.keys()].filter((id) => id >= FIRST_PROBE_ID);
    assert.ok(probes.length > 10 && probes.every((id) => told.answers.get(id) === 'ok'), 'all is well in the end');
  });
}
