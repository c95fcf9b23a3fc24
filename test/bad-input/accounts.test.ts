/** Names and passwords, through node, proxy and tracker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '../../src/ports/clock.ts';
import { password, refusal, signIn, startNetwork } from './kit.ts';

test('a taken name is taken in any case, Unicode form and width, also after the main tracker has died', () => {
  const cluster = startNetwork({ nodes: 1 });
  signIn(cluster, 'node1', 'Nguyễn Văn Á');
  const forms = ['nguyễn văn á', 'NGUYỄN VĂN Á', 'Nguyễn Văn Á'.normalize('NFD'), 'Ｎｇｕyễn Văn Á'];
  for (const name of forms) {
    const { code, message } = refusal(cluster, 'node1', 'register', { name, password, code: null });
    assert.equal(code, 'name-taken', name);
    assert.match(message, /^The name .+ is taken$/u);
  }
  cluster.kill('tracker');
  for (const name of forms) assert.equal(refusal(cluster, 'node1', 'register', { name, password, code: null }).code, 'name-taken');
  for (const name of forms) assert.equal(cluster.ask('node1', 'login', { name, password }).account, 'Nguyễn Văn Á');
});

test('a name over 64 characters, an empty or invisible one, and a weak password are refused in words', () => {
  const cluster = startNetwork({ nodes: 1 });
  const tooLong = 'A name has at most 64 characters';
  for (const [name, expected] of [
    ['x'.repeat(65), tooLong],
    ['Ữ'.normalize('NFD').repeat(65), tooLong],
    ['x'.repeat(400), tooLong],
    ['', 'A name must not be empty'],
    ['a\u200bb', 'A name must not contain control or invisible characters'],
  ] as const) {
    const refused = refusal(cluster, 'node1', 'register', { name, password, code: null });
    assert.deepEqual([refused.code, refused.message], ['name-invalid', expected]);
  }
  assert.equal(cluster.ask('node1', 'register', { name: 'Ữ'.repeat(64), password, code: null }).account, 'Ữ'.repeat(64));
  const weak = refusal(cluster, 'node1', 'register', { name: 'weak', password: 'short', code: null });
  assert.deepEqual([weak.code, weak.message], ['password-weak', 'A password needs at least 8 characters']);
  assert.equal(refusal(cluster, 'node1', 'register', { name: 'long', password: 'x'.repeat(1_025), code: null }).code, 'bad-request');
});

test('a wrong password and an unknown name get one answer; the account is as it was, and guessing is slowed down', () => {
  const cluster = startNetwork({ nodes: 2 });
  signIn(cluster, 'node1', 'anna');
  const wrong = refusal(cluster, 'node2', 'login', { name: 'anna', password: 'wrong horse' });
  assert.deepEqual(wrong, refusal(cluster, 'node2', 'login', { name: 'nobody', password: 'wrong horse' }));
  assert.deepEqual([wrong.code, wrong.message], ['wrong-password', 'The name or the password is wrong']);
  const guesses = Array.from({ length: 12 }, () => refusal(cluster, 'node2', 'login', { name: 'anna', password: 'wrong horse' }));
  const last = guesses.at(-1);
  assert.equal(last?.code, 'busy', JSON.stringify(last));
  const wait = /^Too many wrong passwords: try again in (\d+) s$/u.exec(last?.message ?? '')?.[1];
  assert.equal(cluster.ask('node1', 'whoami', {}).account, 'anna', 'who is signed in stays so');
  cluster.ask('node1', 'login', { name: 'anna', password });
  cluster.world.runFor(seconds(Number(wait)));
  cluster.ask('node2', 'login', { name: 'anna', password });
});

test('a tracker whose disk is full hands over; what was registered is there, and the next one is taken too', () => {
  const cluster = startNetwork({ nodes: 1 });
  signIn(cluster, 'node1', 'anna');
  cluster.world.process('tracker').databaseFault = (transaction) => (transaction === 'append' ? 'full' : null);
  cluster.ask('node1', 'register', { name: 'binh', password, code: null });
  assert.equal(cluster.primary(), 'backup');
  for (const name of ['anna', 'binh'])
    assert.equal(refusal(cluster, 'node1', 'register', { name, password, code: null }).code, 'name-taken');
  cluster.world.process('tracker').databaseFault = () => null;
  cluster.until('the pair is whole again', () => cluster.replica('backup')?.mode === 'SYNC');
});

test('a one-time code and an invitation that are wrong or used up say so, and a closed network takes nobody', () => {
  const cluster = startNetwork({ nodes: 2, registration: 'invite', adminCode: 'FIRST-CODE' });
  const uninvited = refusal(cluster, 'node1', 'register', { name: 'anna', password, code: null });
  assert.equal(uninvited.code, 'invite-needed');
  const wrong = refusal(cluster, 'node1', 'register', { name: 'anna', password, code: 'F1RST-C0DF' });
  assert.deepEqual([wrong.code, wrong.message], ['invite-invalid', 'The code is wrong, used or expired']);
  assert.equal(cluster.ask('node1', 'register', { name: 'anna', password, code: 'first code' }).admin, true);
  assert.equal(refusal(cluster, 'node1', 'register', { name: 'binh', password, code: 'FIRST-CODE' }).code, 'invite-invalid');
  cluster.ask('node1', 'login', { name: 'anna', password });
  const { code } = cluster.ask('node1', 'invite', { admin: false });
  cluster.ask('node2', 'register', { name: 'binh', password, code });
  assert.equal(refusal(cluster, 'node2', 'register', { name: 'chi', password, code }).code, 'invite-invalid');
  cluster.ask('node2', 'login', { name: 'binh', password });
  const forbidden = refusal(cluster, 'node2', 'invite', { admin: true });
  assert.deepEqual([forbidden.code, forbidden.message], ['forbidden', 'Only an administrator may do this']);
});
