import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { ReplyBody } from '../../protocol/control/messages.ts';
import { sha256, toHex } from '../../protocol/digest.ts';
import { TestLedger } from './ledger.test-kit.ts';
import { LEDGER_LIMITS } from './schema.ts';
import { ledgerTransactionsWith } from './transactions.ts';
import type { Change, PasskeyHolderRow } from './types.ts';

const DAY_MS = 86_400_000;
const code = (body: ReplyBody): string => (body.ok ? 'ok' : body.code);
const hashOf = (passkey: string): string => toHex(sha256(passkey));

const account = (name: string): Change => ({
  kind: 'account.create',
  name,
  folded: name.toLowerCase(),
  passwordHash: 'phc',
  admin: false,
  inviteHash: null,
});
const issue = (folded: string, device: string, passkey: string): Change => ({
  kind: 'passkey.issue',
  folded,
  device,
  deviceFolded: device.toLowerCase(),
  passkeyHash: hashOf(passkey),
});
const revoke = (folded: string, what: string): Change => ({ kind: 'passkey.revoke', folded, deviceFolded: what, id: what });

const withAccount = (...names: string[]): TestLedger => {
  const ledger = new TestLedger();
  for (const name of names) ledger.change(account(name));
  return ledger;
};
const holder = (ledger: TestLedger, passkey: string): PasskeyHolderRow | null => ledger.run('passkey', { hash: hashOf(passkey) });

test('a passkey stands for its account and device; the ledger never sees it', () => {
  const ledger = withAccount('An');
  const made = ledger.change(issue('an', 'Laptop', 'k1'), { wallMs: 5_000 });
  assert.deepEqual(made, { ok: true, value: { id: hashOf('k1').slice(0, 12), device: 'Laptop', replacedUntilMs: null } });
  const row = { id: hashOf('k1').slice(0, 12), device: 'Laptop', createdMs: 5_000, expiresMs: null };
  assert.deepEqual(holder(ledger, 'k1'), { ...row, account: 'An', folded: 'an', disabled: false });
  assert.deepEqual(ledger.run('passkeys', { folded: 'an' }), [row]);
  assert.equal(holder(ledger, 'k2'), null);
});

test('another passkey for a device takes its place; the first one goes on for seven days', () => {
  const ledger = withAccount('An');
  ledger.change(issue('an', 'Laptop', 'k1'), { wallMs: 5_000 });
  const again = ledger.change(issue('an', 'LAPTOP', 'k2'), { wallMs: 6_000 });
  assert.equal((again as { value: { replacedUntilMs: number } }).value.replacedUntilMs, 6_000 + 7 * DAY_MS);
  assert.equal(holder(ledger, 'k1')?.expiresMs, 6_000 + 7 * DAY_MS);
  assert.equal(holder(ledger, 'k2')?.expiresMs, null);
  assert.deepEqual(
    ledger.run('passkeys', { folded: 'an' }).map(({ device, expiresMs }) => [device, expiresMs === null]),
    [
      ['LAPTOP', true],
      ['Laptop', false],
    ],
  );
  ledger.change(issue('an', 'Phone', 'k3'), { wallMs: 6_000 + 7 * DAY_MS });
  assert.equal(holder(ledger, 'k1'), null, 'a lapsed one goes with the next change');
});

test('revoking a device ends all of its passkeys at once, revoking an id one; of other accounts none', () => {
  const ledger = withAccount('An', 'Eve');
  for (const [folded, device, passkey] of [
    ['an', 'Laptop', 'k1'],
    ['an', 'Laptop', 'k2'],
    ['an', 'Phone', 'k3'],
    ['eve', 'Laptop', 'k4'],
  ] as const)
    ledger.change(issue(folded, device, passkey));
  assert.equal(code(ledger.change(revoke('eve', hashOf('k3').slice(0, 12)))), 'not-found');
  assert.deepEqual(ledger.change(revoke('an', 'laptop')), { ok: true, value: { device: 'Laptop', revoked: 2 } });
  assert.deepEqual(
    ['k1', 'k2', 'k3', 'k4'].map((passkey) => holder(ledger, passkey) !== null),
    [false, false, true, true],
  );
  assert.deepEqual(ledger.change(revoke('an', hashOf('k3').slice(0, 12))), { ok: true, value: { device: 'Phone', revoked: 1 } });
  assert.equal(code(ledger.change(revoke('an', 'phone'))), 'not-found');
  assert.equal(code(ledger.change(revoke('an', ''))), 'not-found', 'nothing is named: nothing ends');
});

