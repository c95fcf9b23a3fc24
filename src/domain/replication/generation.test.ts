import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { activationOf } from './candidate.ts';
import { nextEntry } from './chain.ts';
import { decideAppend } from './follower.ts';
import { CommonSearch, generationOf } from './generation.ts';
import { addLearner, beginPrimacy, proposeDegrade, proposeUpgrade } from './primary.ts';
import { EMPTY_LOG, type LogEntry, type LogPosition } from './types.ts';

test('the last common entry is found in a few questions, wherever it is', () => {
  fc.assert(
    fc.property(fc.nat(3_000), fc.nat(3_000), fc.nat(3_000), fc.nat(3_000), (end, a, b, base) => {
      const applied = Math.min(a, end);
      const common = Math.min(b, end);
      const search = new CommonSearch(applied, end);
      let questions = 0;
      for (let seq = search.next; seq !== null; seq = search.next) {
        questions++;
        search.compared(seq, seq < base ? 'unknown' : seq <= common ? 'same' : 'other');
      }
      assert.ok(questions <= 14);
      if (base <= common) assert.equal(search.common, common);
      else assert.equal(search.common, null);
      assert.ok(search.undisputed >= (search.common ?? -1));
    }),
  );
});

test('a generation is inherited by every configuration of the epoch, and left out where there was none', () => {
  const log = { lastSeq: 3, appliedSeq: 3 };
  const forced = beginPrimacy(activationOf('backup', 7, 2), 'backup', log);
  assert.deepEqual(forced.chosen, { e: 7, v: 0, primary: 'backup', isr: ['backup'], generation: 2 });
  const joined = addLearner(forced, 'main', 3);
  assert.ok(joined);
  assert.equal(proposeUpgrade(joined)?.proposal?.generation, 2);
  assert.equal(proposeDegrade(joined)?.proposal?.generation, 2);
  assert.equal('generation' in activationOf('backup', 7), false);
  assert.equal(generationOf(activationOf('backup', 7)), 0);
});

const entries = (before: LogPosition, epoch: number, ...payloads: string[]): LogEntry[] => {
  let last = before;
  return payloads.map((payload) => {
    const entry = nextEntry(last, epoch, { requestId: null, payload: new TextEncoder().encode(payload), wallMs: 0 });
    last = entry;
    return entry;
  });
};

test('of a log of an older generation nothing that is applied counts as the primary’s before it was compared', () => {
  const own = entries(EMPTY_LOG, 1, 'a', 'b', 'c', 'd');
  const at = (seq: number): LogPosition | null => (seq === 0 ? EMPTY_LOG : (own[seq - 1] ?? null));
  const log = { last: own[3] as LogEntry, appliedSeq: 3, at };
  const other = entries(own[1] as LogEntry, 2, 'x', 'y');
  const facts = { promised: 2, log, olderGeneration: true };
  const append = (before: LogPosition, sent: LogEntry[]) => decideAppend(facts, { epoch: 2, before, entries: sent, commitSeq: 0 });
  assert.equal(append(own[1] as LogEntry, other).kind, 'nack', 'begins before what is applied');
  assert.equal(append(other[0] as LogEntry, other.slice(1)).kind, 'nack');
  const same = entries(own[2] as LogEntry, 2, 'z');
  assert.deepEqual(append(own[2] as LogEntry, same), { kind: 'accept', truncateAfter: 3, entries: same, matchSeq: 4 });
  assert.equal(decideAppend({ promised: 2, log }, { epoch: 2, before: own[1] as LogEntry, entries: other, commitSeq: 0 }).kind, 'broken');
});
