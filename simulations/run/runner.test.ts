import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MakeChecker, Violation } from '../check/checker.ts';
import { generatePlan } from '../plan/generate.ts';
import type { Plan } from '../plan/types.ts';
import { runPlan } from './runner.ts';

const short: Plan = {
  version: 1,
  about: 'two nodes register, share and fetch while the main tracker is killed',
  seed: 1,
  cluster: { proxies: 1, witnesses: 1, nodes: 2, liars: 0, uplinkBytesPerSecond: null },
  chaosMs: 12_000,
  calmMs: 30_000,
  core: ['tracker', 'backup', 'proxy1', 'node1', 'node2'],
  profile: null,
  faults: [{ kind: 'kill', id: 1, atMs: 5_000, forMs: 3_000, process: 'tracker', afterSteps: 0 }],
  operations: [
    { do: 'register', id: 11, atMs: 100, node: 'node1', account: 0 },
    { do: 'login', id: 12, atMs: 600, node: 'node1', account: 0, password: 0 },
    { do: 'register', id: 13, atMs: 100, node: 'node2', account: 1 },
    { do: 'login', id: 14, atMs: 600, node: 'node2', account: 1, password: 0 },
    { do: 'share', id: 15, atMs: 1_500, node: 'node1', content: 3, bytes: 5_000 },
    { do: 'get', id: 16, atMs: 3_000, node: 'node2', content: 3 },
    { do: 'register', id: 17, atMs: 5_100, node: 'node2', account: 1 },
    { do: 'passwd', id: 18, atMs: 4_000, node: 'node2', password: 2 },
    { do: 'accounts', id: 19, atMs: 4_500, node: 'node1' },
    { do: 'repeat', id: 20, atMs: 4_000, node: 'node1', account: 7, times: 70 },
  ],
};

/** What users of a run were told, by the operation's number. */
const answersOf = (plan: Plan): { readonly answers: ReadonlyMap<number, string>; readonly failure: object | null } => {
  const answers = new Map<number, string>();
  const listen: MakeChecker = () => ({
    name: 'listener',
    demands: 'nothing',
    answered: (id, _process, result) => void answers.set(id, result.ok ? 'ok' : result.error.code),
  });
  const { failure } = runPlan(plan, { checkers: [listen] });
  return { answers, failure };
};

test('a plan is run: users are answered, also those who asked in the middle of a failover', () => {
  const { answers, failure } = answersOf(short);
  assert.equal(failure, null);
  assert.deepEqual(
    [11, 12, 13, 14, 15, 16, 17, 18, 19, 20].map((id) => answers.get(id)),
    ['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'name-taken', 'ok', 'ok', 'ok'],
  );
  const probes = [...answers].filter(([id]) => id >= 1_000_000_000);
  assert.ok(probes.length > 10);
  assert.deepEqual(
    probes.filter(([, answer]) => answer !== 'ok'),
    [],
    'in the calm everything works',
  );
});

test('the same plan is the same run, whoever watches, and another seed is another', () => {
  const first = runPlan(short);
  assert.equal(runPlan(short, { observers: [() => ({ sent() {}, transition() {}, stepped() {} })] }).traceHash, first.traceHash);
  assert.notEqual(runPlan({ ...short, seed: 2 }).traceHash, first.traceHash);
  assert.equal(first.faults, 1);
  assert.ok(first.coverage.transitions.size > 5);
});

test('who stands still outside the core to the end is woken to be stopped, and leaves nothing behind', () => {
  const { failure } = runPlan({
    ...short,
    cluster: { ...short.cluster, liars: 1 },
    chaosMs: 2_000,
    calmMs: 5_000,
    core: ['tracker', 'proxy1', 'node1'],
    faults: ['backup', 'node2', 'liar1'].map((process, id) => ({ kind: 'pause', id, atMs: 1_000, forMs: 3_000, process })),
    operations: [],
  });
  assert.equal(failure, null);
});

test('a run may end while a replica that lost its ledger is down', () => {
  const faults: Plan['faults'] = [{ kind: 'forget', id: 1, atMs: 200, forMs: 5_000, process: 'tracker', what: 'ledger' }];
  assert.equal(runPlan({ ...short, chaosMs: 1_000, calmMs: 0, faults, operations: [] }).failure, null);
});

test('what a checker finds ends the run and is named', () => {
  const picky: MakeChecker = () => ({
    name: 'picky',
    demands: 'that nobody shares',
    called: (id) => {
      if (id === 15) throw new Violation('I99', 'somebody shares');
    },
  });
  const { failure } = runPlan(short, { checkers: [picky] });
  assert.deepEqual([failure?.checker, failure?.message, failure?.atMs], ['I99', 'I99: somebody shares', 1_500]);
  const atCommits: MakeChecker = () => ({
    name: 'picky',
    demands: 'that nothing is applied',
    committed: (_process, transaction) => {
      if (transaction === 'apply') throw new Violation('I98', 'something is applied');
    },
  });
  assert.equal(runPlan(short, { checkers: [atCommits] }).failure?.checker, 'I98', 'and is no mistake of the transaction');
});

test('a mistake of a program, a reach for the real world and a world without rest are told apart', () => {
  const during = (act: () => void): MakeChecker => {
    return () => ({
      name: 'fault',
      demands: 'nothing',
      called: (id) => {
        if (id === 15) act();
      },
    });
  };
  const found = (act: () => void) => runPlan(short, { checkers: [during(act)] }).failure?.checker;
  assert.equal(
    found(() => {
      throw new TypeError('a mistake');
    }),
    'crash',
  );
  assert.equal(
    found(() => void setTimeout(() => {}, 1)),
    'tripwire',
  );
  assert.equal(runPlan(short, { eventsMax: 1_000 }).failure?.checker, 'stuck');
});

test('generated plans run to their end', () => {
  for (const seed of [1, 2]) {
    const { failure, operations, succeeded } = runPlan(generatePlan(seed, { chaosMs: 20_000, calmMs: 30_000 }), { checkers: [] });
    assert.equal(failure, null, `seed ${seed}`);
    assert.ok(succeeded > operations / 4, `seed ${seed}: ${succeeded} of ${operations}`);
  }
});
