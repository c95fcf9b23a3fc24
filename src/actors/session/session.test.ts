import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptLinks } from '../../links/accept.ts';
import type { ReplyBody } from '../../protocol/control/messages.ts';
import { CONTENT, follower, nodeIn, served, signIn, tracker } from './node.test-kit.ts';

test('signing in enters the network with the addresses of the node; the token is never given out', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  const login = node.call('login', { name: 'an', password: 'right' });
  cluster.net.until(() => node.session.state.online);
  assert.deepEqual(login.result, { ok: true, value: { account: 'an', admin: false, durability: 'replicated' } });
  const enter = cluster.main.requests.find(({ frame }) => frame.operation.op === 'enter')?.frame;
  assert.ok(enter?.operation.op === 'enter');
  assert.deepEqual(enter.operation.addresses, [{ host: node.process.host, port: 6_881 }]);
  assert.deepEqual([enter.token, enter.operation.name], ['secret-token', 'first']);
  assert.deepEqual(node.session.status().account, 'an');
  assert.equal(node.session.state.words, 'online as an');
});

test('a wrong password is told, and a call that needs an account says how to sign in', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  const login = node.call('login', { name: 'an', password: 'wrong' });
  cluster.net.until(() => login.result !== null);
  assert.ok(login.result?.ok === false && login.result.error.code === 'wrong-password');
  const nodes = node.call('nodes', {});
  cluster.net.until(() => nodes.result !== null);
  assert.ok(nodes.result?.ok === false && nodes.result.error.code === 'not-logged-in' && /shoal login/u.test(nodes.result.error.message));
});

test('the account survives a restart; after logout it does not', () => {
  const cluster = served();
  const files = new Map<string, Uint8Array>();
  const first = nodeIn(cluster, files);
  signIn(cluster, first);
  first.process.kill();
  const second = nodeIn(cluster, files);
  cluster.net.until(() => second.session.state.online);
  assert.equal(second.session.state.account, 'an');
  const logout = second.call('logout', {});
  cluster.net.until(() => logout.result !== null && cluster.main.operations().at(-1) === 'exit');
  second.process.kill();
  const third = nodeIn(cluster, files);
  cluster.net.until(() => third.session.state.words === 'connected; nobody is signed in');
});

test('a damaged session file means that nobody is signed in', () => {
  const cluster = served();
  const node = nodeIn(cluster, new Map([['/data/session.json', Buffer.from('{"version":1,')]]));
  cluster.net.until(() => node.session.state.words === 'connected; nobody is signed in');
});

test('an expired token signs the node out', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.main.answer = () => ({ ok: false, code: 'session-expired', message: 'Sign in again.' });
  const who = node.call('whoami', {});
  cluster.net.until(() => who.result !== null && node.process.files.size === 0);
  assert.ok(who.result?.ok === false && who.result.error.code === 'session-expired');
  assert.equal(node.session.state.account, null);
});

test('with no proxy a call fails at once and says which, why and that it goes on trying', () => {
  const cluster = served();
  cluster.proxyProcesses[0]?.kill();
  const node = nodeIn(cluster);
  const who = node.call('login', { name: 'an', password: 'right' });
  cluster.net.until(() => who.result !== null, 3);
  const where = `${cluster.proxyProcesses[0]?.host}:8000`;
  assert.ok(who.result?.ok === false && who.result.error.code === 'offline');
  assert.equal(who.result.error.message, `No proxy answers: ${where}: connection refused; trying again.`);
});

test('when a proxy dies the next is used, and a request under way is answered over it, done once', () => {
  const cluster = served(2);
  const node = nodeIn(cluster);
  signIn(cluster, node);
  const before = cluster.main.requests.length;
  cluster.main.answer = (frame) => (frame.operation.op === 'register' ? null : tracker(frame));
  const register = node.call('register', { name: 'binh', password: 'x', code: null });
  cluster.net.until(() => cluster.main.requests.length > before);
  cluster.main.answer = tracker;
  cluster.proxyProcesses[0]?.kill();
  cluster.net.until(() => register.result !== null);
  assert.deepEqual(register.result, { ok: true, value: { account: 'binh', admin: false, durability: 'replicated' } });
  const ids = cluster.main.requests.filter(({ frame }) => frame.operation.op === 'register').map(({ frame }) => frame.requestId);
  assert.equal(ids.length, 2);
  assert.deepEqual(ids[0], ids[1]);
  cluster.net.until(() => node.session.state.online);
  assert.equal(node.session.status().proxy, `${cluster.proxyProcesses[1]?.host}:8000`);
});

