import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passkeyHash } from '../../domain/accounts/passkeys.ts';
import { contentOf, ownPut } from '../../domain/ledger/ledger.test-kit.ts';
import type { TallyRow } from '../../domain/ledger/types.ts';
import { Office } from './office.test-kit.ts';

const DAY_SECONDS = 86_400;

const withMember = (): { office: Office; token: string } => {
  const office = new Office();
  return { office, token: office.member('Bình') };
};

test('a member gets a passkey of 32 digits for a device, and the ledger its hash alone', () => {
  const { office, token } = withMember();
  const { passkey, id, device, replacedUntilMs } = office.ask({ op: 'passkey.new', device: ' Máy xách tay ' }, { token });
  assert.match(passkey, /^[0-9a-f]{32}$/u);
  assert.deepEqual([id, device, replacedUntilMs], [passkeyHash(passkey).slice(0, 12), 'Máy xách tay', null]);
  const rows = ['passkeys', 'replies', 'log'].flatMap((table) => office.ledger.sql.prepare(`SELECT * FROM ${table}`).all());
  assert.ok(!rows.some((row) => Object.values(row).some((value) => Buffer.from(String(value)).includes(passkey))));
  const decoded = office.ledger.sql.prepare('SELECT payload FROM log').all();
  assert.ok(decoded.every(({ payload }) => !Buffer.from(payload as Uint8Array).includes(passkey)));
});

test('the same request asked again, of whichever replica, gets the same passkey; another request another', () => {
  const { office, token } = withMember();
  const request = office.request({ op: 'passkey.new', device: 'Laptop' }, { token });
  const first = office.send(request);
  assert.ok(first.body.ok);
  const backup = new Office({ ledger: office.ledger });
  const { proposals } = backup;
  assert.deepEqual(backup.send(request).body, first.body);
  assert.equal(backup.proposals, proposals);
  for (let events = 0; events <= 8; events++) {
    const [one, two] = office.sendTwice(office.request({ op: 'passkey.new', device: 'Phone' }, { token }), events);
    assert.ok(one?.body.ok);
    assert.deepEqual(two?.body, one.body, `repeated after ${events} events`);
  }
  const other = office.ask({ op: 'passkey.new', device: 'Laptop' }, { token });
  assert.notDeepEqual(other.passkey, (first.body.value as { passkey: string }).passkey);
});

test('whoever asks again after the session has ended is not told that nothing was made', () => {
  const { office, token } = withMember();
  const request = office.request({ op: 'passkey.new', device: 'Laptop' }, { token });
  assert.ok(office.send(request).body.ok);
  office.ask({ op: 'logout' }, { token });
  const { body } = office.send(request);
  assert.ok(!body.ok && body.code === 'indeterminate');
  assert.match(body.message, /may or may not have been made/u);
});

test('a request id that made a passkey for one device makes none for another, nor for somebody else', () => {
  const { office, token } = withMember();
  const eve = office.member('Eve');
  const request = office.request({ op: 'passkey.new', device: 'Laptop' }, { token });
  assert.ok(office.send(request).body.ok);
  for (const forged of [
    { ...request, operation: { op: 'passkey.new', device: 'Phone' } as const },
    { ...request, token: eve },
  ]) {
    const { body } = office.send(forged);
    assert.equal(body.ok ? 'ok' : body.code, 'bad-request');
  }
});

test('the list names devices, not passkeys; lapsed ones are not in it', () => {
  const { office, token } = withMember();
  office.ask({ op: 'passkey.new', device: 'Laptop' }, { token });
  const second = office.ask({ op: 'passkey.new', device: 'Laptop' }, { token });
  const states = (): unknown => office.ask({ op: 'passkeys' }, { token }).passkeys.map(({ device, expiresMs }) => [device, expiresMs]);
  assert.equal(typeof second.replacedUntilMs, 'number');
  assert.deepEqual(states(), [
    ['Laptop', null],
    ['Laptop', second.replacedUntilMs],
  ]);
  office.wait(7 * DAY_SECONDS);
  assert.deepEqual(states(), [['Laptop', null]]);
});

test('revoking goes by device, by id, and by the passkey that somebody pastes', () => {
  const { office, token } = withMember();
  const made = ['a', 'b', 'c'].map((device) => office.ask({ op: 'passkey.new', device }, { token }));
  const [a, b, c] = made as [(typeof made)[0], (typeof made)[0], (typeof made)[0]];
  assert.deepEqual(office.ask({ op: 'passkey.revoke', passkey: 'A' }, { token }), { device: 'a', revoked: 1 });
  assert.deepEqual(office.ask({ op: 'passkey.revoke', passkey: b.id.toUpperCase() }, { token }), { device: 'b', revoked: 1 });
  assert.deepEqual(office.ask({ op: 'passkey.revoke', passkey: c.passkey }, { token }), { device: 'c', revoked: 1 });
  assert.equal(office.code({ op: 'passkey.revoke', passkey: a.id }, { token }), 'not-found');
  const payloads = office.ledger.sql.prepare('SELECT payload FROM log').all();
  assert.ok(
    payloads.every(({ payload }) => !Buffer.from(payload as Uint8Array).includes(c.passkey)),
    'what was pasted is not kept',
  );
  assert.equal(office.code({ op: 'passkey.revoke', passkey: c.id }, { token: office.member('Eve') }), 'not-found');
});

test('a device has a name that can be seen, and is no passkey', () => {
  const { office, token } = withMember();
  for (const device of ['', '  ', 'a\u0000b', 'x'.repeat(65), '0123456789abcdef0123456789ABCDEF', '\ud800'])
    assert.equal(office.code({ op: 'passkey.new', device }, { token }), 'bad-request', JSON.stringify(device));
  assert.equal(office.code({ op: 'passkey.new', device: 'x' }), 'session-expired');
});

test('an account sees what it has transferred, an administrator what anybody has', () => {
  const office = new Office();
  const token = office.member('Bình');
  const content = contentOf('Hà Nội').id;
  office.ledger.change(ownPut('Hà Nội', 'Bình', 'n1'), { tail: new Uint8Array(1) });
  const row: TallyRow = {
    folded: 'bình',
    content,
    source: 's',
    shared: false,
    uploadedBytes: 300,
    downloadedBytes: 100,
    restart: null,
    completed: true,
    lastMs: 5,
  };
  office.ledger.change({ kind: 'tally', rows: [row, { ...row, content: 'f'.repeat(64) }] });
  const sums = { uploadedBytes: 300, downloadedBytes: 100, completed: 1 };
  const expected = { account: 'Bình', ...sums, total: 1, contents: [{ content, name: 'Hà Nội', ...sums, lastMs: 5 }] };
  const own = { op: 'statistics', account: null, offset: 0, limit: 10 } as const;
  assert.deepEqual(office.ask(own, { token }), expected, 'contents that the catalog never had do not count');
  assert.deepEqual(office.ask({ ...own, account: 'BÌNH' }, { token }), expected);
  const eve = office.member('Eve');
  assert.equal(office.code({ ...own, account: 'Bình' }, { token: eve }), 'forbidden');
  assert.equal(office.code({ ...own, account: 'Nobody' }, { token: eve }), 'forbidden');
  office.ledger.sql.exec(`UPDATE accounts SET admin = 1 WHERE folded = 'eve'`);
  assert.deepEqual(office.ask({ ...own, account: 'Bình' }, { token: eve }), expected);
  assert.equal(office.code({ ...own, account: 'Nobody' }, { token: eve }), 'not-found');
});
