import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FIRST_START_MARKER } from '../actors/voter/store.ts';
import { loadConfig } from '../config/load.ts';
import { codeHash } from '../domain/accounts/secrets.ts';
import { exitCodeOf, exitMeanings } from './exit.ts';
import { nodeNameOf } from './commands/network.ts';

const launcher = fileURLToPath(new URL('../../bin/shoal.js', import.meta.url));

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

describe('shoal', { concurrency: true }, () => {
  let folder = '';
  before(() => void (folder = mkdtempSync(join(tmpdir(), 'shoal-cli-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const shoal = (args: readonly string[], input = '', cwd = folder): Promise<Ended> =>
    new Promise((resolve) => {
      const env = { ...process.env, HOME: folder, XDG_CONFIG_HOME: join(folder, '.config'), NO_COLOR: '', SHOAL_CONFIG: '' };
      const child = spawn(process.execPath, [launcher, ...args], { cwd, env });
      let [out, err] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
      child.on('close', (status) => resolve({ status, out, err }));
      child.stdin.on('error', () => {});
      child.stdin.end(input);
    });

  it('answers a wrong usage with a sentence, a suggestion and status 64', async () => {
    const [command, option, missing] = await Promise.all([shoal(['serach']), shoal(['get', 'x', '--sequental']), shoal(['inspect'])]);
    assert.deepEqual([command.status, option.status, missing.status], [64, 64, 64]);
    assert.match(command.err, /unknown command 'serach'.*Did you mean search/su);
    assert.match(option.err, /unknown option '--sequental'.*--sequential/su);
    assert.match(missing.err, /missing required argument/u);
  });

  it('has an example and exit codes in the help of every command', async () => {
    const { out, status } = await shoal(['help']);
    assert.equal(status, 0);
    const named = [...out.matchAll(/^ {2}([a-z]+) (?:\[|<|[a-z ])/gmu)]
      .map(([, name]) => name ?? '')
      .filter((name) => !['help', 'account', 'config', 'shoal'].includes(name));
    assert.ok(named.length >= 25, named.join(' '));
    const some = ['init', 'get', 'account list', 'config check'];
    for (const { out: help, status: ended } of await Promise.all(some.map((name) => shoal([...name.split(' '), '--help'])))) {
      assert.equal(ended, 0);
      assert.match(help, /Examples?:\n {2}\$ /u);
      assert.match(help, /Exit status:\n +0 {2}done/u);
      assert.match(help, /--json/u);
    }
  });

  it('init makes a network whose files all load, keeps secrets to their user, and overwrites nothing', async () => {
    const made = await shoal(['init', 'lab', '--host', '10.1.2.3', '--registration', 'invite', '--json']);
    assert.equal(made.status, 0, made.err);
    const lab = join(folder, 'lab');
    const { adminCode, joinCode } = JSON.parse(made.out) as { adminCode: string; joinCode: string };
    for (const file of ['tracker', 'backup', 'proxy', 'node']) {
      const loaded = loadConfig(join(lab, `${file}.json`));
      assert.ok(loaded.ok, loaded.ok ? '' : loaded.error.message);
      const { value } = loaded;
      assert.equal(value.network.registration, 'invite');
      if (value.role !== 'node') assert.equal(value.listen.host, '0.0.0.0');
      if (value.role === 'tracker') assert.equal(value.secrets.adminCodeHash, codeHash(adminCode));
      assert.equal(value.secrets.clusterKey === null, value.role === 'node');
      assert.equal(existsSync(join(value.dataFolder, FIRST_START_MARKER)), value.role !== 'node');
      if (value.role !== 'node' && process.platform !== 'win32') assert.equal(statSync(value.dataFolder).mode & 0o077, 0, value.dataFolder);
    }
    if (process.platform !== 'win32') {
      for (const file of readdirSync(join(lab, 'secrets'))) assert.equal(statSync(join(lab, 'secrets', file)).mode & 0o077, 0, file);
    }
    const before = readFileSync(join(lab, 'secrets', 'replica.json'), 'utf8');
    assert.ok(!JSON.stringify(before).includes(adminCode));
    const again = await shoal(['init', 'lab']);
    assert.equal(again.status, 73);
    assert.equal(readFileSync(join(lab, 'secrets', 'replica.json'), 'utf8'), before);

    const joined = await shoal(['join', joinCode, '--dir', 'member', '--name', 'alice']);
    assert.equal(joined.status, 0, joined.err);
    const member = loadConfig(join(folder, 'member', 'node.json'));
    assert.ok(member.ok && member.value.role === 'node');
    const gate = { host: '10.1.2.3', port: 6969 };
    assert.deepEqual(member.value.network.proxies, [{ name: 'proxy', address: { host: '10.1.2.3', port: 7411 }, announce: gate }]);
    assert.equal(member.value.network.name, 'lab', 'a network is called as its folder is');
  });

  it('init makes several proxies, and as many witnesses as it is told: those alone may vote from the start', async () => {
    const hosts = ['10.0.0.3', '10.0.0.4', '10.0.0.4'].flatMap((host) => ['--proxy-host', host]);
    const made = await shoal([
      'init',
      'wide',
      '--host',
      '10.0.0.1',
      '--backup-host',
      '10.0.0.2',
      ...hosts,
      '--proxies',
      '4',
      '--witnesses',
      '3',
    ]);
    assert.equal(made.status, 0, made.err);
    const loaded = ['proxy', 'proxy2', 'proxy3', 'proxy4'].map((name) => loadConfig(join(folder, 'wide', `${name}.json`)));
    const places: string[] = [];
    for (const each of loaded) {
      assert.ok(each.ok && each.value.role === 'proxy', each.ok ? '' : each.error.message);
      const { name, network, listen, dataFolder } = each.value;
      assert.equal(network.witnesses, 3);
      assert.equal(existsSync(join(dataFolder, FIRST_START_MARKER)), name !== 'proxy4');
      const address = network.proxies.find((proxy) => proxy.name === name)?.address;
      assert.equal(address?.port, listen.port);
      places.push(`${address?.host}:${address?.port}`);
    }
    assert.deepEqual(places, ['10.0.0.3:7411', '10.0.0.4:7411', '10.0.0.4:7412', '10.0.0.4:7413']);
    const few = await shoal(['init', 'few', '--witnesses', '3']);
    assert.equal(few.status, 64);
    assert.match(few.err, /add --proxies 3/u);
  });

  it('refuses a mistyped join code with status 65 and makes nothing', async () => {
    const ended = await shoal(['join', 'shoal04zzzzzz', '--dir', 'nothing']);
    assert.equal(ended.status, 65);
    assert.match(ended.err, /join code/u);
    assert.ok(!existsSync(join(folder, 'nothing')));
  });

  it('says what a join code looks like to whoever has none', async () => {
    const ended = await shoal(['join', 'my-lab', '--dir', 'nothing']);
    assert.equal(ended.status, 65);
    assert.match(ended.err, /^error: This is no join code\. A join code is one long word .* begins with "shoal0"/u);
  });

  it('config check reports every problem, config print shows no key', async () => {
    assert.equal((await shoal(['init', 'checked'])).status, 0);
    const path = join(folder, 'checked', 'proxy.json');
    const file = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    const [checked, printed] = await Promise.all([
      shoal(['config', 'check', '--config', path]),
      shoal(['config', 'print', '--config', path]),
    ]);
    const [named, twice, absent] = await Promise.all([
      shoal(['config', 'check', path]),
      shoal(['config', 'check', path, '--config', path]),
      shoal(['config', 'check', 'nosuch.json']),
    ]);
    assert.deepEqual([named.status, named.out], [0, checked.out], 'with and without --config');
    assert.equal(twice.status, 64);
    assert.deepEqual([absent.status, absent.out], [78, 'nosuch.json does not exist\n']);
    assert.equal(checked.status, 0);
    const key = (JSON.parse(readFileSync(join(folder, 'checked', 'secrets', 'proxy.json'), 'utf8')) as { clusterKey: string }).clusterKey;
    assert.match(printed.out, /"requestDeadlineMs": 10000/u);
    assert.ok(!printed.out.includes(key));
    cpSync(path, `${path}.bad`);
    writeFileSync(`${path}.bad`, JSON.stringify({ ...file, lisen: 'x', spreadMs: -1 }));
    const bad = await shoal(['config', 'check', '--config', `${path}.bad`]);
    assert.equal(bad.status, 78);
    assert.match(bad.out, /lisen is not a known key\. Did you mean "listen"\?/u);
    assert.match(bad.out, /spreadMs must be at least 0/u);
  });

  it('says with status 69 that no node is running, and with 78 that none is set up', async () => {
    assert.equal((await shoal(['ls'])).status, 78);
    assert.equal((await shoal(['init', 'idle'])).status, 0);
    const ended = await shoal(['ls', '--config', 'idle/node.json']);
    assert.equal(ended.status, 69);
    assert.match(ended.err, /^error: No node is running.*shoal node/u);
    const json = await shoal(['status', '--json'], '', join(folder, 'idle'));
    assert.equal((JSON.parse(json.err) as { error: { code: string } }).error.code, 'no-node');
    const login = await shoal(['login', 'alice', '--password-stdin', '--config', 'idle/node.json'], 'secret\n');
    assert.equal(login.status, 69);
  });

  it('share with a node of its own does not say that it goes on', async () => {
    assert.equal((await shoal(['init', 'lone'])).status, 0);
    writeFileSync(join(folder, 'alone.txt'), 'alone');
    const { status, err } = await shoal(['share', 'alone.txt', '--config', 'lone/node.json']);
    assert.equal(status, 77);
    assert.match(
      err,
      /shoal login NAME --config lone\/node\.json\. The node ends with this command: .*shoal node --config lone\/node\.json"/u,
    );
    assert.doesNotMatch(err, /all the same/u);
  });

  it('inspect tells why a torrent is bad with status 65, and that a file is missing with 66', async () => {
    writeFileSync(join(folder, 'bad.torrent'), 'd4:infod6:lengthi-1eee');
    const [bad, missing] = await Promise.all([shoal(['inspect', 'bad.torrent']), shoal(['inspect', 'absent.torrent'])]);
    assert.deepEqual([bad.status, missing.status], [65, 66]);
    assert.match(bad.err, /no valid torrent file: .+/u);
    assert.ok(!bad.err.includes('    at '), 'no stack trace for a user');
  });

  it('inspect says what it wants where it is given nothing', async () => {
    const { err, status } = await shoal(['inspect', '']);
    assert.deepEqual([status, err], [64, 'error: Name a torrent file, its URL, or a magnet link.\n']);
  });

  it('inspect prints the magnet link, in the text alone', async () => {
    const info = `d6:lengthi5e4:name7:a hello12:piece lengthi16384e6:pieces20:${'x'.repeat(20)}e`;
    writeFileSync(join(folder, 'hello.torrent'), `d4:info${info}e`);
    const [text, json] = await Promise.all([shoal(['inspect', 'hello.torrent']), shoal(['inspect', 'hello.torrent', '--json'])]);
    const { v1 } = JSON.parse(json.out) as { v1: string };
    assert.ok(text.out.includes(`magnet:?xt=urn:btih:${v1}&dn=a%20hello\n`), text.out);
    assert.doesNotMatch(json.out, /magnet/u);
  });

  it('inspect reads no more than a torrent may have, and no device', { skip: process.platform === 'win32' }, async () => {
    writeFileSync(join(folder, 'large.torrent'), Buffer.alloc(9 * 1024 * 1024));
    const [large, device, inside] = await Promise.all(['large.torrent', '/dev/zero', '.'].map((path) => shoal(['inspect', path])));
    assert.deepEqual([large?.status, device?.status, inside?.status], [65, 66, 66]);
    assert.match(large?.err ?? '', /too large/u);
    assert.match(device?.err ?? '', /a device or a pipe/u);
    assert.match(inside?.err ?? '', /a folder/u);
  });

  it('init comes back with status 73 where no folder can be made', { skip: process.platform !== 'linux' }, async () => {
    const ended = await shoal(['init', '/proc/shoal-nothing']);
    assert.equal(ended.status, 73);
    assert.match(ended.err, /Cannot set up \S+shoal-nothing: .+/u);
  });

  it('up touches no folder that is not its own', async () => {
    writeFileSync(join(folder, 'mine.txt'), 'precious');
    const ended = await shoal(['up', '--once', '--dir', '.']);
    assert.equal(ended.status, 73);
    assert.equal(readFileSync(join(folder, 'mine.txt'), 'utf8'), 'precious');
  });
});

describe('exit codes', () => {
  it('are documented, and 1 where a failure has none of its own', () => {
    for (const code of ['no-node', 'wrong-password', 'busy', 'disk-full', 'config-invalid', 'torrent-invalid'])
      assert.ok(exitMeanings[exitCodeOf(code)] !== undefined && exitCodeOf(code) >= 64, code);
    assert.equal(exitCodeOf('never heard of'), 1);
  });
});

describe('node names', () => {
  it('are made of whatever a machine is called', () => {
    assert.equal(nodeNameOf('Máy của Lan.local'), 'm-y-c-a-lan-local');
    assert.equal(nodeNameOf('...'), 'node');
    assert.match(nodeNameOf('x'.repeat(200)), /^x{1,64}$/u);
  });
});
