import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { parseAddress } from './address.ts';
import { type ConfigFailure, loadConfig, redacted } from './load.ts';
import { jsonSchema, networkSchema, nodeSchema } from './schema.ts';
import { nearest } from './suggest.ts';
import { votersOf } from './voters.ts';

const KEY = 'ab'.repeat(32);
const network = {
  networkId: '0'.repeat(32),
  name: 'lab',
  replicas: [
    { name: 'main', address: '127.0.0.1:7401' },
    { name: 'backup', address: '127.0.0.1:7402' },
  ],
  proxies: [{ name: 'proxy', address: '127.0.0.1:7411' }],
};

describe('configuration', () => {
  let folder = '';
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'shoal-config-'))));
  after(() => rmSync(folder, { recursive: true }));

  const write = (name: string, value: unknown): string => {
    const path = join(folder, name);
    writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value), { mode: 0o600 });
    return path;
  };
  const failureOf = (path: string): ConfigFailure => {
    const loaded = loadConfig(path);
    assert.equal(loaded.ok, false);
    return (loaded as { error: ConfigFailure }).error;
  };
  before(() => {
    write('network.json', network);
    write('member.json', { networkKey: KEY });
    write('cluster.json', { networkKey: KEY, clusterKey: KEY, tokenKey: KEY });
  });

  it('fills in defaults, takes paths from the folder of the file, and freezes all of it', () => {
    const loaded = loadConfig(
      write('node.json', { role: 'node', name: 'alice', secrets: 'member.json', dataFolder: 'state', limits: { peersMax: 7 } }),
    );
    assert.ok(loaded.ok);
    const config = loaded.value;
    assert.ok(config.role === 'node');
    assert.equal(config.dataFolder, join(folder, 'state'));
    assert.equal(config.log.folder, join(folder, 'logs'));
    assert.equal(config.limits.peersMax, 7);
    assert.equal(config.limits.uploadRate, 0);
    assert.deepEqual(config.network.proxies, [{ name: 'proxy', address: { host: '127.0.0.1', port: 7411 } }]);
    assert.equal(config.secrets.clusterKey, null);
    assert.equal(config.secrets.networkKey.key.byteLength, 32);
    assert.ok(Object.isFrozen(config.limits) && Object.isFrozen(config.network.proxies[0]));
  });

  it('takes the first one or three proxies as voters, never more than there are', () => {
    const proxies = ['p1', 'p2', 'p3', 'p4'].map((name, at) => ({ name, address: `127.0.0.1:${7_411 + at}` }));
    const voters = (witnesses: object): string[] => votersOf(networkSchema.parse({ ...network, proxies, ...witnesses }));
    assert.deepEqual(voters({}), ['main', 'backup', 'p1']);
    assert.deepEqual(voters({ witnesses: 3 }), ['main', 'backup', 'p1', 'p2', 'p3']);
    const why = (file: object): string | undefined => networkSchema.safeParse(file).error?.issues[0]?.message;
    assert.match(why({ ...network, proxies, witnesses: 2 }) ?? '', /1 or 3/u);
    assert.match(why({ ...network, witnesses: 3 }) ?? '', /more than there are proxies/u);
  });

  it('has a gate for other clients where the proxy listens for them, and only where it does', () => {
    const gated = { ...network, proxies: [{ ...network.proxies[0], announce: '127.0.0.1:6969' }] };
    write('gated-network.json', gated);
    const proxy = { role: 'proxy', name: 'proxy', network: 'gated-network.json', secrets: 'cluster.json', listen: '127.0.0.1:7411' };
    const loaded = loadConfig(write('gated.json', { ...proxy, announce: { listen: '[::]:6969', trustedForwarders: ['10.0.0.0/8'] } }));
    assert.ok(loaded.ok && loaded.value.role === 'proxy');
    const { announce } = loaded.value;
    assert.deepEqual([announce.listen, announce.http, announce.udp], [{ host: '::', port: 6_969 }, true, true]);
    assert.deepEqual(loaded.value.network.announce, { passkeys: 'required', intervalSeconds: 300 });
    assert.deepEqual(loaded.value.network.proxies[0]?.announce, { host: '127.0.0.1', port: 6_969 });
    assert.match(failureOf(write('deaf.json', proxy)).message, /announce\.listen must not be null.*127\.0\.0\.1:6969/u);
    const wrong = failureOf(write('wrong.json', { ...proxy, announce: { listen: null, trustedForwarders: ['lab'] } }));
    assert.match(wrong.message, /announce\.trustedForwarders\[0\] must be an IP address, or a network/u);
  });

  it('names an unknown key and suggests the nearest valid one, at any depth', () => {
    const { problems } = failureOf(
      write('typo.json', { role: 'node', name: 'alice', secrets: 'member.json', dataFoldr: 'x', limits: { peerMax: 7 } }),
    );
    assert.deepEqual(
      problems.map(({ path, message }) => [path, message]),
      [
        ['limits.peerMax', 'is not a known key. Did you mean "peersMax"?'],
        ['dataFoldr', 'is not a known key. Did you mean "dataFolder"?'],
      ],
    );
  });

  it('reports every problem of every file at once, each with its path', () => {
    write('bad-network.json', {
      ...network,
      networkId: 'xyz',
      proxies: [{ name: 'proxy', address: 'nowhere' }],
      registration: 'opn',
      timing: { heartbeatMs: '150' },
    });
    write('bad-secrets.json', { networkKey: 'short' });
    const tracker = {
      role: 'tracker',
      name: 'Main!',
      network: 'bad-network.json',
      secrets: 'bad-secrets.json',
      listen: '127.0.0.1:99999',
    };
    const { problems, code } = failureOf(write('bad.json', tracker));
    assert.equal(code, 'config-invalid');
    assert.deepEqual(problems.map(({ path }) => path).sort(), [
      'listen',
      'name',
      'networkId',
      'networkKey',
      'proxies[0].address',
      'registration',
      'timing.heartbeatMs',
    ]);
  });

  it('says what a number counts to whoever wrote something else in its place', () => {
    const limits = { downloadRate: '10 MB', uploadRate: 1.5, peersMax: 0 };
    const { problems } = failureOf(write('units.json', { role: 'node', name: 'alice', secrets: 'member.json', log: 3, limits }));
    assert.deepEqual(problems.map(({ path, message }) => `${path} ${message}`).sort(), [
      'limits.downloadRate must be a whole number (bytes a second that this node downloads at most; 0 for no limit)',
      'limits.peersMax must be at least 1 (connections to peers at one time)',
      'limits.uploadRate must be a whole number (bytes a second that this node uploads at most; 0 for no limit)',
      'log must be an object',
    ]);
  });

  it('says what is missing, and where the JSON is broken', () => {
    const missing = failureOf(write('missing.json', { role: 'proxy', name: 'proxy' }));
    assert.deepEqual(missing.problems.map(({ path, message }) => `${path} ${message}`).sort(), ['listen is missing', 'secrets is missing']);
    const broken = failureOf(write('broken.json', '{\n  "role": "node",\n}'));
    assert.match(broken.message, /broken\.json is not valid JSON: .*line 3/u);
    assert.equal(failureOf(join(folder, 'absent.json')).code, 'config-missing');
    const role = failureOf(write('role.json', { role: 'trakcer' }));
    assert.match(role.message, /Did you mean "tracker"\?/u);
  });

  it('refuses a name that the network does not know, and a replica without its keys', () => {
    const { problems } = failureOf(
      write('stranger.json', { role: 'tracker', name: 'third', secrets: 'member.json', listen: '127.0.0.1:1' }),
    );
    assert.deepEqual(
      problems.map(({ path }) => path),
      ['name', 'clusterKey', 'tokenKey'],
    );
    assert.match(problems[0]?.message ?? '', /main, backup/u);
  });

  it('refuses an API address that other machines reach', () => {
    const { problems } = failureOf(write('public.json', { role: 'node', name: 'alice', secrets: 'member.json', api: '0.0.0.0:80' }));
    assert.deepEqual(
      problems.map(({ path }) => path),
      ['api'],
    );
  });

  it('refuses secrets that other users can read', { skip: process.platform === 'win32' }, () => {
    const secrets = write('loose.json', { networkKey: KEY });
    chmodSync(secrets, 0o644);
    const { message } = failureOf(write('loose-node.json', { role: 'node', name: 'alice', secrets: 'loose.json' }));
    assert.match(message, /chmod 600/u);
  });

  it('prints no key', () => {
    const loaded = loadConfig(write('main.json', { role: 'tracker', name: 'main', secrets: 'cluster.json', listen: '127.0.0.1:7401' }));
    assert.ok(loaded.ok);
    const text = JSON.stringify(redacted(loaded.value));
    assert.ok(!text.includes(KEY) && !text.includes('171'));
    assert.match(text, /\[redacted\]/u);
  });

  it('describes every field for people and editors', () => {
    const undocumented = (schema: { properties?: Record<string, object>; items?: object }, path: string): string[] =>
      Object.entries(schema.properties ?? {}).flatMap(([key, field]) => [
        ...('description' in field ? [] : [`${path}${key}`]),
        ...undocumented(field, `${path}${key}.`),
        ...undocumented((field as { items?: object }).items ?? {}, `${path}${key}[].`),
      ]);
    assert.deepEqual([...undocumented(jsonSchema(nodeSchema), ''), ...undocumented(jsonSchema(networkSchema), '')], []);
  });
});

describe('addresses', () => {
  it('reads names, IPv4 and bracketed IPv6, and nothing else', () => {
    assert.deepEqual(parseAddress('tracker.lab:7401'), { host: 'tracker.lab', port: 7401 });
    assert.deepEqual(parseAddress('[fe80::1]:80'), { host: 'fe80::1', port: 80 });
    for (const bad of ['', 'host', 'host:', ':1', '::1:80', 'a b:1', 'host:65536', 'host:1x', '[host]:1', 'http://x:1'])
      assert.equal(parseAddress(bad), null, bad);
  });
});

describe('suggestions', () => {
  it('finds swapped, missing and superfluous letters, but no far-fetched word', () => {
    const keys = ['uploadRate', 'downloadRate', 'peersMax'];
    assert.equal(nearest('uplaodRate', keys), 'uploadRate');
    assert.equal(nearest('DownloadRates', keys), 'downloadRate');
    assert.equal(nearest('colour', keys), null);
    assert.equal(nearest('x'.repeat(100_000), keys), null);
  });
});
