import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { planOf } from './check.test-kit.ts';
import type { RunView } from './checker.ts';
import { allTransitions, CoverageCollector } from './coverage.ts';
import { allMarks } from './marks.ts';

const view: RunView = {
  plan: planOf(),
  now: () => 0,
  phase: 'chaos',
  running: () => true,
  status: () => null,
  file: () => null,
  query: () => [],
};

describe('coverage', () => {
  it('knows every transition of every machine, those of the states around a state too, each once', () => {
    assert.equal(new Set(allTransitions).size, allTransitions.length);
    for (const transition of [
      'replica: follower.inSync primary.suspected candidate.preVoting',
      'replica: primary.sync log.failed halted',
      'replica: primary.degrading configuration.chosen primary.solo',
      'route: suspect after suspect holding',
      'voter: rejoining after askAgain rejoining',
      'peer: handshaking handshake opening',
    ])
      assert.ok(allTransitions.includes(transition), transition);
    // The state takes the event itself, so that the one around it does not.
    assert.ok(!allTransitions.includes('replica: follower.probing isr.joined follower.catchingUp'));
  });

  it('counts what is taken under faults, by the names that it expects', () => {
    let faults = false;
    const collector = new CoverageCollector(view, () => faults);
    const take = (): void => collector.observer.transition?.('proxy1', 'route', 'suspect', 'xstate.after.suspect.route.suspect', 'holding');
    take();
    faults = true;
    take();
    take();
    assert.deepEqual([...collector.coverage().transitions], [['route: suspect after suspect holding', 2]]);
  });

  it('reaches marks by log lines, transitions, frames and answers', () => {
    const collector = new CoverageCollector(view, () => true);
    const { observer } = collector;
    observer.logged?.({ at: 0, process: 'tracker', level: 'warn', fields: {}, message: 'no majority answers: stepping down' });
    observer.transition?.('tracker', 'replica', 'primary.sync', 'epoch.higher', 'fenced');
    observer.sent?.('tracker', 'backup', 'replica', { kind: 'timeoutNow', epoch: 1, seq: 1 } as never);
    observer.sent?.('backup', 'proxy1', 'proxy', { kind: 'heartbeat', epoch: 2, v: 0, round: 1, commitSeq: 0, primary: 'backup' });
    observer.answered?.(1, 'node1', { ok: false, error: { code: 'indeterminate', message: '' } });
    const reached = [...collector.coverage().marks.keys()];
    assert.deepEqual(reached.toSorted(), [
      'a primary is fenced by a higher epoch (R11)',
      'a primary steps down for lost quorum',
      'a user is told that the outcome is unknown',
    ]);
    for (const mark of reached) assert.ok(allMarks.includes(mark), mark);
  });

  it('tells a snapshot that is begun again, and both replicas that stand at once', () => {
    const { observer, coverage } = ((collector: CoverageCollector) => ({
      observer: collector.observer,
      coverage: () => collector.coverage(),
    }))(new CoverageCollector(view, () => true));
    const chunk = (index: number) =>
      ({
        kind: 'snapshotChunk',
        epoch: 1,
        position: { seq: 1, epoch: 1, hash: new Uint8Array(32) },
        index,
        done: false,
        bytes: new Uint8Array(0),
      }) as const;
    for (const index of [0, 1, 0]) observer.sent?.('tracker', 'backup', 'replica', chunk(index));
    for (const process of ['tracker', 'backup'])
      observer.transition?.(process, 'replica', 'follower.inSync', 'primary.suspected', 'candidate.preVoting');
    assert.deepEqual(
      [...coverage().marks],
      [
        ['a snapshot is begun again', 1],
        ['both replicas stand at once', 1],
      ],
    );
  });
});
