import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Office } from './office.test-kit.ts';

const need = { op: 'need', words: '', offset: 0, limit: 10 } as const;

test('a follower reads what it has applied, and sends every change to the primary', () => {
  const office = new Office();
  const token = office.member('An');
  office.enter(token);
  office.role = 'follower';
  assert.equal(office.code(need, { token, minSeq: 2 }), 'ok');
  assert.equal(office.code(need, { token, minSeq: 3 }), 'not-primary');
  for (const operation of [
    { op: 'register', name: 'Bình', password: 'password', code: null },
    { op: 'login', name: 'An', password: 'password' },
    { op: 'logout' },
    { op: 'disown', content: 'a'.repeat(64), node: 'n1' },
  ] as const)
    assert.equal(office.code(operation, { token }), 'not-primary', operation.op);
});

test('what a follower answers is marked: newer changes may be missing; soft state it takes in', () => {
  const office = new Office();
  const token = office.member('An');
  assert.equal(office.send(office.request(need, { token })).stale, undefined);
  office.role = 'follower';
  assert.equal(office.send(office.request(need, { token })).stale, true);
  office.enter(token);
  assert.equal(office.code({ op: 'alive', node: 'n1', incarnation: 'i-n1', uploadedBytes: 1 }), 'ok');
  assert.equal(office.ask({ op: 'nodes', offset: 0, limit: 100 }, { token }).nodes.length, 1);
});

test('a session that a follower does not know may have begun elsewhere: it is not called ended', () => {
  const office = new Office();
  const token = office.member('An');
  assert.equal(office.code(need, { token: 'another' }), 'session-expired');
  office.role = 'follower';
  assert.equal(office.code(need, { token: 'another' }), 'unavailable');
  office.wallSkewMs = 31 * 86_400_000;
  assert.equal(office.code(need, { token }), 'session-expired');
});

test('a primary that has not applied what the asker saw asks for patience', () => {
  const office = new Office();
  const token = office.member('An');
  office.appliedSeq = 1;
  const { body } = office.send(office.request(need, { token, minSeq: 2 }));
  assert.ok(!body.ok && body.code === 'unavailable' && body.retryAfterMs !== undefined);
});

test('a replica behind the epoch that the asker knows answers nothing', () => {
  const office = new Office();
  const token = office.member('An');
  assert.equal(office.code(need, { token, epoch: 2 }), 'not-primary');
  office.epoch = 2;
  assert.equal(office.send(office.request(need, { token, epoch: 2 })).epoch, 2);
});

test('a change that is not answered in time may or may not have been made', () => {
  const office = new Office();
  const token = office.member('An');
  office.silent = true;
  const codes: string[] = [];
  office.step(() =>
    office.desk.handle(office.request({ op: 'logout' }, { token, deadlineMs: 2_000 }), 'p1', ({ body }) =>
      codes.push(body.ok ? 'ok' : body.code),
    ),
  );
  office.wait(1.9);
  assert.deepEqual(codes, []);
  office.wait(0.2);
  assert.deepEqual(codes, ['indeterminate']);
  assert.equal(office.desk.underWay, 0);
});

test('a desk that has stopped answers nothing and leaves no timer behind', () => {
  const office = new Office();
  const token = office.member('An');
  office.enter(token);
  office.silent = true;
  const items = [{ content: 'f'.repeat(64), event: 'started', leftBytes: 1, uploadedBytes: 0, downloadedBytes: 0, want: 1 }] as const;
  office.step(() => office.desk.announce({ kind: 'announce', node: 'n1', incarnation: 'i-n1', sequence: 1, items }, 'p1', ''));
  office.step(() => {
    office.desk.handle(office.request({ op: 'whoami' }, { token }), 'p1', () => assert.fail('answered'));
    office.desk.stop();
  });
  assert.equal(office.desk.underWay, 0);
  assert.equal(office.timersLeft, 0);
});

test('beyond its limit of requests under way the desk says busy at once', () => {
  const office = new Office({ settings: { requestsMax: 2 } });
  office.ask({ op: 'register', name: 'An', password: 'password', code: null });
  const requests = [1, 2, 3].map(() => office.request({ op: 'login', name: 'An', password: 'password' }));
  const replies = office.sendAll(requests);
  assert.deepEqual(
    replies.map(({ body }) => (body.ok ? 'ok' : body.code)),
    ['busy', 'ok', 'ok'],
  );
  assert.equal(office.desk.underWay, 0);
});

