import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeHash } from '../../domain/accounts/secrets.ts';
import type { ReplyFrame, RequestFrame } from '../../protocol/control/messages.ts';
import { Office } from './office.test-kit.ts';

const CODE = '0000-1111-2222-3333-4444-5555';

const registration = (name: string, password = 'password', code: string | null = null) =>
  ({ op: 'register', name, password, code }) as const;
const login = (name: string, password = 'password') => ({ op: 'login', name, password }) as const;

test('a member registers, logs in, is known by the token, and not any more after logout', () => {
  const office = new Office();
  const token = office.member('Bình');
  assert.deepEqual(office.ask({ op: 'whoami' }, { token }).account, 'Bình');
  assert.equal(office.code({ op: 'logout' }, { token }), 'ok');
  assert.equal(office.code({ op: 'whoami' }, { token }), 'session-expired');
  assert.equal(office.code({ op: 'whoami' }), 'session-expired');
});

test('bad names and passwords, and taken names in any form, are refused for their reasons', () => {
  const office = new Office();
  office.member('Bình');
  assert.equal(office.code(registration('BÌNH'.normalize('NFD'))), 'name-taken');
  assert.equal(office.code(registration('x'.repeat(65))), 'name-invalid');
  assert.equal(office.code(registration('An', 'short')), 'password-weak');
});

test('a wrong password and an unknown name cost one hash each and get the same answer', () => {
  const office = new Office();
  office.member('An');
  const answer = (name: string): [number, unknown] => {
    const before = office.hashes;
    const { body } = office.send(office.request(login(name, 'not this one')));
    return [office.hashes - before, body];
  };
  const wrong = answer('An');
  assert.equal(wrong[0], 1);
  assert.deepEqual(answer('Nobody'), wrong);
  assert.deepEqual(answer('\u0000'), wrong);
});

test('a request that is repeated is done once: the first reply comes again, with the same token from the other replica', () => {
  const office = new Office();
  const register = office.request(registration('An'));
  const first = office.send(register);
  const again = office.send(register);
  assert.deepEqual(again.body, first.body);
  assert.equal(again.seq, first.seq);
  const request = office.request(login('An'));
  const reply = office.send(request);
  const backup = new Office({ ledger: office.ledger });
  const proposalsBefore = backup.proposals;
  assert.deepEqual(backup.send(request).body, reply.body);
  assert.equal(backup.proposals, proposalsBefore);
  const forged = { ...request, operation: login('An', 'wrong password') };
  assert.equal(backup.send(forged).body.ok, false);
});

test('a request that is repeated while the first is at work is done once, and gets the same answer, whenever it comes', () => {
  const twice = (operation: (office: Office) => RequestFrame): void => {
    for (let events = 0; events <= 12; events++) {
      const office = new Office();
      const request = operation(office);
      const [first, second, more] = office.sendTwice(request, events);
      assert.ok(first?.body.ok, `${request.operation.op}, repeated after ${events} events: ${JSON.stringify(first?.body)}`);
      assert.deepEqual(second?.body, first.body, `${request.operation.op}, repeated after ${events} events`);
      assert.equal(more, undefined);
    }
  };
  twice((office) => office.request(registration('An')));
  twice((office) => office.request({ op: 'logout' }, { token: office.member('An') }));
  twice((office) => {
    const token = office.member('An');
    return office.request({ op: 'passwd', oldPassword: 'password', newPassword: 'another password' }, { token });
  });
});

test('a repeated login is not a way to the token of somebody else', () => {
  const office = new Office();
  office.member('An');
  office.member('Eve');
  const request = office.request(login('An'));
  office.send(request);
  const { body } = office.send({ ...request, operation: login('Eve') });
  assert.equal(!body.ok && body.code, 'bad-request');
});

test('copies of a request have one answer, and it is true, whatever happens between them', () => {
  for (let events = 0; events < 40; events++) {
    const office = new Office({ adminCodeHash: codeHash(CODE) });
    const admin = office.member('Root', CODE);
    const token = office.member('An');
    const change = office.request({ op: 'passwd', oldPassword: 'password', newPassword: 'another one' }, { token });
    // It ends the session, maybe while the first copy is at work.
    const disable = office.request({ op: 'account.disable', name: 'An', disabled: true }, { token: admin });
    const [first, second] = office.sendTwice(change, events, disable).map(({ body }) => body);
    assert.deepEqual(first, second, `after ${events} events`);
    const changed = office.code(login('An', 'another one')) === 'disabled';
    assert.equal(first?.ok, changed, `after ${events} events`);
  }
});

test('what was refused stays refused, though it could be done now', () => {
  const office = new Office({ adminCodeHash: codeHash(CODE) });
  const token = office.member('Root', CODE);
  const disable = office.request({ op: 'account.disable', name: 'An', disabled: true }, { token });
  const refused = office.send(disable).body;
  assert.ok(!refused.ok && refused.code === 'not-found');
  office.member('An');
  assert.deepEqual(office.send(disable).body, refused);
  assert.equal(office.code(login('An')), 'ok');
  // Whoever has the id alone is not told.
  const forged = { ...disable, token: null };
  const { body } = office.send(forged);
  assert.equal(!body.ok && body.code, 'session-expired');
});

