import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import type { ApiCallName, ApiCalls, TransferSummary } from '../../protocol/api.ts';
import { ok, type Result } from '../../protocol/result.ts';
import type { Context } from '../command.ts';
import { CommandError, EXIT } from '../exit.ts';
import type { OwnableNode } from '../node-access.ts';
import { Output } from '../output.ts';
import { sourceName, withSourceNames } from '../source-names.ts';
import { beginDownload, paceText } from './download.ts';

const folder = mkdtempSync(join(tmpdir(), 'shoal-download-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const transfer: TransferSummary = {
  id: '4f'.repeat(32),
  name: 'corpus',
  state: 'seeding',
  reason: null,
  size: 1_000,
  doneBytes: 1_000,
  downRate: 0,
  upRate: 0,
  uploadedBytes: 0,
  downloadedBytes: 1_000,
  secondsLeft: null,
  peers: 0,
  seeders: 0,
  sources: [],
  piecesBad: 0,
  folder,
  owned: true,
};

describe('how fast a download was', () => {
  it('counts what came while the command looked on, and says where that was a part', () => {
    assert.equal(paceText(127_000_000, { bytes: 127_000_000, seconds: 4 }), ' in 4 s (31.8 MB/s)');
    assert.equal(paceText(127_000_000, { bytes: 60_000_000, seconds: 4 }), ', 60.0 MB of it in 4 s (15.0 MB/s)');
  });

  it('is not said of what was over at once, or had come before', () => {
    assert.equal(paceText(10, { bytes: 10, seconds: 0.27 }), '');
    assert.equal(paceText(127_000_000, { bytes: 0, seconds: 8 }), '');
  });
});

describe('get of a content that the node has', () => {
  const asked: ApiCallName[] = [];
  const err: string[] = [];
  const sink = { write: (text: string) => void err.push(text) };
  const context = {
    output: new Output({ out: sink, err: sink, json: false, env: {} }),
    env: {},
    input: process.stdin,
    configFile: null,
  } as Context;

  const begin = (held: TransferSummary | null, to: string | null, files: readonly string[] = []): Promise<string> => {
    asked.length = 0;
    err.length = 0;
    const answers: Partial<Record<ApiCallName, unknown>> = {
      transfers: { transfers: held === null ? [] : [held] },
      get: { id: transfer.id, content: { ...transfer, size: 1_000 } },
      pause: {},
    };
    const node: OwnableNode = {
      own: false,
      call: async <K extends ApiCallName>(call: K): Promise<Result<ApiCalls[K]['result']>> => {
        asked.push(call);
        return ok(answers[call] as ApiCalls[K]['result']);
      },
      close: async () => {},
    };
    return beginDownload(context, node, { what: 'corpus', to, files, sequential: false });
  };

  const refuses = (message: RegExp) => (error: unknown) =>
    error instanceof CommandError && error.exitCode === EXIT.cannotCreate && message.test(error.message);

  it('ends with 73 where it is asked for in another folder, and leaves it as it was', async () => {
    const elsewhere = join(folder, 'elsewhere');
    await assert.rejects(begin(transfer, elsewhere), refuses(/^corpus is already in .+; --to has no effect\./u));
    const paused = { ...transfer, state: 'paused', doneBytes: 10 } as const;
    await assert.rejects(begin(paused, elsewhere), refuses(/already on its way, in .+; --to has no effect/u));
    assert.deepEqual(asked, ['transfers', 'get', 'pause']);
  });

  it('goes on where the folder is the same one, by whatever name, or none is given', async () => {
    const link = join(folder, 'link');
    symlinkSync(folder, link);
    for (const to of [null, folder, `${folder}/`, link]) assert.equal(await begin(transfer, to), transfer.id);
    assert.equal(await begin(null, join(folder, 'elsewhere')), transfer.id);
  });

  it('ends with 73 where a part is asked for of what is there whole, and says which part goes on otherwise', async () => {
    await assert.rejects(begin(transfer, null, ['*.txt']), refuses(/with all of its files; --file has no effect/u));
    assert.equal(await begin({ ...transfer, size: 400, doneBytes: 100, state: 'downloading' }, null, ['*.txt']), transfer.id);
    assert.match(err.join(''), /chosen when the download began/u);
    await begin(null, null, ['*.txt']);
    assert.deepEqual(err, []);
  });
});

describe('names of sources', () => {
  const node = 'ab'.repeat(16);
  const from = (name: string): TransferSummary => ({ ...transfer, sources: [{ node, name, bytes: 5 }] });

  it('are waited for where the node has not been told them yet', async () => {
    const answers = [from(''), from('alice')];
    const named = await withSourceNames(from(''), async () => answers.shift() ?? null, 60_000);
    assert.equal(named.sources[0]?.name, 'alice');
  });

  it('are heads of ids where they never come, and whole addresses of strangers, which are not waited for', async () => {
    const still = await withSourceNames(from(''), async () => from(''), 0);
    assert.equal(sourceName(still.sources[0] ?? { node, name: '', bytes: 0 }), node.slice(0, 12));
    const stranger = { node: '192.168.100.200:51413', name: '', bytes: 5 };
    const asks = await withSourceNames({ ...transfer, sources: [stranger] }, () => assert.fail('asked again'), 60_000);
    assert.equal(asks.sources.length, 1);
    assert.equal(sourceName(stranger), '192.168.100.200:51413');
  });
});
