import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Result } from '../../src/protocol/result.ts';
import { planOf, replyOf, requestOf, Told } from './check.test-kit.ts';
import { asIfInOrder, sessionsNeverUnsee } from './clients.ts';

const ID = 'cd'.repeat(32);
const done = (value: object = {}): Result<object> => ({ ok: true, value });
const refused = (code: string): Result<object> => ({ ok: false, error: { code, message: '' } });

class Users extends Told {
  #id = 0;

  constructor(plan = planOf()) {
    super(asIfInOrder, plan);
    for (const node of ['node1', 'node2']) this.statuses.set(node, { node: { node: `id of ${node}` } });
  }

  ask(node: string, call: string, args: Readonly<Record<string, unknown>>, account: string | null, answer: Result<object> | null): this {
    const id = ++this.#id;
    this.tell('called', id, node, { call, args, account });
    return answer === null ? this : this.tell('answered', id, node, answer);
  }

  register(password: string, answer: Result<object> | null): this {
    return this.ask('node1', 'register', { name: 'an', password }, null, answer);
  }

  login(password: string, answer: Result<object>): this {
    return this.ask('node1', 'login', { name: 'an', password }, null, answer);
  }

  share(answer: Result<object>): this {
    return this.ask('node1', 'share', { paths: ['/node1/files/9/content0001.bin'] }, 'an', answer);
  }

  /** What the ledger of the tracker has at the end. */
  ends(accounts: readonly object[], owners: readonly object[]): void {
    this.rows.set('tracker', [...accounts, ...owners] as never);
    this.checker.end?.();
  }
}

const an = { name: 'an', disabled: 0 };
const owner = { content: ID, account: 'an', node: 'id of node1' };

describe('I8', () => {
  it('accepts what users may hear, crashes and unknown outcomes among it', () => {
    const users = new Users().register('p', refused('indeterminate')).login('p', refused('wrong-password')).login('p', done());
    users.ask('node1', 'passwd', { oldPassword: 'p', newPassword: 'q' }, 'an', null).tell('stopped', 'node1', 'kill');
    users
      .login('p', done())
      .login('q', done())
      .share(done({ id: ID }))
      .ends([an], [owner]);
  });

  it('finds an acknowledged registration that is lost', () => {
    assert.throws(() => new Users().register('p', done()).login('p', refused('wrong-password')), /I8: account:an: no order explains/u);
    assert.throws(() => new Users().register('p', done()).ends([], []), /I8: account:an: .*the ledger of tracker, at the end/su);
  });

  it('finds a refusal that was done all the same', () => {
    assert.throws(() => new Users().register('p', refused('unavailable')).login('p', done()), /I8: account:an/u);
  });

  it('finds an acknowledged share that is lost, and one that was let go and stays', () => {
    assert.throws(() => new Users().share(done({ id: ID })).ends([], []), /I8: own:9\/content0001\.bin\/node1 as an/u);
    const unshared = (): Users =>
      new Users().share(done({ id: ID })).ask('node1', 'unshare', { id: ID }, 'an', done({ durability: 'replicated' }));
    unshared().ends([], []);
    assert.throws(() => unshared().ends([], [owner]), /I8: own:9/u);
    // Told later: nobody knows when.
    new Users()
      .share(done({ id: ID }))
      .ask('node1', 'unshare', { id: ID }, 'an', done({ durability: 'none' }))
      .ends([], [owner]);
  });

  it('lets a node whose disk was at fault take itself out of the catalog, and no other', () => {
    const fault = { id: 1, kind: 'diskError', atMs: 10_000, forMs: 1_000, process: 'node1', nth: 1 } as const;
    const disowned = (afterMs: number, faults = [fault]): Users => {
      const users = new Users(planOf({ faults })).share(done({ id: ID }));
      users.sent('proxy1', 'node1', 'member', replyOf({}));
      users.nowMs += afterMs;
      const operation = { op: 'disown', content: ID, node: 'id of node1' } as const;
      users.sent('node1', 'proxy1', 'member', requestOf({ operation }));
      return users;
    };
    disowned(11_000).ends([], []);
    disowned(11_000).ends([], [owner]);
    assert.throws(() => disowned(5_000).ends([], []), /I8: own:9\/content0001\.bin\/node1 as an/u);
    assert.throws(() => disowned(11_000, []).ends([], []), /I8: own:9\/content0001\.bin\/node1 as an/u);
    // Shared again, it is there again.
    disowned(11_000)
      .share(done({ id: ID }))
      .ends([], [owner]);
    // What its user has let go of is the user's doing.
    const letGo = new Users(planOf({ faults: [fault] })).share(done({ id: ID }));
    letGo.ask('node1', 'unshare', { id: ID }, 'an', done({ durability: 'replicated' }));
    assert.throws(() => letGo.ends([], [owner]), /I8: own:9/u);
  });

  it('takes what has rotted before it was shared for another content', () => {
    const rotten = 'ab'.repeat(32);
    const shared = (): Users => new Users().share(done({ id: ID })).share(done({ id: rotten }));
    const unshared = (id: string): Users => shared().ask('node1', 'unshare', { id }, 'an', done({ durability: 'replicated' }));
    unshared(rotten).ends([], [owner]);
    unshared(ID).ends([], [{ ...owner, content: rotten }]);
    shared().ends([], [owner, { ...owner, content: rotten }]);
    assert.throws(() => new Users().share(done({ id: ID })).ends([], [{ ...owner, content: rotten }]), /I8: own:9/u);
  });

  it('does not know for whom a node shares where nobody is signed in', () => {
    const asked = (users: Users): Users =>
      users.ask('node1', 'share', { paths: ['/node1/files/9/content0001.bin'] }, null, done({ id: ID }));
    asked(new Users()).ends([], [owner]);
    asked(new Users()).ends([], []);
  });

  it('does not know for whom a node shares while somebody signs in', () => {
    const users = new Users();
    users.tell('called', 100, 'node1', { call: 'share', args: { paths: ['/node1/files/9/content0001.bin'] }, account: 'an' });
    users
      .login('p', refused('busy'))
      .tell('answered', 100, 'node1', done({ id: ID }))
      .ends([], []);
  });
});

describe('I8 of a session', () => {
  const answered = (seq: number, more: object = {}): Told =>
    new Told(sessionsNeverUnsee)
      .sent('node1', 'proxy1', 'member', requestOf({ requestId: { client: 'a', n: 1 } }))
      .tell('received', 'node1', 'proxy1', 'member', replyOf({ requestId: { client: 'a', n: 1 }, seq: 9 }))
      .sent('node1', 'proxy2', 'member', requestOf({ requestId: { client: 'a', n: 2 } }))
      .tell('received', 'node1', 'proxy2', 'member', replyOf({ requestId: { client: 'a', n: 2 }, seq, ...more }));

  it('lets a session see more and more, or be told that it may be stale', () => {
    answered(9);
    answered(10);
    answered(3, { stale: true });
  });

  it('finds an answer from before what the session has seen', () => {
    assert.throws(() => answered(8), /I8: node1 had seen entry 9 when it asked, and proxy2 answers from a state of entry 8/u);
  });
});
