/** Passkeys and statistics on the command line. The node is a stand-in behind the real API. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Reactor } from '../../bus/reactor.ts';
import { loadConfig } from '../../config/load.ts';
import { type ApiServer, openApi } from '../../gateways/api/server.ts';
import type { ApiCallName, ApiCalls } from '../../protocol/api.ts';
import { fail, ok, type Result } from '../../protocol/result.ts';
import { EXIT } from '../exit.ts';
import { type Ended, run } from '../run.test-kit.ts';

type Answers = { [K in ApiCallName]?: (args: ApiCalls[K]['args']) => Result<ApiCalls[K]['result']> };

const PASSKEY = '0123456789abcdef0123456789abcdef';
const made = { passkey: PASSKEY, id: '4f1c09aa7d3e', device: 'laptop', replacedUntilMs: null, durability: 'replicated' } as const;
const gate = { proxy: 'proxy', http: `http://10.0.0.1:6969/${PASSKEY}/announce`, udp: `udp://10.0.0.1:6969/${PASSKEY}/announce` };

describe('shoal passkey and shoal stats', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal cli '));
  const config = join(folder, 'node.json');
  let server: ApiServer;
  let answers: Answers = {};
  let asked: object[] = [];

  before(async () => {
    assert.equal((await run(['init', folder])).status, 0);
    const loaded = loadConfig(config);
    assert.ok(loaded.ok && loaded.value.role === 'node');
    mkdirSync(loaded.value.dataFolder, { recursive: true });
    const opened = await openApi({
      listen: { host: '127.0.0.1', port: 0 },
      dataFolder: loaded.value.dataFolder,
      version: '0',
      reactor: new Reactor(() => 0),
      handle: (call, args, done) => {
        asked.push(args);
        const answer = answers[call] as ((given: object) => Result<never>) | undefined;
        done(answer === undefined ? fail('internal', `${call} was not expected`) : answer(args));
      },
    });
    assert.ok(opened.ok, opened.ok ? '' : opened.error.message);
    server = opened.value;
  });
  after(async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    answers = {};
    asked = [];
  });

  const ask = (...args: readonly string[]): Promise<Ended> => run([...args, '--config', config]);

  it('shows the personal announce URLs of every gate, once, and how they are used', async () => {
    const second = { ...gate, proxy: 'proxy2', http: gate.http.replace('10.0.0.1', '10.0.0.2') };
    answers['passkey.new'] = () => ok({ ...made, announce: [gate, second] });
    const { status, out } = await ask('passkey', 'new', 'laptop');
    assert.equal(status, EXIT.ok);
    assert.deepEqual(asked, [{ device: 'laptop' }]);
    for (const url of [gate.http, gate.udp, second.http]) assert.ok(out.includes(url), out);
    assert.match(out, /shown this once/u);
    assert.match(out, /tracker of a torrent.*Transmission/u);
    assert.match(out, /shoal torrent/u);
    const json = JSON.parse((await ask('passkey', 'new', 'laptop', '--json')).out) as { announce: { http: string }[] };
    assert.equal(json.announce[0]?.http, gate.http);
  });

  it('says so where no proxy has a gate, and where a passkey was replaced', async () => {
    answers['passkey.new'] = () => ok({ ...made, replacedUntilMs: Date.UTC(2030, 0, 15), announce: [] });
    const { out, err } = await ask('passkey', 'new');
    assert.deepEqual(asked, [{ device: 'node' }], 'this node is the device where none is named');
    assert.match(out, new RegExp(`${PASSKEY}[^]*No proxy of this network has a gate`, 'u'));
    assert.match(err, /goes on until 2030-01-1[45][^]*passkey revoke laptop/u);
  });

  it('lists devices and what their passkeys are, and says that one is revoked', async () => {
    const passkey = { id: '4f1c09aa7d3e', device: 'laptop', createdMs: 1_000, expiresMs: null };
    answers.passkeys = () => ok({ passkeys: [passkey, { ...passkey, id: 'aaaaaaaaaaaa', expiresMs: Date.UTC(2030, 0, 15) }] });
    const { out } = await ask('passkey', 'list');
    assert.match(out, /laptop +4f1c09aa7d3e .* active\n/u);
    assert.match(out, /laptop +aaaaaaaaaaaa .* replaced, ends 2030-01-1/u);
    answers.passkeys = () => ok({ passkeys: [] });
    assert.match((await ask('passkey', 'list')).out, /no passkey/u);
    answers['passkey.revoke'] = () => ok({ device: 'laptop', revoked: 2, durability: 'local' });
    assert.match((await ask('passkey', 'revoke', 'laptop')).out, /All 2 passkeys of laptop are revoked \(kept on one tracker/u);
    answers['passkey.revoke'] = () => fail('not-found', 'The account has no passkey for such a device');
    assert.equal((await ask('passkey', 'revoke', 'nothing')).status, EXIT.failed);
  });

  it('shows what was transferred in all and by content, with the ratio, a page at a time', async () => {
    const contents = [
      { content: 'a'.repeat(64), name: 'corpus', uploadedBytes: 3_000_000, downloadedBytes: 2_000_000, completed: 1, lastMs: 1_000 },
      { content: 'b'.repeat(64), name: null, uploadedBytes: 5, downloadedBytes: 0, completed: 0, lastMs: 900 },
      { content: '', name: null, uploadedBytes: 1, downloadedBytes: 1, completed: 7, lastMs: 800 },
    ];
    const sums = { uploadedBytes: 3_000_006, downloadedBytes: 2_000_001, completed: 8 };
    answers.statistics = () => ok({ account: 'Bình', ...sums, total: 5, contents });
    const { out, err } = await ask('stats', '--account', 'Bình', '--limit', '3');
    assert.deepEqual(asked, [{ account: 'Bình', offset: 0, limit: 3 }]);
    assert.match(out, /^Bình: uploaded 3\.00 MB, downloaded 2\.00 MB, ratio 1\.50, 8 contents downloaded to the end\n/u);
    assert.match(out, /aaaaaaaaaaaa +corpus +3\.00 MB +2\.00 MB +1\.50 +yes/u);
    assert.match(out, /bbbbbbbbbbbb +\(not in the catalog any more\) +5 B +0 B +- +no/u);
    assert.match(out, /contents of long ago/u);
    assert.match(err, /1 to 3 of 5\. {2}Next: .*stats --account Bình --page 2 --limit 3/u);
    const json = JSON.parse((await ask('stats', '--json')).out) as { ratio: number; contents: { ratio: number | null }[] };
    assert.deepEqual([json.ratio, json.contents[0]?.ratio, json.contents[1]?.ratio], [1.5, 1.5, null]);
    answers.statistics = () => fail('forbidden', 'Only an administrator may see the statistics of others');
    assert.equal((await ask('stats', '--account', 'Eve')).status, EXIT.permission);
  });
});
