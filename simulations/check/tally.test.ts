import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Told } from './check.test-kit.ts';
import { countedOnce } from './tally.ts';

const CONTENT = 'c'.repeat(64);

const told = (...counters: readonly [incarnation: string, uploadedBytes: number][]): Told => {
  const users = new Told(countedOnce);
  for (const [index, [incarnation, uploadedBytes]] of counters.entries()) {
    const item = { content: CONTENT, event: 'none', leftBytes: 0, uploadedBytes, downloadedBytes: 0, want: 0 } as const;
    users.tell('sent', 'node1', 'proxy1', 'member', { kind: 'announce', node: 'n', incarnation, sequence: index + 1, items: [item] });
  }
  return users;
};

it('what the ledger counts may be less than what was said, never more; processes and runs of a node add up', () => {
  const counts = (users: Told, up: number) => (): void => {
    users.rows.set('tracker', [{ name: 'tallies', content: CONTENT, up, down: 0 }] as never);
    users.checker.end?.();
  };
  counts(told(['a', 5], ['a', 9]), 9)();
  counts(told(['a', 5], ['a', 9]), 0)();
  assert.throws(
    counts(told(['a', 5], ['a', 9]), 14),
    /tally: the ledger of tracker counts 14 bytes up and 0 down of c+; nodes have said 9 and 0/u,
  );
  counts(told(['a', 5], ['a', 9], ['b', 4], ['b', 1]), 14)();
  assert.throws(counts(told(['a', 5], ['a', 9], ['b', 4], ['b', 1]), 15), /tally/u);
  assert.throws(counts(told(), 1), /tally/u);
});
