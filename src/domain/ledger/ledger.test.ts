import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { ledgerTransactionsWith } from './transactions.ts';
import { drafts } from './changes.test-kit.ts';
import { chain, clientId, TestLedger } from './ledger.test-kit.ts';
import { LEDGER_LIMITS } from './schema.ts';

const small = ledgerTransactionsWith({ ...LEDGER_LIMITS, repliesPerClientMax: 3, clientsMax: 2, sessionsPerAccountMax: 2 });
const ALL = Number.MAX_SAFE_INTEGER;

test('the state follows from the log alone, however it was cut into transactions', () => {
  fc.assert(
    fc.property(drafts, fc.infiniteStream(fc.integer({ min: 1, max: 7 })), fc.infiniteStream(fc.nat(9)), (list, sizes, lags) => {
      const entries = chain(list);
      const whole = new TestLedger(small);
      const told = whole.append(entries).replies;
      const parts = new TestLedger(small);
      const toldInParts = [];
      for (let at = 0; at < entries.length;) {
        const size = sizes.next().value as number;
        const part = entries.slice(at, at + size);
        at += part.length;
        toldInParts.push(...parts.run('append', { entries: part, commitSeq: at - (lags.next().value as number) }).replies);
      }
      toldInParts.push(...parts.run('apply', { commitSeq: ALL }).replies);
      assert.equal(parts.digest(), whole.digest());
      assert.deepEqual(toldInParts, told);
    }),
    { numRuns: 60 },
  );
});

test('a snapshot and the rest of the log are as good as the whole log', () => {
  fc.assert(
    fc.property(drafts, fc.nat(), (list, cut) => {
      const entries = chain(list);
      const at = entries.length === 0 ? 0 : cut % (entries.length + 1);
      const whole = new TestLedger(small);
      whole.append(entries);
      const first = new TestLedger(small);
      first.append(entries.slice(0, at));
      const second = new TestLedger(small);
      second.append(chain(list.slice(0, at).map(() => ({ change: null })))); // an older, other state that must go
      for (const chunk of at === 0 ? [] : first.snapshot().chunks) second.run('snapshotWrite', { chunk });
      if (at > 0) assert.equal(second.digest(), first.digest());
      second.append(entries.slice(at));
      assert.equal(second.digest(), whole.digest());
      for (const foldedWords of [[], ['ha'], ['noi'], ['ubuntu', '24']]) {
        const page = { foldedWords, offset: 0, limit: 10 };
        assert.deepEqual(second.run('search', page), whole.run('search', page));
      }
    }),
    { numRuns: 60 },
  );
});

test('a tail that was cut off leaves no trace', () => {
  fc.assert(
    fc.property(drafts, drafts, fc.nat(), (kept, lost, commit) => {
      const entries = chain(kept);
      const straight = new TestLedger(small);
      straight.append(entries);
      const committed = entries.length === 0 ? 0 : commit % (entries.length + 1);
      const detour = new TestLedger(small);
      detour.run('append', { entries: entries.slice(0, committed), commitSeq: committed });
      detour.run('append', { entries: chain(lost, entries[committed - 1]), commitSeq: committed });
      detour.run('truncateAndAppend', { afterSeq: committed, entries: entries.slice(committed), commitSeq: ALL });
      assert.equal(detour.digest(), straight.digest());
    }),
    { numRuns: 60 },
  );
});

test('a request id that comes again changes nothing and is answered as before', () => {
  fc.assert(
    fc.property(drafts, (list) => {
      const seen = new Set<string>();
      const once = list.map((draft) => {
        const key = JSON.stringify(draft.requestId);
        const again = draft.requestId !== null && seen.has(key);
        seen.add(key);
        return again ? { change: null } : draft;
      });
      const twice = new TestLedger();
      const replies = twice.append(chain(list)).replies;
      const ledger = new TestLedger();
      ledger.append(chain(once));
      assert.equal(twice.rowsDigest(), ledger.rowsDigest());
      for (const reply of replies) assert.deepEqual(reply, twice.run('reply', { requestId: reply.requestId }));
    }),
    { numRuns: 60 },
  );
});

test('compaction moves the beginning of the log and nothing else', () => {
  fc.assert(
    fc.property(drafts, fc.nat(50), (list, through) => {
      const entries = chain(list);
      const ledger = new TestLedger();
      const applied = Math.floor(entries.length / 2);
      ledger.run('append', { entries, commitSeq: applied });
      const before = ledger.digest();
      const { firstSeq } = ledger.run('compact', { throughSeq: through });
      assert.equal(firstSeq, Math.min(through, applied) + 1);
      assert.equal(ledger.digest(), before);
      const rest = ledger.run('read', { fromSeq: firstSeq, bytesMax: ALL });
      assert.deepEqual(
        rest?.entries.map(({ seq }) => seq),
        entries.slice(firstSeq - 1).map(({ seq }) => seq),
      );
      if (firstSeq > 1) assert.equal(ledger.run('read', { fromSeq: firstSeq - 1, bytesMax: ALL }), null);
      ledger.run('apply', { commitSeq: ALL });
      const straight = new TestLedger();
      straight.append(entries);
      assert.equal(ledger.digest(), straight.digest());
    }),
    { numRuns: 40 },
  );
});

const noops = (count: number, epoch = 1) => chain(Array.from({ length: count }, () => ({ change: null, epoch })));

test('entries that do not follow are refused, and none of their batch stays', () => {
  const ledger = new TestLedger();
  const [first, second, third] = chain([1, 2, 3].map((n) => ({ change: { kind: 'session.revoke', tokenHash: `${n}` } as const })));
  assert.ok(first && second && third);
  for (const entries of [[second], [first, third], [first, { ...second, hash: third.hash }], [{ ...first, epoch: 5 }, second]]) {
    const result = ledger.try('append', { entries, commitSeq: 0 });
    assert.equal(!result.ok && result.error.code, 'corrupt');
    assert.equal(ledger.run('open', {}).last.seq, 0);
  }
});