test('who was told that nothing was changed is not surprised by a copy, once there is room or the other tracker is back', () => {
  for (const code of ['degraded', 'disk-full'] as const) {
    const office = new Office();
    const token = office.member('An');
    const change = office.request({ op: 'passwd', oldPassword: 'password', newPassword: 'another one' }, { token, require: 'replicated' });
    office.refuses = code;
    const refused = office.send(change).body;
    assert.ok(!refused.ok && refused.code === code);
    office.refuses = null;
    assert.deepEqual(office.send(change).body, refused);
    assert.equal(office.code(login('An')), 'ok');
  }
});

test('what is still being written when its time is up is not refused to a copy: it may be done yet', () => {
  const office = new Office({ adminCodeHash: codeHash(CODE) });
  const admin = office.member('Root', CODE);
  const token = office.member('An');
  const change = office.request({ op: 'passwd', oldPassword: 'password', newPassword: 'another one' }, { token });
  const codes: string[] = [];
  const take = ({ body }: ReplyFrame): void => void codes.push(body.ok ? 'ok' : body.code);
  office.proposalSeconds = 20;
  office.step(() => office.desk.handle(change, 'p1', take));
  office.proposalSeconds = 0;
  office.wait(11);
  // The session of whoever asked ends.
  assert.equal(office.code({ op: 'account.disable', name: 'An', disabled: true }, { token: admin }), 'ok');
  office.step(() => office.desk.handle(change, 'p2', take));
  office.wait(10);
  office.step(() => office.desk.handle(change, 'p2', take));
  assert.deepEqual(codes, ['indeterminate', 'indeterminate', 'ok']);
});

test('a request too old to be remembered is indeterminate, never done again', () => {
  const office = new Office();
  const token = office.member('An');
  const first = office.request({ op: 'disown', content: 'a'.repeat(64), node: 'n1' }, { token });
  office.send(first);
  for (let n = 0; n < 70; n++) office.send(office.request({ op: 'disown', content: 'a'.repeat(64), node: 'n1' }, { token }));
  const { body } = office.send(first);
  assert.equal(!body.ok && body.code, 'indeterminate');
});

test('guesses make the next ones wait, also those sent at once; the right host of somebody else does not wait', () => {
  const office = new Office();
  office.member('An');
  const guesses = Array.from({ length: 20 }, () => office.request(login('An', 'guess guess')));
  const codes = office.sendAll(guesses).map(({ body }) => (body.ok ? 'ok' : body.code));
  assert.equal(codes.filter((code) => code === 'wrong-password').length, 5);
  const { body } = office.send(office.request(login('An')));
  assert.ok(!body.ok && body.code === 'busy' && (body.retryAfterMs ?? 0) > 0);
  assert.equal(office.code(login('An'), { from: { node: 'n9', host: '10.0.0.9' } }), 'ok');
  office.wait(1);
  assert.equal(office.code(login('An')), 'ok');
});

test('a full hash queue is an invitation to try again, and no wrong password', () => {
  const office = new Office();
  office.member('An');
  office.cryptoBusy = true;
  for (let n = 0; n < 10; n++) assert.equal(office.code(login('An')), 'busy');
  office.cryptoBusy = false;
  assert.equal(office.code(login('An')), 'ok');
});

test('the first administrator comes with the one-time code, once', () => {
  const office = new Office({ adminCodeHash: codeHash(CODE), settings: { registration: 'closed' } });
  assert.equal(office.code(registration('Eve')), 'registration-closed');
  assert.deepEqual(office.ask(registration('Root', 'password', CODE)), { account: 'Root', admin: true });
  assert.equal(office.code(registration('Eve', 'password', CODE)), 'invite-invalid');
  const backup = new Office({ ledger: office.ledger, adminCodeHash: codeHash(CODE), client: 2 });
  assert.equal(backup.code(registration('Eve', 'password', CODE)), 'invite-invalid');
});

test('an administrator invites; the code works once, and a repeated request shows the same one', () => {
  const office = new Office({ adminCodeHash: codeHash(CODE), settings: { registration: 'invite' } });
  const root = office.member('Root', CODE);
  assert.equal(office.code(registration('An')), 'invite-needed');
  assert.equal(office.code(registration('An', 'password', 'wrong')), 'invite-invalid');
  const request = office.request({ op: 'invite', admin: false }, { token: root });
  const { body } = office.send(request);
  assert.deepEqual(office.send(request).body, body);
  const { code } = (body as { value: { code: string } }).value;
  const an = office.member('An', code.toLowerCase());
  assert.equal(office.code(registration('Chi', 'password', code)), 'invite-invalid');
  assert.equal(office.code({ op: 'invite', admin: true }, { token: an }), 'forbidden');
});

