import assert from 'node:assert/strict';
import { test } from 'node:test';
import { passkeyHash } from '../../domain/accounts/passkeys.ts';
import { TestLedger } from '../../domain/ledger/ledger.test-kit.ts';
import type { Change, LedgerTransactions } from '../../domain/ledger/types.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';
import { silentLog } from '../../ports/log.ts';
import { fail } from '../../protocol/result.ts';
import { PasskeyBook } from './passkey-book.ts';

/** A book over a real ledger, whose answers come when the test wants. */
class Desk {
  readonly ledger = new TestLedger();
  wallMs = 1_000;
  lookups = 0;
  broken = false;
  readonly #queue: (() => void)[] = [];
  readonly book: PasskeyBook;

  constructor() {
    const database: Pick<Database<LedgerTransactions>, 'run'> = {
      run: (name, args, done) => {
        this.lookups++;
        const result = this.broken ? fail('io' as const, 'the disk reported an error') : this.ledger.try(name, args);
        this.#queue.push(() => done(result));
      },
    };
    const clock = { wallNow: () => this.wallMs } as Clock;
    this.book = new PasskeyBook({ clock, log: silentLog, database: database as Database<LedgerTransactions> });
    for (const name of ['An', 'Eve'])
      this.change({ kind: 'account.create', name, folded: name.toLowerCase(), passwordHash: 'phc', admin: false, inviteHash: null });
  }

  /** Applied here: the book is told, as by the replica. */
  change(change: Change): void {
    this.book.applied(this.ledger.applied(change, this.wallMs).keysOf ?? []);
  }

  issue(folded: string, device: string, passkey: string): void {
    this.change({ kind: 'passkey.issue', folded, device, deviceFolded: device, passkeyHash: passkeyHash(passkey) });
  }

  ask(passkey: string): { answer: string | null } {
    const asked: { answer: string | null } = { answer: null };
    this.book.passkeyOf(passkeyHash(passkey), (result) => {
      assert.equal(asked.answer, null, 'answered twice');
      asked.answer = result.ok ? `${result.value.account} on ${result.value.device}` : result.error.code;
    });
    return asked;
  }

  deliver(): void {
    for (const answer of this.#queue.splice(0)) answer();
  }

  answer(passkey: string): string | null {
    const asked = this.ask(passkey);
    this.deliver();
    return asked.answer;
  }
}

test('whose a passkey is is read once, and told from memory after that', () => {
  const desk = new Desk();
  desk.issue('an', 'laptop', 'k1');
  const asked = [desk.ask('k1'), desk.ask('k1')];
  assert.deepEqual(
    asked.map(({ answer }) => answer),
    [null, null],
  );
  desk.deliver();
  assert.deepEqual(
    [...asked, desk.ask('k1')].map(({ answer }) => answer),
    Array(3).fill('An on laptop'),
  );
  assert.equal(desk.lookups, 1);
});

test('a revoked passkey, a disabled account and a lapsed grace period show at once; others stay in memory', () => {
  const desk = new Desk();
  desk.issue('an', 'laptop', 'k1');
  desk.issue('an', 'phone', 'k2');
  desk.issue('eve', 'laptop', 'k3');
  for (const passkey of ['k1', 'k2', 'k3']) desk.answer(passkey);
  desk.change({ kind: 'passkey.revoke', folded: 'an', deviceFolded: 'laptop', id: '' });
  assert.equal(desk.answer('k1'), 'passkey-unknown');
  assert.equal(desk.answer('k2'), 'An on phone');
  const { lookups } = desk;
  assert.equal(desk.answer('k3'), 'Eve on laptop');
  assert.equal(desk.lookups, lookups, 'the change was of another account');
  desk.change({ kind: 'account.disable', folded: 'eve', disabled: true });
  assert.equal(desk.answer('k3'), 'disabled');
  desk.issue('an', 'phone', 'k4');
  assert.equal(desk.answer('k2'), 'An on phone', 'in its grace period');
  desk.wallMs += 7 * 86_400_000;
  assert.equal(desk.answer('k2'), 'passkey-unknown');
  assert.equal(desk.answer('k4'), 'An on phone');
});

test('an answer that was on its way when the passkey was revoked is not remembered', () => {
  const desk = new Desk();
  desk.issue('an', 'laptop', 'k1');
  desk.ask('k1');
  desk.change({ kind: 'passkey.revoke', folded: 'an', deviceFolded: 'laptop', id: '' });
  desk.deliver();
  assert.equal(desk.answer('k1'), 'passkey-unknown');
});

test('after a snapshot nothing is remembered', () => {
  const desk = new Desk();
  desk.issue('an', 'laptop', 'k1');
  desk.answer('k1');
  assert.equal(desk.book.size, 1);
  desk.book.applied('all');
  assert.equal(desk.book.size, 0);
});

test('guesses cost a bounded amount and push nobody out', () => {
  const desk = new Desk();
  desk.issue('an', 'laptop', 'k1');
  desk.answer('k1');
  const guesses = Array.from({ length: 2_000 }, (_, n) => desk.ask(`guess ${n}`));
  assert.equal(guesses.filter(({ answer }) => answer === 'unavailable').length, 2_000 - 512);
  desk.deliver();
  assert.equal(guesses.filter(({ answer }) => answer === 'passkey-unknown').length, 512);
  assert.equal(desk.book.size, 1);
  assert.equal(desk.ask('k1').answer, 'An on laptop');
});

test('a ledger that cannot be read says nothing of a passkey', () => {
  const desk = new Desk();
  desk.issue('an', 'laptop', 'k1');
  desk.broken = true;
  assert.equal(desk.answer('k1'), 'unavailable');
  desk.broken = false;
  assert.equal(desk.answer('k1'), 'An on laptop');
});
