/** What a crash, a second process and a taken port do to a user's commands. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { compare, digestsOf } from '../../src/cli/up/files.ts';
import { until } from '../../src/cli/up/network.ts';
import { decodeRecord, type TransferRecord } from '../../src/domain/transfer/journal.ts';
import { Bitfield } from '../../src/protocol/bittorrent/bitfield.ts';
import { PASSWORD } from './load.ts';
import { openNetwork, type RealNetwork } from './network.ts';
import { shoal } from './shoal.ts';

const SIZE = 60_000_000;
/** Bytes a second: so slow that the middle of a download can be hit. */
const RATE = 10_000_000;

describe('what is cut off', () => {
  let real: RealNetwork<'alice' | 'bob'>;
  let original = '';
  let id = '';
  const configOf = (name: string): string => join(real.network.folder, `${name}.json`);

  const recordOf = (): TransferRecord | null => {
    const path = join(real.network.folder, 'data', 'bob', 'transfers', `${id}.json`);
    const record = existsSync(path) ? decodeRecord(readFileSync(path)) : null;
    return record?.ok === true ? record.value : null;
  };
  const piecesIn = ({ have }: TransferRecord): number => {
    const bytes = Buffer.from(have, 'base64');
    return [...(Bitfield.from(bytes, bytes.length * 8)?.pieces() ?? [])].length;
  };

  before(async () => {
    real = await openNetwork(['alice', 'bob'], RATE);
    const { network, folder } = real;
    await Promise.all([network.start('proxy'), network.start('main')]);
    await Promise.all([network.start('alice'), network.start('bob')]);
    for (const name of ['alice', 'bob'] as const) {
      await network.ask(name, 'register', { name, password: PASSWORD, code: null });
      await network.ask(name, 'login', { name, password: PASSWORD });
    }
    await network.child('bob').stop();
    original = join(folder, 'original.bin');
    writeFileSync(original, randomFillSync(Buffer.alloc(SIZE)));
    const shared = await shoal(['share', original, '--config', configOf('alice'), '--json']);
    assert.equal(shared.status, 0, shared.err);
    ({ id } = JSON.parse(shared.out) as { id: string });
  });
  after(() => real.close());

  it('get that is killed in the middle resumes, and checks again what was not synced, and nothing else', async () => {
    const { network } = real;
    const get = ['get', id, '--config', configOf('bob'), '--json'];
    let process: ChildProcess | null = null;
    const first = shoal(get, { started: (child) => (process = child) });
    await until('Something in the journal', async () => ((recordOf()?.downloadedBytes ?? 0) > SIZE / 6 ? true : null));
    // It stands still while another process looks, so that it is killed where it is.
    (process as ChildProcess | null)?.kill('SIGSTOP');
    const second = await shoal(['node', '--config', configOf('bob')]);
    assert.equal(second.status, 69);
    assert.match(second.err, new RegExp(`in use by process ${(process as ChildProcess | null)?.pid}\\b`, 'u'));
    (process as ChildProcess | null)?.kill('SIGKILL');
    assert.equal((await first).status, null);

    const left = recordOf();
    assert.ok(left !== null && left.downloadedBytes < SIZE && !left.clean, 'it was killed in the middle');
    const copy = join(network.folder, 'downloads', 'bob', 'original.bin');
    assert.ok(!existsSync(copy), 'a file that is not complete does not have the final name');

    const resumed = await shoal(get);
    assert.equal(resumed.status, 0, resumed.err);
    assert.equal(compare(await digestsOf(original), await digestsOf(copy), 'the copy of bob'), 1);
    const log = readFileSync(join(network.folder, 'logs', 'node-bob.log'), 'utf8');
    const lines = log.split('\n').filter((line) => line.includes('A transfer resumes'));
    const { known, check } = JSON.parse(lines.at(-1) ?? '{}') as { known: number; check: number };
    assert.equal(known, piecesIn(left), 'what was synced is known without a look');
    assert.equal(check, left.unsettled.length, 'what may be there beyond is looked at');
  });

  it('a port in use is named, with status 69', async () => {
    const cases = [
      ['proxy', 'proxy', 'listen'],
      ['tracker', 'tracker', 'listen'],
      ['node', 'bob', 'peer'],
    ] as const;
    const other = await openNetwork(['bob']);
    const server = createServer();
    try {
      const port = await new Promise<number>((resolve) =>
        server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
      );
      for (const [role, name, key] of cases) {
        const path = join(other.network.folder, `${name}.json`);
        const address = `127.0.0.1:${port}`;
        const config = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
        writeFileSync(path, JSON.stringify({ ...config, [key]: key === 'peer' ? { listen: address } : address }));
        const ended = await shoal([role, '--config', path]);
        assert.equal(ended.status, 69, `${role}: ${ended.err}`);
        assert.match(ended.err, new RegExp(`^error: Port ${port} on 127\\.0\\.0\\.1 is already in use`, 'mu'));
      }
    } finally {
      server.close();
      await other.close();
    }
  });
});