test('a request is repeated for whoever asked it, though somebody else has signed in since', () => {
  const cluster = served(2);
  const node = nodeIn(cluster);
  cluster.main.answer = (frame) => {
    const { operation } = frame;
    if (operation.op === 'account.disable') return null;
    if (operation.op !== 'login') return tracker({ ...frame, token: 'secret-token' });
    return {
      ok: true,
      value: { token: `token of ${operation.name}`, account: operation.name, admin: operation.name === 'an', expiresMs: 5 },
    };
  };
  signIn(cluster, node);
  const disable = node.call('account.disable', { name: 'binh', disabled: true });
  const login = node.call('login', { name: 'binh', password: 'right' });
  cluster.net.until(() => login.result !== null);
  const repeated = cluster.main.answer;
  cluster.main.answer = (frame) => (frame.operation.op === 'account.disable' ? { ok: true, value: {} } : repeated(frame));
  cluster.proxyProcesses[0]?.kill();
  cluster.net.until(() => disable.result !== null);
  const asked = cluster.main.requests.filter(({ frame }) => frame.operation.op === 'account.disable').map(({ frame }) => frame.token);
  assert.deepEqual(asked, ['token of an', 'token of an']);
});

test('whoever is refused for the disk of one tracker is not told that nothing was changed, where a copy may reach another', () => {
  for (const [lost, expected] of [
    [false, 'disk-full'],
    [true, 'indeterminate'],
  ] as const) {
    const cluster = served(2);
    const node = nodeIn(cluster);
    signIn(cluster, node);
    const before = cluster.main.requests.length;
    cluster.main.durability = 'none';
    const full: ReplyBody = { ok: false, code: 'disk-full', message: 'The disk of the primary is full' };
    cluster.main.answer = (frame) => (frame.operation.op !== 'register' ? tracker(frame) : lost ? null : full);
    const register = node.call('register', { name: 'binh', password: 'x', code: null });
    cluster.net.until(() => cluster.main.requests.length > before);
    cluster.main.answer = (frame) => (frame.operation.op === 'register' ? full : tracker(frame));
    if (lost) cluster.proxyProcesses[0]?.kill();
    cluster.net.until(() => register.result !== null);
    assert.equal(register.result?.ok === false && register.result.error.code, expected);
  }
});

test('a write that was sent and never answered is indeterminate, a held one is offline', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.main.answer = (frame) => (frame.operation.op === 'disown' ? null : tracker(frame));
  const codes: string[] = [];
  const ask = (): void =>
    node.process.do(() =>
      node.session.request(
        { op: 'disown', content: CONTENT, node: 'node-1' },
        new Uint8Array(0),
        (result) => void codes.push(result.ok ? 'ok' : result.error.code),
      ),
    );
  ask();
  cluster.net.run(1);
  cluster.proxyProcesses[0]?.kill();
  cluster.net.until(() => !node.session.state.online);
  ask();
  cluster.net.until(() => codes.length === 2, 40);
  assert.deepEqual(codes, ['indeterminate', 'offline']);
});

test('with neither tracker nor backup a call says so after a few seconds', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.main.process.kill();
  cluster.backup.process.kill();
  const who = node.call('whoami', {});
  cluster.net.until(() => who.result !== null, 8);
  assert.ok(who.result?.ok === false && who.result.error.code === 'unavailable');
  assert.equal(node.session.state.words, 'online as an; the network has no tracker right now');
});

test('where no primary will come by itself a change is refused, once every proxy was asked, and then at once', () => {
  const cluster = served(2);
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.main.process.kill();
  cluster.backup.says('follower', 1, null, 'main');
  cluster.net.until(() => node.session.status().primary === null);
  const refused = (withinSeconds: number): void => {
    const register = node.call('register', { name: 'binh', password: 'x', code: null });
    cluster.net.until(() => register.result !== null, withinSeconds);
    assert.ok(register.result?.ok === false && register.result.error.code === 'unavailable');
    assert.match(register.result.error.message, /backup waits for main, which may hold newer changes; start main/u);
  };
  refused(4);
  assert.equal(node.session.status().proxy, `${cluster.proxyProcesses[1]?.host}:8000`);
  refused(0.5);
});