test('what is applied cannot be cut off', () => {
  const ledger = new TestLedger();
  ledger.run('append', { entries: noops(5), commitSeq: 3 });
  const result = ledger.try('truncateAndAppend', { afterSeq: 2, entries: [], commitSeq: 0 });
  assert.equal(!result.ok && result.error.code, 'corrupt');
  assert.equal(ledger.run('truncateAndAppend', { afterSeq: 3, entries: [], commitSeq: 0 }).last.seq, 3);
});

test('reading takes at least one entry, then as many as fit, with the position before them', () => {
  const ledger = new TestLedger();
  ledger.append(noops(10));
  const two = ledger.run('read', { fromSeq: 4, bytesMax: 300 });
  assert.deepEqual(
    two?.entries.map(({ seq }) => seq),
    [4, 5],
  );
  assert.equal(two?.before.seq, 3);
  assert.equal(ledger.run('read', { fromSeq: 4, bytesMax: 1 })?.entries.length, 1);
  assert.deepEqual(ledger.run('read', { fromSeq: 11, bytesMax: 1 })?.entries, []);
  assert.equal(ledger.run('read', { fromSeq: 12, bytesMax: 1 }), null);
});

test('a log that never held an entry says so: it may be one that was lost', () => {
  const ledger = new TestLedger();
  assert.equal(ledger.run('open', {}).existed, false);
  ledger.append(noops(1));
  assert.equal(ledger.run('open', {}).existed, true);
});

test('a database of a newer program is refused and not touched', () => {
  const ledger = new TestLedger();
  ledger.sql.exec('PRAGMA user_version = 99');
  const result = ledger.try('open', {});
  assert.equal(!result.ok && result.error.code, 'newer-schema');
  assert.match(result.ok ? '' : result.error.message, /99/u);
});

test('damaged, doubled and missing chunks of a snapshot do not get in', () => {
  const source = new TestLedger();
  source.change({ kind: 'account.create', name: 'An', folded: 'an', passwordHash: 'x'.repeat(4_000), admin: false, inviteHash: null });
  const { chunks } = source.snapshot();
  const [first, second] = chunks;
  assert.ok(first && second && chunks.length > 3);
  const target = new TestLedger();
  const empty = target.digest();
  const write = (chunk: typeof first): number => target.run('snapshotWrite', { chunk }).last.seq;
  write(first);
  write({ ...second, bytes: second.bytes.map((byte, at) => (at === 40 ? byte ^ 1 : byte)) });
  for (const chunk of chunks.slice(2)) assert.equal(write(chunk), 0);
  assert.equal(target.digest(), empty);
  for (const chunk of chunks) {
    write(chunk);
    if (chunk.index > 0) write(chunk);
  }
  assert.equal(target.digest(), source.digest());
});

test('a snapshot does not take the state back', () => {
  const source = new TestLedger();
  source.append(noops(2));
  const target = new TestLedger();
  target.append(noops(3));
  for (const chunk of source.snapshot().chunks) assert.equal(target.run('snapshotWrite', { chunk }).last.seq, 3);
});

test('after a forced promotion it does, in the transaction of its last chunk', () => {
  const source = new TestLedger();
  source.change({ kind: 'account.create', name: 'An', folded: 'an', passwordHash: 'x'.repeat(4_000), admin: false, inviteHash: null });
  const target = new TestLedger();
  target.append(noops(3));
  target.change({ kind: 'account.create', name: 'Bình', folded: 'bình', passwordHash: 'y', admin: false, inviteHash: null });
  const before = target.digest();
  const { chunks } = source.snapshot();
  for (const chunk of chunks) {
    assert.equal(target.digest(), before);
    target.run('snapshotWrite', { chunk, overrides: true });
  }
  assert.equal(target.digest(), source.digest());
  assert.equal(target.run('account', { folded: 'bình' }), null);
  assert.equal(target.run('open', {}).appliedSeq, 1);
});

test('a snapshot that is being read does not move, and is taken anew on demand', () => {
  const ledger = new TestLedger();
  ledger.append(noops(2));
  const first = ledger.run('snapshotRead', { seq: null, index: 0, bytesMax: 1_024 });
  ledger.change({ kind: 'session.revoke', tokenHash: 't' });
  assert.deepEqual(ledger.run('snapshotRead', { seq: 2, index: 0, bytesMax: 1_024 }), first);
  assert.equal(ledger.run('snapshotRead', { seq: null, index: 0, bytesMax: 1_024 })?.position.seq, 3);
  assert.equal(ledger.run('snapshotRead', { seq: 2, index: 0, bytesMax: 1_024 }), null);
});

test('old replies expire by number, and the client that was silent longest is forgotten', () => {
  const ledger = new TestLedger(small);
  const ask = (client: number, n: number) =>
    ledger.change({ kind: 'session.revoke', tokenHash: 't' }, { requestId: { client: clientId(client), n } });
  const reply = (client: number, n: number) => ledger.run('reply', { requestId: { client: clientId(client), n } });
  for (const n of [1, 2, 3, 5]) ask(1, n);
  assert.deepEqual(reply(1, 1), { expired: true });
  assert.equal(reply(1, 4), null);
  assert.deepEqual(ask(1, 1), {
    ok: false,
    code: 'indeterminate',
    message: 'The request is too old: whether it was done before can no longer be said',
  });
  ask(2, 1);
  ask(1, 6);
  ask(3, 1);
  assert.equal(reply(2, 1), null);
  assert.equal((reply(1, 6) as { seq: number }).seq, 7);
});
