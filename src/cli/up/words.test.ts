import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deathLines, downloadText, SPREAD_BYTES_MIN, thirdHeading, thirdTitle } from './words.ts';

const id = (digit: string): string => digit.repeat(32);
const alice = { node: id('a'), name: 'alice', bytes: 39_000_000 };
const bob = { node: id('b'), name: 'bob', bytes: 88_000_000 };

describe('what the tour says of a download', () => {
  it('says "both" only where both gave something, in the line as in the summary', () => {
    const both = { transfer: { size: 127_000_000, sources: [bob, alice] }, ms: 5_000 };
    assert.equal(
      downloadText('carol', both),
      'carol downloads it from both at once: 127 MB at 25.4 MB/s, 39.0 MB from alice and 88.0 MB from bob',
    );
    assert.equal(thirdTitle(both), 'third node downloads from both');
    const one = { transfer: { size: 127_000_000, sources: [bob, { ...alice, bytes: 0 }] }, ms: 5_000 };
    assert.equal(downloadText('carol', one), 'carol downloads it from bob: 127 MB at 25.4 MB/s');
    assert.equal(thirdTitle(one), 'third node downloads');
  });

  it('promises no second source for a small content', () => {
    assert.match(thirdHeading(SPREAD_BYTES_MIN), /from both/u);
    assert.doesNotMatch(thirdHeading(SPREAD_BYTES_MIN - 1), /both/u);
  });

  it('gives no rate where it was over at once, and no source where none was needed', () => {
    assert.equal(downloadText('bob', { transfer: { size: 10, sources: [] }, ms: 270 }), 'bob downloads it: 10 B');
  });
});

describe('what the tour says of a process that ended', () => {
  it('is one line for one that was killed', () => {
    const proxy = { plan: { role: 'proxy', name: 'proxy' }, pid: 12 } as const;
    assert.deepEqual(deathLines(proxy, { code: null, signal: 'SIGKILL' }, ['{"level":30}']), [
      'The proxy (process 12) was ended by SIGKILL.',
    ]);
  });

  it('is followed by what it said last for one that ended with a status of its own', () => {
    const bob = { plan: { role: 'node', name: 'bob' }, pid: 13 } as const;
    assert.deepEqual(deathLines(bob, { code: 74, signal: null }, ['error: the disk is full']), [
      'The node bob (process 13) ended with status 74. Its last lines:',
      'error: the disk is full',
    ]);
    assert.equal(deathLines(bob, { code: 0, signal: null }, ['noise']).length, 1);
  });
});
