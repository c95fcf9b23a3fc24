import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeChange } from '../../domain/ledger/change.ts';
import { chain, contentOf, ownPut, TestLedger } from '../../domain/ledger/ledger.test-kit.ts';
import type { LedgerTransactions } from '../../domain/ledger/types.ts';
import type { TallyFacts } from '../../domain/swarm/tally.ts';
import type { Clock, TimerId } from '../../ports/clock.ts';
import type { Database } from '../../ports/database.ts';
import { DueHeap } from '../../ports/due-heap.ts';
import { silentLog } from '../../ports/log.ts';
import { fail, ok } from '../../protocol/result.ts';
import { TallyKeeper, type TallyKeeperDeps } from './tally-keeper.ts';

const CONTENT = contentOf('Hà Nội').id;

/** A keeper whose replica commits at once, fails, or says nothing. */
class Replica {
  readonly ledger: TestLedger;
  readonly keeper: TallyKeeper;
  mood: 'commits' | 'refuses' | 'commits and says nothing' | 'doubts' = 'commits';
  /** The other replica is away, and would be parted with by a change. */
  alone = false;
  /** Of each change that was proposed: its number, and how many rows it had. */
  readonly proposed: [n: number, rows: number][] = [];
  #now = 0;
  readonly #due = new DueHeap();
  readonly #timers = new Map<TimerId, ReturnType<DueHeap['add']>>();
  #ids = 0;

  constructor(ledger: TestLedger, client = '1') {
    this.ledger = ledger;
    const database: Pick<Database<LedgerTransactions>, 'run'> = {
      run: (name, args, done) => void this.#due.add(this.#now, () => done(ledger.try(name, args))),
    };
    this.keeper = new TallyKeeper({
      clock: this.#clock,
      log: silentLog,
      database: database as Database<LedgerTransactions>,
      mayWrite: () => !this.alone,
      propose: this.#propose,
      client: client.repeat(32),
    });
  }

  readonly #clock: Clock = {
    now: () => this.#now,
    wallNow: () => 1_000_000 + this.#now / 1_000,
    setTimer: (delay, fire) => {
      this.#timers.set(++this.#ids, this.#due.add(this.#now + delay, fire));
      return this.#ids;
    },
    clearTimer: (id) => {
      const due = this.#timers.get(id);
      if (due !== undefined) this.#due.remove(due);
    },
  };

  readonly #propose: TallyKeeperDeps['propose'] = ({ requestId, payload, wallMs }, done) => {
    const decoded = decodeChange(payload);
    assert.ok(decoded.ok && decoded.value.change.kind === 'tally');
    const { change } = decoded.value;
    this.proposed.push([requestId.n, change.rows.length]);
    this.#due.add(this.#now, () => {
      if (this.mood === 'refuses') return done(fail('busy', 'too many'));
      const { last } = this.ledger.run('open', {});
      this.ledger.append(chain([{ change, requestId, wallMs }], last));
      if (this.mood === 'doubts') return done(fail('indeterminate', 'perhaps'));
      if (this.mood === 'commits') done(ok({}));
    });
  };

  get timersLeft(): number {
    return this.#due.size;
  }

  wait(seconds: number): void {
    const until = this.#now + seconds * 1_000_000;
    for (let due = this.#due.first(); due !== undefined && due.at <= until; due = this.#due.first()) {
      this.#due.take();
      this.#now = Math.max(this.#now, due.at);
      due.fire();
    }
    this.#now = until;
  }

  leads(primary: boolean): void {
    this.keeper.leads(primary);
    this.wait(0);
  }

  count(facts: Partial<TallyFacts>): void {
    const said = { account: 'An', content: CONTENT, source: 'client', path: '', sequence: null, event: 'none', replay: false } as const;
    this.keeper.count({ ...said, leftBytes: 100, uploadedBytes: 0, downloadedBytes: 0, ...facts });
  }

  get uploaded(): number {
    return this.ledger.run('tallies', { folded: 'an', offset: 0, limit: 10 }).uploadedBytes;
  }
}