test('an administrator lists, disables and resets accounts; a member may not', () => {
  const office = new Office({ adminCodeHash: codeHash(CODE) });
  const root = office.member('Root', CODE);
  const an = office.member('An');
  office.enter(an);
  assert.equal(office.code({ op: 'accounts', after: '', limit: 10 }, { token: an }), 'forbidden');
  const { accounts } = office.ask({ op: 'accounts', after: '', limit: 10 }, { token: root });
  assert.deepEqual(
    accounts.map(({ name, admin }) => [name, admin]),
    [
      ['An', false],
      ['Root', true],
    ],
  );
  assert.equal(office.code({ op: 'account.disable', name: 'ROOT', disabled: true }, { token: root }), 'forbidden');
  assert.equal(office.code({ op: 'account.disable', name: 'AN', disabled: true }, { token: root }), 'ok');
  assert.equal(office.code({ op: 'whoami' }, { token: an }), 'session-expired');
  assert.equal(office.code(login('An')), 'disabled');
  assert.equal(office.swarm.registry.nodeCount, 0);
  office.ask({ op: 'account.disable', name: 'An', disabled: false }, { token: root });
  office.ask({ op: 'account.reset', name: 'An', newPassword: 'another one' }, { token: root });
  assert.equal(office.code(login('An')), 'wrong-password');
  assert.equal(office.code(login('An', 'another one')), 'ok');
});

test('a changed password ends the other sessions and needs the old one', () => {
  const office = new Office();
  const mine = office.member('An');
  const other = office.ask(login('An')).token;
  const change = (oldPassword: string) => ({ op: 'passwd', oldPassword, newPassword: 'new password' }) as const;
  assert.equal(office.code(change('wrong one'), { token: mine }), 'wrong-password');
  assert.equal(office.code(change('password'), { token: mine }), 'ok');
  assert.deepEqual(
    [office.code({ op: 'whoami' }, { token: mine }), office.code({ op: 'whoami' }, { token: other })],
    ['ok', 'session-expired'],
  );
  assert.equal(office.code(login('An', 'new password')), 'ok');
});

test('a session ends with its days', () => {
  const office = new Office();
  const token = office.member('An');
  office.wallSkewMs = 30 * 86_400_000 + 1;
  assert.equal(office.code({ op: 'whoami' }, { token }), 'session-expired');
});

test('a login under a higher cost hashes the password anew and ends no session', () => {
  const office = new Office();
  const token = office.member('An');
  const before = office.ledger.run('account', { folded: 'an' })?.passwordHash;
  const dearer = new Office({ ledger: office.ledger, settings: { passwordCost: { memoryKib: 16, passes: 2, lanes: 1 } }, client: 2 });
  assert.equal(dearer.code(login('An')), 'ok');
  const after = dearer.ledger.run('account', { folded: 'an' })?.passwordHash ?? '';
  assert.notEqual(after, before);
  assert.match(after, /m=16,t=2/u);
  assert.equal(dearer.code(login('An')), 'ok');
  assert.equal(dearer.code({ op: 'whoami' }, { token }), 'ok');
});

test('nothing secret is in the ledger', () => {
  const office = new Office({ adminCodeHash: codeHash(CODE), settings: { registration: 'invite' } });
  const root = office.member('Root', CODE);
  const { code } = office.ask({ op: 'invite', admin: false }, { token: root });
  const log = office.ledger.run('read', { fromSeq: 1, bytesMax: Number.MAX_SAFE_INTEGER });
  const text = Buffer.concat((log?.entries ?? []).map(({ payload }) => payload)).toString('latin1');
  for (const secret of ['"password"', root, code, CODE]) assert.ok(!text.includes(secret), secret);
  const replies = office.ledger.sql
    .prepare('SELECT body FROM replies')
    .all()
    .map((row) => row['body'])
    .join();
  for (const secret of [root, code]) assert.ok(!replies.includes(secret));
});

test('after a forced promotion whoever is not known any more is told that the account may be gone, and nodes of how many there were', () => {
  const office = new Office();
  const token = office.member('An');
  const entering = { op: 'enter', node: 'n1', name: 'n1', incarnation: 'i', addresses: [] } as const;
  const refusal = (operation: Parameters<Office['request']>[0]): string => {
    const { body } = office.send(office.request(operation));
    return body.ok ? 'ok' : body.message;
  };
  assert.equal('generation' in office.ask(entering, { token }), false);
  assert.doesNotMatch(refusal(login('Binh')), /forced/u);
  office.generation = 2;
  assert.equal(office.ask(entering, { token }).generation, 2);
  assert.match(refusal({ op: 'whoami' }), /log in|Log in/u);
  assert.match(refusal(login('Binh')), /promotion was forced.*can be registered again/u);
  assert.equal(refusal(login('Binh')), refusal(login('An', 'not this one')), 'it says nothing of single accounts');
  const lost = office.send(office.request({ op: 'whoami' }, { token: 'a token of before' })).body;
  assert.ok(!lost.ok && lost.code === 'session-expired' && /promotion was forced.*registered again/u.test(lost.message));
});
