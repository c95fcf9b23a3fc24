import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplyBody } from '../../protocol/control/messages.ts';
import { foldWords } from '../catalog/fold.ts';
import { contentOf, ownPut, TestLedger } from './ledger.test-kit.ts';
import { LEDGER_LIMITS } from './schema.ts';
import { ledgerTransactionsWith } from './transactions.ts';
import type { Change } from './types.ts';

const code = (body: ReplyBody): string => (body.ok ? 'ok' : body.code);

const account = (name: string, inviteHash: string | null = null): Change => ({
  kind: 'account.create',
  name,
  folded: name.toLowerCase(),
  passwordHash: 'phc',
  admin: false,
  inviteHash,
});
const session = (folded: string, tokenHash: string, expiresMs = 9_000, verified = 'phc'): Change => ({
  kind: 'session.issue',
  folded,
  verified,
  tokenHash,
  expiresMs,
});

const withAccount = (): TestLedger => {
  const ledger = new TestLedger();
  ledger.change(account('An'));
  return ledger;
};
const holds = (ledger: TestLedger, tokenHash: string): boolean => ledger.run('session', { tokenHash }) !== null;

test('a name is given once', () => {
  const ledger = withAccount();
  assert.equal(code(ledger.change(account('AN'))), 'name-taken');
  assert.equal(ledger.run('account', { folded: 'an' })?.name, 'An');
});

test('an invite makes one account, of its kind, in its time', () => {
  const ledger = withAccount();
  const invite = (codeHash: string, admin: boolean): Change => ({ kind: 'invite.create', codeHash, by: 'An', expiresMs: 5_000, admin });
  ledger.change(invite('c1', true));
  ledger.change(invite('c2', false));
  assert.equal(code(ledger.change(account('Eve', 'nothing'))), 'invite-invalid');
  assert.deepEqual(ledger.change(account('Binh', 'c1')), { ok: true, value: { account: 'Binh', admin: true } });
  assert.equal(code(ledger.change(account('Chi', 'c1'))), 'invite-invalid');
  assert.equal(code(ledger.change(account('Dung', 'c2'), { wallMs: 5_000 })), 'invite-invalid');
  assert.deepEqual(ledger.change(account('Dung', 'c2'), { wallMs: 4_999 }), { ok: true, value: { account: 'Dung', admin: false } });
});

test('an invite that is made again does not come back to life', () => {
  const ledger = withAccount();
  const seed: Change = { kind: 'invite.create', codeHash: 'init', by: '', expiresMs: Number.MAX_SAFE_INTEGER, admin: true };
  ledger.change(seed);
  ledger.change(account('Root', 'init'));
  ledger.change(seed);
  assert.equal(code(ledger.change(account('Root2', 'init'))), 'invite-invalid');
});

test('a password change ends the other sessions, a disabled account all', () => {
  const ledger = withAccount();
  for (const token of ['a', 'b', 'c']) ledger.change(session('an', token));
  ledger.change({ kind: 'account.password', folded: 'an', passwordHash: 'new', keepSession: 'b', verified: 'phc' });
  assert.deepEqual(
    ['a', 'b', 'c'].filter((token) => holds(ledger, token)),
    ['b'],
  );
  ledger.change({ kind: 'account.disable', folded: 'an', disabled: true });
  assert.equal(holds(ledger, 'b'), false);
  const issue = (verified: string): string => code(ledger.change(session('an', 'd', 9_000, verified)));
  assert.equal(issue('new'), 'disabled');
  ledger.change({ kind: 'account.disable', folded: 'an', disabled: false });
  assert.deepEqual([issue('phc'), issue('new')], ['password-changed', 'ok']);
});

test('of two changes of a password that were verified against the same one, the second is not done', () => {
  const ledger = withAccount();
  const change = (passwordHash: string, verified: string | null): string =>
    code(ledger.change({ kind: 'account.password', folded: 'an', passwordHash, keepSession: null, verified }));
  assert.deepEqual([change('first', 'phc'), change('second', 'phc'), change('second', 'first')], ['ok', 'password-changed', 'ok']);
  assert.equal(change('by an administrator', null), 'ok');
});

test('a rehash keeps sessions, and loses against a password change', () => {
  const ledger = withAccount();
  ledger.change(session('an', 'a'));
  ledger.change({ kind: 'account.rehash', folded: 'an', passwordHash: 'costly', replaces: 'phc' });
  ledger.change({ kind: 'account.rehash', folded: 'an', passwordHash: 'late', replaces: 'phc' });
  assert.equal(ledger.run('account', { folded: 'an' })?.passwordHash, 'costly');
  assert.ok(holds(ledger, 'a'));
});