const network = (): TestLedger => {
  const ledger = new TestLedger();
  for (const name of ['An', 'Eve'])
    ledger.change({ kind: 'account.create', name, folded: name.toLowerCase(), passwordHash: 'phc', admin: false, inviteHash: null });
  ledger.change(ownPut('Hà Nội', 'An', 'n1'), { tail: new Uint8Array(1) });
  return ledger;
};

test('a primary writes what was transferred within half a minute, and nothing where there is nothing', () => {
  const main = new Replica(network());
  main.leads(true);
  main.wait(3_600);
  assert.equal(main.timersLeft, 0);
  main.count({ uploadedBytes: 500 });
  main.wait(29);
  assert.equal(main.uploaded, 0);
  main.count({ uploadedBytes: 700 });
  main.wait(1);
  assert.equal(main.uploaded, 700);
  main.wait(3_600);
  assert.deepEqual(main.proposed, [[1, 1]]);
  assert.equal(main.timersLeft, 0);
});

test('a follower counts nothing, and a primary that leads no more forgets what it gathered', () => {
  const main = new Replica(network());
  main.count({ uploadedBytes: 500 });
  main.leads(true);
  main.count({ uploadedBytes: 600 });
  main.leads(false);
  main.wait(3_600);
  assert.deepEqual(main.proposed, []);
  assert.equal(main.timersLeft, 0);
});

test('much is written in changes of a bounded size, one after the other', () => {
  const main = new Replica(network());
  main.leads(true);
  for (let n = 0; n < 600; n++) main.count({ source: `client ${n}`, uploadedBytes: 1 });
  main.wait(30);
  main.wait(30);
  assert.deepEqual(main.proposed, [
    [1, 256],
    [2, 256],
    [3, 88],
  ]);
  assert.equal(main.uploaded, 600);
});

test('a change whose outcome is not known is proposed again under its own number, and counts once', () => {
  const main = new Replica(network());
  main.leads(true);
  main.mood = 'doubts';
  main.count({ uploadedBytes: 500 });
  main.wait(32);
  main.count({ uploadedBytes: 600 });
  main.wait(4);
  main.mood = 'refuses';
  main.wait(5);
  main.mood = 'commits';
  main.wait(60);
  const numbers = main.proposed.map(([n]) => n);
  assert.deepEqual(numbers, [1, 1, 1, 1, 2]);
  assert.equal(main.uploaded, 600);
});

test('while nothing may be written that nobody waits for, it is gathered on, and written after that', () => {
  const main = new Replica(network());
  main.leads(true);
  main.alone = true;
  main.count({ uploadedBytes: 500 });
  main.wait(600);
  main.count({ uploadedBytes: 700 });
  assert.deepEqual(main.proposed, []);
  main.alone = false;
  main.wait(5);
  assert.equal(main.uploaded, 700);
});

test('the next primary goes on where the ledger is, and writes nothing that is written', () => {
  const ledger = network();
  const main = new Replica(ledger);
  main.leads(true);
  main.mood = 'commits and says nothing';
  main.count({ uploadedBytes: 500 });
  main.wait(30);
  const backup = new Replica(ledger, '2');
  backup.leads(true);
  backup.count({ uploadedBytes: 500, replay: true });
  backup.wait(60);
  assert.deepEqual(backup.proposed, []);
  backup.count({ uploadedBytes: 800 });
  backup.wait(30);
  assert.equal(backup.uploaded, 800);
});

test('how many accounts have a content is known as soon as it is written, and by the next primary from the beginning', () => {
  const ledger = network();
  const main = new Replica(ledger);
  main.leads(true);
  for (const account of ['An', 'Eve', 'An']) main.count({ account, source: account, event: 'completed', leftBytes: 0 });
  assert.equal(main.keeper.completedOf(CONTENT), 0);
  main.wait(30);
  assert.equal(main.keeper.completedOf(CONTENT), 2);
  const backup = new Replica(ledger, '2');
  backup.leads(true);
  assert.equal(backup.keeper.completedOf(CONTENT), 2);
  assert.equal(backup.keeper.completedOf('f'.repeat(64)), 0);
});