test('a reply says which entry it reflects and how that is kept', () => {
  const office = new Office();
  const reply = office.send(office.request({ op: 'register', name: 'An', password: 'password', code: null }));
  assert.deepEqual([reply.seq, reply.durability, reply.epoch], [1, 'replicated', 1]);
  const token = office.ask({ op: 'login', name: 'An', password: 'password' }).token;
  const read = office.send(office.request(need, { token }));
  assert.deepEqual([read.seq, read.durability], [2, 'none']);
});

test('what depends on accounts is answered when a majority has confirmed the lead; searching does not wait for it', () => {
  const office = new Office();
  const token = office.member('An');
  office.enter(token);
  office.reads = 0;
  for (const operation of [need, { op: 'nodes', offset: 0, limit: 10 }, { op: 'content', id: 'a'.repeat(64) }] as const)
    office.send(office.request(operation, { token }));
  assert.equal(office.reads, 0);
  const operations = [
    { op: 'whoami' },
    { op: 'login', name: 'An', password: 'password' },
    { op: 'login', name: 'An', password: 'wrong password' },
    { op: 'accounts', after: '', limit: 10 },
    { op: 'invite', admin: false },
    { op: 'account.disable', name: 'An', disabled: true },
    { op: 'account.reset', name: 'An', newPassword: 'another password' },
  ] as const;
  for (const operation of operations) office.send(office.request(operation, { token }));
  assert.equal(office.reads, operations.length);
  office.leads = false;
  for (const operation of operations) assert.equal(office.code(operation, { token }), 'not-primary', operation.op);
});

test('a primary that a majority does not confirm keeps such a request until its deadline: nothing was done', () => {
  const office = new Office();
  const token = office.member('An');
  office.leads = null;
  const codes: string[] = [];
  const request = office.request({ op: 'invite', admin: false }, { token, deadlineMs: 2_000 });
  office.step(() => office.desk.handle(request, 'p1', ({ body }) => codes.push(body.ok ? 'ok' : body.code)));
  office.wait(2.1);
  assert.deepEqual(codes, ['unavailable']);
});

test('while there is no primary a follower says who one is without asking anybody', () => {
  const office = new Office();
  const token = office.member('An');
  office.role = 'follower';
  office.leads = false;
  const reply = office.send(office.request({ op: 'whoami' }, { token }));
  assert.ok(reply.body.ok && reply.stale);
});

test('a forced promotion took back what the asker has seen: it is answered all the same', () => {
  const office = new Office();
  const token = office.member('An');
  assert.equal(office.code(need, { token, minSeq: 500 }), 'ok');
  office.role = 'follower';
  assert.equal(office.code(need, { token, minSeq: 500 }), 'not-primary');
});

test('who demands two copies is not told of success with one, repeated or not', () => {
  const office = new Office();
  const request = office.request({ op: 'register', name: 'An', password: 'password', code: null }, { require: 'replicated' });
  assert.ok(office.send(request).body.ok);
  office.mode = 'SOLO';
  const { body, durability, seq } = office.send(request);
  assert.ok(!body.ok && body.code === 'degraded' && /was made/u.test(body.message));
  assert.deepEqual([durability, seq], ['local', 1]);
});

test('a ledger that cannot be read stops the replica, and the request is worth another try; a full one stops nobody', () => {
  for (const unreadable of ['io', 'corrupt'] as const) {
    const office = new Office();
    const token = office.member('An');
    office.unreadable = unreadable;
    const { body } = office.send(office.request(need, { token }));
    assert.ok(!body.ok && body.code === 'unavailable' && body.retryAfterMs !== undefined, JSON.stringify(body));
    assert.equal(office.ledgerFailures.length, 1);
  }
  const full = new Office();
  const token = full.member('An');
  full.unreadable = 'full';
  assert.equal(full.code(need, { token }), 'disk-full');
  assert.deepEqual(full.ledgerFailures, []);
});