test('a disabled account gets no passkey, and its passkeys say so; when it is enabled again they are good', () => {
  const ledger = withAccount('An');
  ledger.change(issue('an', 'Laptop', 'k1'));
  ledger.change({ kind: 'account.disable', folded: 'an', disabled: true });
  assert.equal(holder(ledger, 'k1')?.disabled, true);
  assert.equal(code(ledger.change(issue('an', 'Phone', 'k2'))), 'disabled');
  assert.equal(code(ledger.change(issue('nobody', 'Phone', 'k2'))), 'not-found');
  ledger.change({ kind: 'account.disable', folded: 'an', disabled: false });
  assert.equal(holder(ledger, 'k1')?.disabled, false);
});

test('an account has 32 devices, and a device three passkeys in their grace period', () => {
  const ledger = withAccount('An');
  for (let n = 0; n < 32; n++) assert.equal(code(ledger.change(issue('an', `d${n}`, `k${n}`))), 'ok');
  assert.equal(code(ledger.change(issue('an', 'one more', 'k'))), 'too-large');
  for (let n = 0; n < 5; n++)
    assert.equal(code(ledger.change(issue('an', 'd0', `again ${n}`))), 'ok', 'a device that has one may get another');
  assert.deepEqual(
    ['k0', 'again 0', 'again 1', 'again 2', 'again 3', 'again 4'].map((passkey) => holder(ledger, passkey) !== null),
    [false, false, true, true, true, true],
  );
  ledger.change(revoke('an', 'd1'));
  assert.equal(code(ledger.change(issue('an', 'one more', 'k'))), 'ok');
});

test('a repeated request has one passkey, and says whose passkeys may be others now', () => {
  const ledger = withAccount('An');
  const requestId = { client: 'c', n: 1 };
  const first = ledger.change(issue('an', 'Laptop', 'k1'), { requestId });
  assert.deepEqual(ledger.change(issue('an', 'Laptop', 'k1'), { requestId }), first);
  assert.equal(ledger.run('passkeys', { folded: 'an' }).length, 1);
});

test('whoever remembers holders is told of every account whose passkeys may mean something else', () => {
  const small = ledgerTransactionsWith({ ...LEDGER_LIMITS, passkeysPerAccountMax: 2, passkeysReplacedMax: 1 });
  const step = fc.oneof(
    fc.record({ kind: fc.constant('issue'), who: fc.constantFrom('an', 'eve'), what: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ kind: fc.constant('revoke'), who: fc.constantFrom('an', 'eve'), what: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ kind: fc.constantFrom('disable', 'enable'), who: fc.constantFrom('an', 'eve'), what: fc.constant('') }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const ledger = new TestLedger(small);
      for (const name of ['An', 'Eve']) ledger.change(account(name));
      const known = new Map<string, PasskeyHolderRow | null>();
      for (const [at, { kind, who, what }] of steps.entries()) {
        const change: Change =
          kind === 'issue'
            ? issue(who, what, `k${at}`)
            : kind === 'revoke'
              ? revoke(who, what)
              : { kind: 'account.disable', folded: who, disabled: kind === 'disable' };
        const { keysOf = [] } = ledger.applied(change);
        for (let n = 0; n <= at; n++) {
          const now = holder(ledger, `k${n}`);
          const before = known.get(`k${n}`) ?? null;
          if (JSON.stringify(now) !== JSON.stringify(before)) assert.ok(keysOf.includes(who), `k${n} of ${who}`);
          known.set(`k${n}`, now);
        }
      }
    }),
    { numRuns: 50 },
  );
});
