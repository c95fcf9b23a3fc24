import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPlan } from '../plan/schema.ts';
import type { Fault, Operation, Plan } from '../plan/types.ts';
import type { Failure } from '../run/outcome.ts';
import { type Fails, shrinkPlan, type ShrinkLimits } from './plan.ts';

const plan = (over: Partial<Plan> = {}): Plan => {
  const faults = Array.from({ length: 40 }, (_, index): Fault => {
    const timed = { id: index, atMs: index * 2_937 + 11, forMs: 4_321 };
    if (index % 3 === 0) return { ...timed, kind: 'kill', process: index % 2 === 0 ? 'tracker' : 'backup', afterSteps: 7 };
    if (index % 3 === 1) return { ...timed, kind: 'cut', from: ['tracker', 'node3', 'node4'], to: ['backup', 'proxy1'], bothWays: true };
    return { ...timed, kind: 'power', process: 'proxy2', afterSteps: 3, torn: true };
  });
  const operations = Array.from({ length: 80 }, (_, index): Operation => {
    const timed = { id: 100 + index, atMs: index * 1_471 + 5, node: `node${1 + (index % 8)}` };
    return index % 2 === 0 ? { ...timed, do: 'register', account: index } : { ...timed, do: 'search', words: 'some words' };
  });
  return {
    version: 1,
    about: 'A made-up run',
    seed: 7,
    cluster: { proxies: 3, witnesses: 3, nodes: 8, liars: 1, uplinkBytesPerSecond: 1_000_000 },
    chaosMs: 120_000,
    calmMs: 60_000,
    core: ['tracker', 'proxy1', 'proxy2', 'node1'],
    profile: { faultsPerMinute: { kill: 3 }, operationsPerMinute: { register: 20 }, targets: [] },
    faults,
    operations,
    ...over,
  };
};

const limits = (over: Partial<ShrinkLimits> = {}): ShrinkLimits => ({ runsMax: 2_000, secondsMax: 30, now: () => 0, ...over });
const failure = (checker: string, atMs: number): Failure => ({ checker, message: 'made up', atMs });

/** Fails when the tracker is killed and, while it is away, somebody registers. */
const lostRegistration: Fails = (tried) => {
  for (const fault of tried.faults) {
    if (fault.kind !== 'kill' || fault.process !== 'tracker' || fault.atMs > tried.chaosMs) continue;
    const during = tried.operations.find(
      ({ do: what, atMs }) => what === 'register' && atMs > fault.atMs && atMs < fault.atMs + fault.forMs,
    );
    if (during !== undefined && during.atMs < tried.chaosMs) return failure('I3', during.atMs + 30);
  }
  return null;
};

test('a failing plan is reduced to the two things that matter, at round times, in the smallest cluster', () => {
  const whole = plan();
  const first = lostRegistration(whole) as Failure;
  const shrunk = shrinkPlan(whole, first, lostRegistration, limits());
  assert.equal(shrunk.stoppedBy, 'no');
  assert.equal(shrunk.plan.faults.length, 1);
  assert.equal(shrunk.plan.operations.length, 1);
  assert.deepEqual(shrunk.plan.cluster, { proxies: 1, witnesses: 1, nodes: 1, liars: 0, uplinkBytesPerSecond: null });
  assert.equal(shrunk.plan.profile, null);
  assert.equal(shrunk.plan.calmMs, 0);
  assert.ok(shrunk.plan.chaosMs < 1_000, `${shrunk.plan.chaosMs} ms`);
  const [fault] = shrunk.plan.faults;
  assert.ok(fault?.kind === 'kill' && fault.afterSteps === 0);
  assert.deepEqual(lostRegistration(shrunk.plan), shrunk.failure);
  assert.ok(shrunk.runs < 300, `${shrunk.runs} runs`);
  assert.deepEqual(shrinkPlan(whole, first, lostRegistration, limits()), shrunk, 'the same again');
});

test('a smaller plan that breaks something else is not taken for it', () => {
  const whole = plan();
  const fails: Fails = (tried) => {
    if (tried.faults.length < 5) return failure('I6', 10);
    return failure('L1', tried.chaosMs + 20_000);
  };
  const shrunk = shrinkPlan(whole, fails(whole) as Failure, fails, limits());
  assert.equal(shrunk.failure.checker, 'L1');
  assert.equal(shrunk.plan.faults.length, 5);
  assert.equal(shrunk.plan.operations.length, 0);
});

test('a failure of the calm phase keeps as much of it as it needs', () => {
  const fails: Fails = (tried) =>
    tried.calmMs >= 10_000 && tried.faults.some(({ kind }) => kind === 'cut') ? failure('L1', tried.chaosMs + 10_000) : null;
  const shrunk = shrinkPlan(plan(), fails(plan()) as Failure, fails, limits());
  assert.equal(shrunk.plan.calmMs, 10_001);
  assert.equal(shrunk.plan.faults.length, 1);
  const [fault] = shrunk.plan.faults;
  assert.ok(fault?.kind === 'cut' && fault.from.length === 1 && fault.to.length === 1 && !fault.bothWays);
});

test('a plan that cannot be run is no failure', () => {
  const fails: Fails = (tried) => {
    if (tried.cluster.nodes === 0) throw new Error('There must be a node');
    return failure('I1', 5);
  };
  const shrunk = shrinkPlan(plan(), failure('I1', 5), fails, limits());
  assert.equal(shrunk.plan.cluster.nodes, 1);
});

test('runs and seconds are bounded, and what was reached by then is the answer', () => {
  let asked = 0;
  const counted: Fails = (tried) => {
    asked++;
    return lostRegistration(tried);
  };
  const first = lostRegistration(plan()) as Failure;
  const few = shrinkPlan(plan(), first, counted, limits({ runsMax: 12 }));
  assert.equal(few.stoppedBy, 'runs');
  assert.equal(asked, 12);
  assert.ok(few.plan.operations.length < 80);
  assert.deepEqual(lostRegistration(few.plan), few.failure);

  let ms = 0;
  const slow = shrinkPlan(plan(), first, lostRegistration, limits({ secondsMax: 2, now: () => (ms += 250) }));
  assert.equal(slow.stoppedBy, 'seconds');
  assert.ok(slow.runs <= 8);
});

test('what comes out can be saved and read again: a core has a proxy and a majority', () => {
  const whole = plan({ core: ['tracker', 'backup', 'proxy3', 'node1'] });
  const shrunk = shrinkPlan(whole, failure('I1', 5), () => failure('I1', 5), limits());
  assert.deepEqual([shrunk.plan.cluster.proxies, shrunk.plan.core], [1, ['tracker', 'backup', 'proxy1']]);
  const read = checkPlan(shrunk.plan, 'the plan');
  assert.ok(read.ok, read.ok ? '' : read.error.message);
});