test('an account has 32 sessions; the oldest goes, expired ones first', () => {
  const ledger = withAccount();
  ledger.change(session('an', 'expired', 500), { wallMs: 100 });
  for (let n = 1; n <= 32; n++) ledger.change(session('an', `s${n}`), { wallMs: 1_000 });
  assert.equal(holds(ledger, 'expired'), false);
  assert.ok(holds(ledger, 's1'));
  ledger.change(session('an', 's33'), { wallMs: 1_000 });
  assert.equal(holds(ledger, 's1'), false);
  assert.ok(holds(ledger, 's2') && holds(ledger, 's33'));
});

test('the first owner brings the torrent; the last one takes the content away', () => {
  const ledger = withAccount();
  const { id } = contentOf('Hà Nội');
  const torrent = new Uint8Array([1, 2, 3]);
  const put = (node: string, hasTorrent: boolean): ReplyBody =>
    ledger.change({ ...ownPut('Hà Nội', 'An', node), hasTorrent }, hasTorrent ? { tail: torrent } : {});
  assert.equal(code(put('n1', false)), 'torrent-wanted');
  assert.deepEqual(put('n1', true), { ok: true, value: { id, first: true } });
  assert.deepEqual(put('n2', false), { ok: true, value: { id, first: false } });
  assert.deepEqual(Buffer.from(ledger.run('torrent', { id }) ?? []), Buffer.from(torrent));
  assert.deepEqual(ledger.run('content', { id: contentOf('Hà Nội').v1 ?? '' })?.owners, [
    { account: 'An', node: 'n1' },
    { account: 'An', node: 'n2' },
  ]);
  const remove = (node: string): string => code(ledger.change({ kind: 'own.remove', content: id, account: 'An', node }));
  assert.deepEqual([remove('n1'), remove('n1'), remove('n2')], ['ok', 'not-found', 'ok']);
  assert.equal(ledger.run('content', { id }), null);
  assert.equal(ledger.run('torrent', { id }), null);
  assert.equal(ledger.run('search', { foldedWords: ['noi'], offset: 0, limit: 5 }).total, 0);
  assert.equal(code(put('n1', false)), 'torrent-wanted');
  assert.deepEqual(put('n1', true), { ok: true, value: { id, first: true } });
  assert.equal(ledger.run('search', { foldedWords: ['noi'], offset: 0, limit: 5 }).total, 1);
});

test('owners and contents have their limits', () => {
  const ledger = new TestLedger(
    ledgerTransactionsWith({ ...LEDGER_LIMITS, contentsMax: 2, ownersPerContentMax: 2, contentsPerNodeMax: 2 }),
  );
  const put = (name: string, node: string): string => code(ledger.change(ownPut(name, 'An', node)));
  assert.deepEqual([put('a', 'n1'), put('b', 'n1'), put('a', 'n1'), put('c', 'n2')], ['ok', 'ok', 'ok', 'too-large']);
  assert.deepEqual([put('a', 'n2'), put('a', 'n3'), put('b', 'n2')], ['ok', 'too-large', 'ok']);
});

const found = (ledger: TestLedger, query: string): string[] =>
  ledger.run('search', { foldedWords: foldWords(query), offset: 0, limit: 10 }).hits.map(({ name }) => name);

test('search finds by the beginnings of words, with or without diacritics, whatever is typed', () => {
  const ledger = withAccount();
  for (const name of ['Ảnh Hà Nội', 'Đà Nẵng', 'ubuntu-24.04-desktop']) ledger.change(ownPut(name, 'An', 'n1', ['du lịch']));
  assert.deepEqual(found(ledger, 'hà nội'), ['Ảnh Hà Nội']);
  assert.deepEqual(found(ledger, 'NOI ha'), ['Ảnh Hà Nội']);
  assert.deepEqual(found(ledger, 'da nan'), ['Đà Nẵng']);
  assert.deepEqual(found(ledger, 'đà'), ['Đà Nẵng']);
  assert.deepEqual(found(ledger, 'ubuntu-24'), ['ubuntu-24.04-desktop']);
  assert.equal(found(ledger, 'lịch').length, 3);
  for (const syntax of ['"ha', 'ha AND', 'ha*', '(ha', 'folded:ha', 'NEAR(ha)', '-ha', '^ha'])
    assert.doesNotThrow(() => found(ledger, syntax));
});

test('search without words gives everything, those with most owners first, page by page', () => {
  const ledger = withAccount();
  for (const name of ['c', 'a', 'b']) ledger.change(ownPut(name, 'An', 'n1'));
  ledger.change(ownPut('b', 'An', 'n2'));
  const page = (offset: number) => ledger.run('search', { foldedWords: [], offset, limit: 2 });
  assert.deepEqual([page(0).total, page(0).hits.map(({ name }) => name), page(2).hits.map(({ name }) => name)], [3, ['b', 'a'], ['c']]);
});
