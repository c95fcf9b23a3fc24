/** What a node's user is told of how a change is kept, and what holds for reads through a failover. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TestNet } from '../../links/net.test-kit.ts';
import type { RequestFrame } from '../../protocol/control/messages.ts';
import { Asking } from './asking.ts';
import { nodeIn, served, signIn, tracker } from './node.test-kit.ts';

test('the result of a change says how it is kept', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.main.durability = 'local';
  const calls = [
    node.call('register', { name: 'binh', password: 'x', code: null }),
    node.call('passwd', { oldPassword: 'x', newPassword: 'y' }),
    node.call('account.disable', { name: 'binh', disabled: true }),
  ];
  cluster.net.until(() => calls.every(({ result }) => result !== null));
  for (const { result } of calls) assert.ok(result?.ok === true && (result.value as { durability: string }).durability === 'local');
  cluster.main.durability = 'replicated';
  const logout = node.call('logout', {});
  cluster.net.until(() => logout.result !== null);
  assert.deepEqual(logout.result, { ok: true, value: { durability: 'replicated' } });
});

test('a demand to keep a change on both trackers goes with the request; a refusal reaches the user in its words', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  const words = 'Nothing was changed: only one tracker is there.';
  cluster.main.answer = (frame) => (frame.require === 'replicated' ? { ok: false, code: 'degraded', message: words } : tracker(frame));
  const strict = node.call('register', { name: 'binh', password: 'x', code: null, require: 'replicated' });
  const lax = node.call('register', { name: 'chi', password: 'x', code: null });
  cluster.net.until(() => strict.result !== null && lax.result !== null);
  assert.deepEqual(strict.result, { ok: false, error: { code: 'degraded', message: words } });
  assert.ok(lax.result?.ok);
});

test('signing out of a session that has ended says that the network was told nothing', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.main.answer = () => ({ ok: false, code: 'session-expired', message: 'Sign in again.' });
  const logout = node.call('logout', {});
  cluster.net.until(() => logout.result !== null);
  assert.deepEqual(logout.result, { ok: true, value: { durability: 'none' } });
});

test('a node that has seen its own change asks for no less from the next primary, over another proxy too', () => {
  const cluster = served(2);
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.main.seq = 57;
  const register = node.call('register', { name: 'binh', password: 'x', code: null });
  cluster.net.until(() => register.result !== null);
  cluster.main.process.kill();
  cluster.proxyProcesses[0]?.kill();
  cluster.backup.seq = 60;
  cluster.backup.says('primary', 2, 'backup');
  const who = node.call('whoami', {});
  cluster.net.until(() => cluster.backup.operations().includes('whoami'));
  const asked = cluster.backup.requests.find(({ frame }) => frame.operation.op === 'whoami')?.frame;
  assert.equal(asked?.minSeq, 57);
  cluster.net.until(() => who.result !== null);
});

test('what answers tell of epochs goes with the next request (R12), but not what a stand-in names', () => {
  const process = new TestNet().process();
  const sent: RequestFrame[] = [];
  const asking = new Asking(process.ports.clock, process.ports.random, 'c1', {
    send: (frame) => sent.push(frame) > 0,
    token: () => 't',
    epochSeen: () => 4,
    offlineWords: () => null,
    gaveUp: () => false,
    stranded: () => false,
    tokenRefused() {},
    notEntered() {},
  });
  const ask = (): RequestFrame => {
    process.do(() => asking.ask({ op: 'logout' }, new Uint8Array(0), { hold: true }, () => {}));
    return sent.at(-1) as RequestFrame;
  };
  const answer = ({ requestId }: RequestFrame, epoch: number, stale: { stale?: true }): void => {
    const tail = new Uint8Array(0);
    process.do(() =>
      asking.replied({ kind: 'reply', requestId, epoch, seq: 1, durability: 'none', ...stale, body: { ok: true, value: {} }, tail }),
    );
  };
  const first = ask();
  assert.equal(first.epoch, 4, 'as the proxy says');
  answer(first, 6, {});
  const second = ask();
  assert.equal(second.epoch, 6);
  answer(second, 99, { stale: true });
  assert.equal(ask().epoch, 6, 'a candidate may never lead in its epoch');
});

test('an answer of a stand-in is marked where it is shown', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  const hits = { hits: [], total: 0 };
  cluster.main.answer = (frame) => (frame.operation.op === 'need' ? { ok: true, value: hits } : tracker(frame));
  const fresh = node.call('search', { words: '', offset: 0, limit: 1 });
  cluster.net.until(() => fresh.result !== null);
  assert.deepEqual(fresh.result, { ok: true, value: hits });
  cluster.main.stale = true;
  const stale = node.call('search', { words: '', offset: 0, limit: 1 });
  cluster.net.until(() => stale.result !== null);
  assert.deepEqual(stale.result, { ok: true, value: { ...hits, stale: true } });
  const who = node.call('whoami', {});
  cluster.net.until(() => who.result !== null);
  assert.ok(who.result?.ok === true && who.result.value.stale === true);
});

test('a change that was under way when the link went down is never said to have failed: it may have been made', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.main.answer = (frame) => (frame.operation.op === 'register' ? null : tracker(frame));
  const register = node.call('register', { name: 'binh', password: 'x', code: null });
  cluster.net.until(() => cluster.main.operations().includes('register'));
  cluster.main.process.kill();
  cluster.backup.process.kill();
  cluster.proxyProcesses[0]?.kill();
  cluster.net.until(() => register.result !== null, 40);
  assert.ok(register.result?.ok === false && register.result.error.code === 'indeterminate');
  assert.match(register.result.error.message, /may or may not have been made: .*sign in/u);
});

test('a change lost with one proxy and turned away by the next is indeterminate, and its user is not told that nothing was changed', () => {
  const cluster = served(2);
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.main.answer = (frame) => (frame.operation.op === 'register' ? null : tracker(frame));
  const register = node.call('register', { name: 'binh', password: 'x', code: null });
  cluster.net.until(() => cluster.main.operations().includes('register'));
  cluster.main.process.kill();
  cluster.backup.says('follower', 1, null, 'main');
  cluster.proxyProcesses[0]?.kill();
  cluster.net.until(() => register.result !== null, 40);
  assert.ok(register.result?.ok === false);
  assert.equal(register.result.error.code, 'indeterminate', register.result.error.message);
});

test('who asks how the network stands need not be signed in, and is answered where no tracker is', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  cluster.net.until(() => node.session.status().proxy !== null);
  cluster.main.process.kill();
  cluster.backup.process.kill();
  cluster.net.run(6);
  const asked = node.call('cluster', {});
  cluster.net.until(() => asked.result !== null);
  assert.ok(asked.result?.ok === true);
  assert.deepEqual([asked.result.value.primary, asked.result.value.replicas.map(({ report }) => report)], [null, [null, null]]);
});
