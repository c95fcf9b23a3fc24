import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from '../../src/ports/counter-random.ts';
import { generatePlan } from './generate.ts';
import { voterNames } from './names.ts';
import { drawProfile } from './profile.ts';
import { checkPlan, faultKinds, formatPlan, operationKinds, parsePlan } from './schema.ts';
import type { Plan } from './types.ts';

const seeds = Array.from({ length: 300 }, (_, index) => index);

/** A message that names what is wrong with a plan that was fine before `spoil`. */
const refusal = (spoil: (plan: Record<string, unknown>) => void): string => {
  const plan = structuredClone(generatePlan(3)) as unknown as Record<string, unknown>;
  spoil(plan);
  const checked = checkPlan(plan, 'plan.json');
  assert.ok(!checked.ok, 'it is accepted');
  return checked.error.message;
};

test('every generated plan can be written as a file and read again', () => {
  for (const seed of seeds) {
    const plan = generatePlan(seed);
    const read = parsePlan(formatPlan(plan), 'plan.json');
    assert.ok(read.ok, read.ok ? '' : `seed ${seed}: ${read.error.message}`);
    assert.deepEqual(read.value, plan);
  }
});

test('seeds differ in kind: each fault and operation is in some runs and missing in most', () => {
  const plans = seeds.map((seed) => generatePlan(seed));
  const share = (has: (plan: Plan) => boolean): number => plans.filter(has).length / plans.length;
  for (const kind of faultKinds) {
    const part = share((plan) => plan.faults.some((fault) => fault.kind === kind));
    assert.ok(part > (kind === 'ledgerError' ? 0.02 : 0.05) && part < 0.7, `${kind}: ${part}`);
  }
  for (const kind of operationKinds) {
    const part = share((plan) => plan.operations.some((operation) => operation.do === kind));
    assert.ok(part > (kind === 'forcePromote' ? 0.005 : 0.2), `${kind}: ${part}`);
  }
  assert.ok(share((plan) => plan.cluster.witnesses === 3) > 0.1);
  assert.ok(share((plan) => plan.faults.length < 8) > 0.1, 'quiet runs');
  assert.ok(share((plan) => plan.faults.length > 60) > 0.1, 'dense runs');
});

test('a core can elect a primary and be reached', () => {
  for (const seed of seeds) {
    const { core, cluster } = generatePlan(seed);
    const voters = voterNames(cluster);
    assert.ok(2 * voters.filter((name) => core.includes(name)).length > voters.length, `seed ${seed}`);
    assert.ok(
      core.some((name) => name.startsWith('proxy')),
      `seed ${seed}`,
    );
  }
});

test('which run a seed is does not depend on how long it lasts', () => {
  const source = (): Parameters<typeof drawProfile>[0] => createRandom('profile');
  const cluster = { proxies: 3, witnesses: 3, nodes: 8, liars: 0, uplinkBytesPerSecond: null } as const;
  assert.deepEqual(drawProfile(source(), cluster), drawProfile(source(), cluster));
  const short = generatePlan(7, { chaosMs: 60_000, calmMs: 0 });
  const long = generatePlan(7, { chaosMs: 120_000, calmMs: 60_000 });
  assert.deepEqual([short.cluster, short.profile, short.core], [long.cluster, long.profile, long.core]);
});

test('what is wrong with a plan is said with its place', () => {
  assert.match(
    refusal((plan) => (plan['version'] = 2)),
    /plan\.json: version must be 1/u,
  );
  assert.match(
    refusal((plan) => (plan['chaos'] = 1)),
    /chaos is not a known key/u,
  );
  assert.match(
    refusal((plan) => (plan['faults'] = [{ kind: 'kill', id: 1, atMs: 1, forMs: -1, process: 'tracker', afterSteps: 0 }])),
    /faults\[0\]\.forMs must be at least 0/u,
  );
  assert.match(
    refusal((plan) => (plan['faults'] = [{ kind: 'kill', id: 1, atMs: 1, forMs: 1, process: 'node99', afterSteps: 0 }])),
    /faults\[0\] names node99, which is no process of this cluster \(tracker, backup, proxy1/u,
  );
  const search = { do: 'search', id: 1, atMs: 1, node: 'node1', words: '' };
  assert.match(
    refusal((plan) => (plan['operations'] = [search, search])),
    /operations\[1\]\.id is 1 a second time/u,
  );
  assert.match(
    refusal((plan) => (plan['core'] = ['tracker', 'node1'])),
    /core must have a majority of the voters/u,
  );
  assert.match(
    refusal((plan) => (plan['faults'] = [{ kind: 'earthquake' }])),
    /faults\[0\]\.kind/u,
  );
  const broken = parsePlan('{', 'plan.json');
  assert.match(broken.ok ? '' : broken.error.message, /plan\.json is not valid JSON/u);
});

test('lists are taken in any order and read in the order of time', () => {
  const plan = generatePlan(11);
  const read = checkPlan({ ...plan, faults: plan.faults.toReversed(), operations: plan.operations.toReversed() }, 'plan.json');
  assert.deepEqual(read.ok && read.value, plan);
});