test('busy is asked again after the time that was named', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  let tries = 0;
  cluster.main.answer = (frame) => {
    if (frame.operation.op !== 'whoami') return tracker(frame);
    tries += 1;
    return tries < 3 ? { ok: false, code: 'busy', message: 'later', retryAfterMs: 200 } : tracker(frame);
  };
  const who = node.call('whoami', {});
  cluster.net.until(() => who.result !== null);
  assert.ok(who.result?.ok);
  assert.equal(tries, 3);
});

test('who would have to wait beyond the deadline is told at once for how long', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  let tries = 0;
  cluster.main.answer = (frame) => {
    if (frame.operation.op !== 'login') return tracker(frame);
    tries += 1;
    return { ok: false, code: 'busy', message: 'Too many wrong passwords: try again in 64 s', retryAfterMs: 64_000 };
  };
  const login = node.call('login', { name: 'alice', password: 'guess' });
  cluster.net.until(() => login.result !== null);
  assert.deepEqual([login.result?.ok, tries], [false, 1]);
  assert.ok(login.result?.ok === false && /try again in 64 s/u.test(login.result.error.message));
});

test('an argument that no tracker would take, and a torrent file too large, are answered here', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  const asked = cluster.main.requests.length;
  const long = node.call('search', { words: 'x'.repeat(5_000), offset: 0, limit: 10 });
  const codes: string[] = [];
  const content = { id: CONTENT, v1: null, v2: CONTENT, name: 'n', tags: [], size: 1, files: 1, pieceLength: 16_384 };
  node.process.do(() =>
    node.session.request(
      { op: 'own', content, node: 'node-1' },
      new Uint8Array(9 * 1_048_576),
      (result) => void codes.push(result.ok ? 'ok' : result.error.code),
    ),
  );
  cluster.net.until(() => long.result !== null && codes.length === 1);
  assert.ok(long.result?.ok === false && long.result.error.code === 'bad-request');
  assert.deepEqual(codes, ['too-large']);
  assert.equal(cluster.main.requests.length, asked);
  assert.equal(node.session.state.online, true);
});

test('an answer that makes no sense is an error, not a crash', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  cluster.main.answer = () => ({ ok: true, value: { nonsense: true } });
  const who = node.call('whoami', {});
  cluster.net.until(() => who.result !== null);
  assert.ok(who.result?.ok === false && who.result.error.code === 'internal');
});

test('a clean stop says stopped and exit, answers what is under way, and ends', () => {
  const cluster = served();
  const node = nodeIn(cluster);
  signIn(cluster, node);
  node.process.do(() => node.session.follow(CONTENT, follower()));
  cluster.net.until(() => cluster.main.announces.length === 1);
  cluster.main.answer = (frame) => (frame.operation.op === 'nodes' ? null : tracker(frame));
  const nodes = node.call('nodes', {});
  let stopped = false;
  node.process.do(() =>
    node.session.stop(() => {
      stopped = true;
    }),
  );
  cluster.net.until(() => stopped, 2);
  cluster.net.run(1);
  assert.equal(cluster.main.operations().at(-1), 'exit');
  assert.equal(cluster.main.announces.at(-1)?.frame.items[0]?.event, 'stopped');
  assert.ok(nodes.result?.ok === false);
  assert.equal(cluster.proxies[0]?.status().members, 0);
});

test('a stop with nobody to say goodbye to ends all the same', () => {
  const cluster = served();
  cluster.proxyProcesses[0]?.kill();
  const node = nodeIn(cluster);
  let stopped = false;
  node.process.do(() =>
    node.session.stop(() => {
      stopped = true;
    }),
  );
  cluster.net.until(() => stopped, 2);
});

test('a proxy of another network refuses the node in clear words', () => {
  const cluster = served();
  const stranger = cluster.net.process();
  stranger.do(() => {
    const identity = { networkId: 'other', name: 'p', incarnation: 'i', software: '' };
    acceptLinks(
      stranger.ports,
      { address: { host: stranger.host, port: 8_000 }, identity, linksMax: 9 },
      { listening() {}, failed() {}, epoch: () => 0, accept: {} },
    );
  });
  const proxies = [{ name: 'proxy-1', address: { host: stranger.host, port: 8_000 } }];
  const node = nodeIn({ ...cluster, network: { ...cluster.network, proxies } });
  cluster.net.until(() => node.session.state.words.startsWith('no proxy takes this node'));
  assert.match(node.session.state.words, /this is network other, not 0000.*; trying again/u);
});
