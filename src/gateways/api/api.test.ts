import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Cause, Reactor } from '../../bus/reactor.ts';
import type { ApiCallName } from '../../protocol/api.ts';
import { fail } from '../../protocol/result.ts';
import { ApiClient } from './client.ts';
import { routes } from './routes.ts';
import { type ApiServer, openApi } from './server.ts';

describe('node API', () => {
  let folder = '';
  let server: ApiServer;
  let client: ApiClient;
  let calls: { call: string; args: object; stepping: boolean }[] = [];
  let causes: Cause[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shoal-api-'));
    calls = [];
    causes = [];
    const reactor = new Reactor(() => 0);
    reactor.taps.on('cause', (cause) => causes.push(cause));
    const opened = await openApi({
      listen: { host: '127.0.0.1', port: 0 },
      dataFolder: folder,
      version: '1.2.3',
      reactor,
      handle: (call, args, done) => {
        calls.push({ call, args, stepping: reactor.stepping });
        setImmediate(() => {
          if (call === 'register' || call === 'transfers') return;
          reactor.step({ port: 'process', id: 0, kind: 'answer' }, () => {
            if (call === 'whoami') done(fail('not-logged-in', 'Nobody is signed in.'));
            else done({ ok: true, value: { account: 'alice', admin: true, durability: 'local' } as never });
          });
        });
      },
    });
    assert.ok(opened.ok);
    server = opened.value;
    const found = ApiClient.open(folder);
    assert.ok(found.ok);
    client = found.value;
  });
  afterEach(async () => {
    client.close();
    await server.close();
    rmSync(folder, { recursive: true });
  });

  const raw = (path: string, headers: Record<string, string>, body: string | null = null): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const sent = request({ ...server.address, path, method: body === null ? 'GET' : 'POST', headers, agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on('error', reject).end(body ?? undefined);
    });
  const bearer = (): Record<string, string> => ({ authorization: `Bearer ${readFileSync(join(folder, 'api-token'), 'utf8').trim()}` });

  it('carries a call and its answer, inside a step of the gateway', async () => {
    assert.deepEqual(await client.call('login', { name: 'alice', password: 'x' }), {
      ok: true,
      value: { account: 'alice', admin: true, durability: 'local' },
    });
    assert.deepEqual(calls, [{ call: 'login', args: { name: 'alice', password: 'x' }, stepping: true }]);
    assert.deepEqual([causes[0]?.port, causes[0]?.kind], ['gateway', 'login']);
  });

  it('carries a failure with its code and sentence, under a fitting status', async () => {
    assert.deepEqual(await client.call('whoami', {}), { ok: false, error: { code: 'not-logged-in', message: 'Nobody is signed in.' } });
    assert.equal((await raw('/v1/account', bearer())).status, 401);
  });

  it('admits only who has the token, and only under a name of this machine', async () => {
    assert.equal((await raw('/v1/status', {})).status, 401);
    assert.equal((await raw('/v1/status', { authorization: 'Bearer wrong' })).status, 401);
    assert.equal((await raw('/v1/status', { ...bearer(), host: 'evil.example' })).status, 403);
    assert.deepEqual(calls, []);
    if (process.platform !== 'win32') assert.equal(statSync(join(folder, 'api-token')).mode & 0o777, 0o600);
  });

  it('refuses unknown paths, broken JSON, unknown and missing arguments, and long bodies, before any actor sees them', async () => {
    assert.equal((await raw('/v1/nothing', bearer())).status, 404);
    assert.equal((await raw('/v1/account/login', bearer(), '{')).status, 400);
    assert.match((await raw('/v1/account/login', bearer(), '{"name":"a"}')).text, /bad-request.*password/u);
    assert.equal((await raw('/v1/account/login', bearer(), '{"name":"a","password":"b","x":1}')).status, 400);
    assert.equal((await raw('/v1/account/login', bearer(), 'x'.repeat(2 * 1024 * 1024)).catch(() => ({ status: 413 }))).status, 413);
    assert.deepEqual(calls, []);
  });

  it('says that no node runs: never started, stopped, or killed and its port taken by another', async () => {
    const fresh = mkdtempSync(join(folder, 'fresh-'));
    const never = ApiClient.open(fresh);
    assert.ok(!never.ok && never.error.code === 'no-node');
    writeFileSync(join(folder, 'api-token'), 'of another process');
    const other = ApiClient.open(folder);
    assert.ok(other.ok);
    const answer = await other.value.call('status', {});
    assert.ok(!answer.ok && answer.error.code === 'no-node');
    other.value.close();
    await server.close();
    assert.ok(!existsSync(join(folder, 'api.json')));
    const gone = await client.call('status', {});
    assert.ok(!gone.ok && gone.error.code === 'no-node');
  });

  it('says of a change without an answer that it may have been made, of anything else that no node runs', async () => {
    const slow = await client.call('register', { name: 'an', password: 'x', code: null }, 50);
    assert.ok(!slow.ok && slow.error.code === 'indeterminate');
    assert.match(slow.error.message, /may or may not have been made/u);
    const list = await client.call('transfers', { id: null }, 50);
    assert.ok(!list.ok && list.error.code === 'timeout');
    const [cut, cutList] = [client.call('register', { name: 'an', password: 'x', code: null }), client.call('transfers', { id: null })];
    while (calls.length < 4) await new Promise((resolve) => setImmediate(resolve));
    await server.close();
    const [change, other] = [await cut, await cutList];
    assert.ok(!change.ok && change.error.code === 'indeterminate', JSON.stringify(change));
    assert.ok(!other.ok && other.error.code === 'no-node', JSON.stringify(other));
    const gone = await client.call('register', { name: 'an', password: 'x', code: null });
    assert.ok(!gone.ok && gone.error.code === 'no-node', 'it was never sent');
  });

  it('carries a demand to keep a change on both trackers, and nothing else in its place', async () => {
    await client.call('login', { name: 'alice', password: 'x', require: 'replicated' });
    assert.deepEqual(calls[0]?.args, { name: 'alice', password: 'x', require: 'replicated' });
    const strange = await raw('/v1/account/login', bearer(), '{"name":"a","password":"b","require":"thrice"}');
    assert.equal(strange.status, 400);
    assert.match(strange.text, /require/u);
  });

  it('names the port that is in use', async () => {
    const second = await openApi({ listen: server.address, dataFolder: folder, version: '', reactor: new Reactor(() => 0), handle() {} });
    assert.ok(!second.ok && second.error.code === 'in-use');
    assert.match(second.error.message, new RegExp(String(server.address.port), 'u'));
  });

  it('has a path of its own and a sentence for every call', () => {
    const calls = Object.keys(routes) as ApiCallName[];
    assert.equal(new Set(calls.map((call) => `${routes[call].method} ${routes[call].path}`)).size, calls.length);
    for (const call of calls) assert.match(routes[call].about, /^[A-Z].*\.$/u);
  });
});
