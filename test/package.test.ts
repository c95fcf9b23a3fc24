/** What `npm pack` ships is plain JavaScript that installs with `npm i -g` and runs. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

interface Ended {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

const run = (command: string, args: readonly string[], cwd: string): Promise<Ended> =>
  new Promise((resolve) => {
    execFile(command, args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (error, out, err) => {
      const code: unknown = error?.code;
      resolve({ status: error === null ? 0 : typeof code === 'number' ? code : 1, out, err });
    });
  });

/** What npm says when it cannot reach a registry and has no copy of its own. */
const OFFLINE = /ENOTFOUND|ENOTCACHED|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|E401|E403/u;

describe('the package', { skip: process.platform === 'win32' ? 'needs a POSIX prefix' : false }, () => {
  let folder = '';
  let shoal = '';
  let offline: string | null = null;
  let shipped: string[] = [];

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shoal-package-'));
    const packed = await run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], root);
    assert.equal(packed.status, 0, packed.out + packed.err);
    const [tarball] = JSON.parse(packed.out) as { filename: string; files: { path: string }[] }[];
    shipped = (tarball?.files ?? []).map(({ path }) => path);
    const prefix = join(folder, 'prefix');
    const flags = ['--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=0', '--fetch-timeout=20000'];
    const installed = await run('npm', ['install', '--global', ...flags, join(folder, tarball?.filename ?? '')], folder);
    if (installed.status !== 0 && OFFLINE.test(installed.err)) offline = 'its dependencies cannot be fetched here';
    else assert.equal(installed.status, 0, installed.err);
    shoal = join(prefix, 'bin', 'shoal');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const skipOffline = (t: TestContext): boolean => {
    if (offline !== null) t.skip(offline);
    return offline !== null;
  };

  it('ships plain JavaScript alone, without tests', () => {
    assert.ok(shipped.includes('bin/shoal.js') && shipped.includes('dist/src/cli/main.js') && shipped.includes('dist/simulations/run.js'));
    assert.deepEqual(
      shipped.filter((path) => /\.(?:ts|map)$|\.test\.|^(?:src|test|scripts)\//u.test(path)),
      [],
    );
  });

  it('runs as `shoal`', async (t) => {
    if (skipOffline(t)) return;
    assert.deepEqual(await run(shoal, ['--version'], folder), { status: 0, out: `${version}\n`, err: '' });
  });

  it('inspects a torrent', async (t) => {
    if (skipOffline(t)) return;
    const piece = createHash('sha1').update('hello').digest();
    const info = Buffer.concat([Buffer.from('d6:lengthi5e4:name5:hello12:piece lengthi16384e6:pieces20:'), piece, Buffer.from('e')]);
    writeFileSync(join(folder, 'hello.torrent'), Buffer.concat([Buffer.from('d4:info'), info, Buffer.from('e')]));
    const { status, out, err } = await run(shoal, ['inspect', 'hello.torrent', '--json'], folder);
    assert.equal(status, 0, err);
    assert.deepEqual(JSON.parse(out), {
      v1: createHash('sha1').update(info).digest('hex'),
      v2: null,
      name: 'hello',
      pieceLength: 16_384,
      private: false,
      files: [{ path: 'hello', size: 5, pad: false }],
      size: 5,
      pieces: 1,
      missingLayers: false,
      trackers: [],
      webSeeds: [],
      comment: null,
      createdBy: null,
      createdAt: null,
    });
  });

  it('runs a role, worker threads and all, and stops it cleanly', async (t) => {
    if (skipOffline(t)) return;
    const made = await run(shoal, ['init', 'lab', '--tracker-port', '7401'], folder);
    assert.equal(made.status, 0, made.err);
    const file = join(folder, 'lab', 'tracker.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...config, listen: '127.0.0.1:0' }));
    const tracker = spawn(shoal, ['tracker', '--config', file], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] });
    const ended = new Promise<number | null>((resolve) => tracker.once('close', resolve));
    for await (const line of createInterface({ input: tracker.stdout })) {
      assert.match(line, /^ready tracker main control=127\.0\.0\.1:\d+ pid=\d+$/u);
      tracker.kill('SIGTERM');
      break;
    }
    assert.equal(await ended, 0);
  });
});
