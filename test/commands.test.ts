/** The commands against a network of real processes: by a daemon, and with a node inside the command. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { enableCompileCache } from 'node:module';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeLocalNetwork } from '../src/cli/up/folder.ts';
import { LocalNetwork, until } from '../src/cli/up/network.ts';

const launcher = fileURLToPath(new URL('../bin/shoal.js', import.meta.url));
const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

// The processes of the network start in half the time.
enableCompileCache();

describe('commands on a network', () => {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-commands-'));
  const lab = join(folder, 'lab');
  const network = new LocalNetwork<'alice' | 'bob'>(lab, main, () => {});
  let adminCode = '';

  before(async () => {
    adminCode = await makeLocalNetwork(lab, ['alice', 'bob'], 0);
    await Promise.all([network.start('proxy'), network.start('main'), network.start('alice'), network.start('bob')]);
  });
  after(async () => {
    await network.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A command that must go well. */
  const must = async (node: string, args: readonly string[], options: Parameters<typeof shoal>[2] = {}): Promise<Ended> => {
    const ended = await shoal(node, args, options);
    assert.equal(ended.status, 0, `shoal ${args.join(' ')}: ${ended.err}`);
    return ended;
  };

  const shoal = (node: string, args: readonly string[], options: { input?: string; interruptOn?: RegExp } = {}): Promise<Ended> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [launcher, ...args, '--config', join(lab, `${node}.json`)], { cwd: folder });
      let [out, err] = ['', ''];
      child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        err += text;
        if (options.interruptOn?.test(err) === true) child.kill('SIGINT');
      });
      child.on('close', (status) => resolve({ status, out, err }));
      child.stdin.on('error', () => {});
      child.stdin.end(options.input ?? '');
    });

  it('registers, refuses a taken name and a wrong password, and signs in', async () => {
    const first = await shoal('alice', ['register', 'alice', '--code', adminCode, '--password-stdin', '--json'], {
      input: 'correct horse\n',
    });
    assert.deepEqual([first.status, JSON.parse(first.out)], [0, { account: 'alice', admin: true, durability: 'local' }], first.err);
    const taken = await shoal('bob', ['register', 'ALICE', '--password-stdin'], { input: 'correct horse\n' });
    assert.equal(taken.status, 1);
    assert.match(taken.err, /^error: .*taken/u);
    const wrong = await shoal('alice', ['login', 'alice', '--password-stdin'], { input: 'wrong horse\n' });
    assert.equal(wrong.status, 77);
    const signedOut = await shoal('bob', ['search']);
    assert.equal(signedOut.status, 77);
    await must('alice', ['login', 'alice', '--password-stdin'], { input: 'correct horse\n' });
    assert.match((await shoal('alice', ['whoami'])).out, /^alice \(administrator\)/u);
    await must('bob', ['register', 'bob', '--password-stdin'], { input: 'battery staple\n' });
    await must('bob', ['login', 'bob', '--password-stdin'], { input: 'battery staple\n' });
    assert.equal((await shoal('bob', ['account', 'list'])).status, 77);
    assert.match((await shoal('alice', ['account', 'list'])).out, /^alice .*\nbob /mu);
  });

  it('shares a folder, finds it without diacritics, and downloads it with a node inside the command', async () => {
    const source = join(folder, 'Dữ liệu đo');
    mkdirSync(join(source, 'trống'), { recursive: true });
    writeFileSync(join(source, 'số.bin'), Buffer.alloc(300_000, 7));
    writeFileSync(join(source, 'trống', 'rỗng.txt'), '');
    const shared = await shoal('alice', ['share', source, '--tag', 'lab', '--json']);
    assert.equal(shared.status, 0, shared.err);
    const { id } = JSON.parse(shared.out) as { id: string };
    const found = await shoal('bob', ['search', 'du', 'lie']);
    assert.match(found.out, new RegExp(`^${id.slice(0, 12)} +Dữ liệu đo +300 kB +1 +1 +lab +alice$`, 'mu'));
    const second = await shoal('bob', ['node']);
    assert.equal(second.status, 69, 'a second node on the same data');
    assert.match(second.err, /in use by process \d+/u);

    await network.ask('bob', 'stop', {});
    await until('The node of bob ending', async () => ((await shoal('bob', ['ls'])).status === 69 ? true : null));
    const unknown = await shoal('bob', ['get', 'nothing of the kind']);
    assert.equal(unknown.status, 1, unknown.err);
    const got = await shoal('bob', ['get', id.slice(0, 10), '--json']);
    assert.equal(got.status, 0, got.err);
    const copy = join(lab, 'downloads', 'bob', 'Dữ liệu đo');
    assert.deepEqual(readFileSync(join(copy, 'số.bin')), readFileSync(join(source, 'số.bin')));
    assert.equal(readFileSync(join(copy, 'trống', 'rỗng.txt'), 'utf8'), '');
    const { hits } = await network.ask('alice', 'search', { words: 'lab', offset: 0, limit: 10 });
    assert.deepEqual(hits[0]?.owners.map(({ account }) => account).sort(), ['alice', 'bob']);
  });

  it('get of what is there already refuses another folder with status 73, and files that it does not have', async () => {
    const [elsewhere, absent, again] = await Promise.all([
      shoal('alice', ['get', 'Dữ liệu đo', '--to', 'elsewhere']),
      shoal('alice', ['get', 'Dữ liệu đo', '--file', '*.iso']),
      shoal('alice', ['get', 'Dữ liệu đo', '--to', folder, '--file', '*.bin']),
    ]);
    assert.equal(elsewhere.status, 73, elsewhere.err);
    assert.ok(elsewhere.err.includes(`is in ${folder} already`), elsewhere.err);
    assert.equal(absent.status, 1, absent.err);
    assert.match(absent.err, /No file .*"\*\.iso"/u);
    assert.equal(again.status, 0, again.err);
    assert.match(again.out, /^done {2}Dữ liệu đo {2}300 kB, every byte verified$/mu, 'no rate for what came before');
  });

  it('shares with a node inside the command until Ctrl-C, and ends with status 0', async () => {
    const path = join(folder, 'one.txt');
    writeFileSync(path, 'x'.repeat(100_000));
    const { status, out, err } = await shoal('bob', ['share', path], { interruptOn: /Seeding until Ctrl-C/u });
    assert.equal(status, 0, err);
    assert.match(out, /shared {2}one\.txt {2}100 kB {2}id [0-9a-f]{64}/u);
  });
});
