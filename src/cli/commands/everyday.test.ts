/** The everyday commands: what they ask the node for, and what they make of its answers. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { TransferTerms } from '../../protocol/api.ts';
import { ok } from '../../protocol/result.ts';
import { EXIT } from '../exit.ts';
import { idOf, type StandIn, startStandIn, transfer } from './stand-in.test-kit.ts';

const id = idOf('a');
const terms: TransferTerms = {
  queue: 2,
  complete: true,
  finishing: false,
  sequential: false,
  superSeeding: false,
  uploadLimit: 0,
  downloadLimit: 250_000,
  goal: { ratio: 2, seconds: 259_200 },
  ratio: 1.234,
  seededSeconds: 3_700,
};

describe('everyday commands', () => {
  let standIn: StandIn;
  before(async () => {
    standIn = await startStandIn();
  });
  after(() => standIn.close());
  beforeEach(() => {
    standIn.asked = [];
    standIn.answers = {
      transfers: () => ok({ transfers: [transfer({ id, name: 'set', state: 'seeding', terms })] }),
      files: () => ok({ files: [], sequential: false }),
      'files.set': () =>
        ok({
          files: [
            { path: 'set/a.mkv', size: 1_000, doneBytes: 500, priority: 'high' },
            { path: 'set/a.nfo', size: 10, doneBytes: 0, priority: 'skip' },
          ],
          sequential: true,
        }),
      queue: () => ok({ queue: 1 }),
      limits: () => ok({ uploadRate: 0, downloadRate: 5e6, now: { uploadRate: 1000, downloadRate: 5e6 }, scheduled: true }),
      seed: () => ok(terms),
      move: ({ folder }) => ok({ folder }),
    };
  });
  const lastArgs = (): object | undefined => standIn.asked.at(-1)?.args;

  it('files asks, or sets by globs, and lists what came of it', async () => {
    assert.equal((await standIn.ask(['files', 'aaaa'])).status, EXIT.ok);
    assert.equal(standIn.asked.at(-1)?.call, 'files');
    const { out, status } = await standIn.ask(['files', 'aaaa', '--high', '*.mkv', '--high', '*.mp4', '--skip', '*.nfo', '--sequential']);
    assert.equal(status, EXIT.ok);
    assert.deepEqual(lastArgs(), { id, skip: ['*.nfo'], low: [], normal: [], high: ['*.mkv', '*.mp4'], sequential: true });
    assert.match(out, /high +50% +1\.00 kB +set\/a\.mkv/u);
    assert.match(out, /In order, from the beginning\./u);
    assert.equal((await standIn.ask(['files', 'aaaa', '--sequential', '--rarest'])).status, EXIT.usage);
  });

  it('queue wants one direction', async () => {
    assert.match((await standIn.ask(['queue', 'set', '--top'])).out, /set is number 1 in the queue\./u);
    assert.deepEqual(lastArgs(), { id, move: 'top' });
    assert.equal((await standIn.ask(['queue', 'set'])).out, 'set is number 2 in the queue.\n');
    assert.equal((await standIn.ask(['queue', 'set', '--top', '--down'])).status, EXIT.usage);
  });

  it('limit shows and sets those of the node and of a transfer, and says where a schedule goes before them', async () => {
    const { out } = await standIn.ask(['limit', '--down', '5M']);
    assert.deepEqual(lastArgs(), { id: null, uploadRate: null, downloadRate: 5e6 });
    assert.equal(out, 'This node: up no limit, down 5.00 MB/s.\nBy the schedule just now: up 1.00 kB/s, down 5.00 MB/s.\n');
    await standIn.ask(['limit', 'aaaa', '--up', 'none']);
    assert.deepEqual(lastArgs(), { id, uploadRate: 0, downloadRate: null });
    const wrong = await standIn.ask(['limit', '--up', 'fast']);
    assert.equal(wrong.status, EXIT.usage);
    assert.match(wrong.err, /--up must be bytes a second/u);
  });

  it('seed shows and sets a goal', async () => {
    const { out } = await standIn.ask(['seed', 'aaaa', '--ratio', '2', '--time', '3d']);
    assert.deepEqual(lastArgs(), { id, goal: { ratio: 2, seconds: 259_200 } });
    assert.equal(
      out,
      'set is seeded until it was given 2 times over or for 3 d 0 h, whichever comes first. So far 1.23 times, for 1 h 01 min.\n',
    );
    for (const [option, goal] of [
      ['--forever', { ratio: null, seconds: null }],
      ['--usual', 'node'],
    ] as const) {
      await standIn.ask(['seed', 'aaaa', option]);
      assert.deepEqual(lastArgs(), { id, goal });
    }
    await standIn.ask(['seed', 'aaaa']);
    assert.deepEqual(lastArgs(), { id, goal: null });
    for (const wrong of [
      ['--ratio', 'x'],
      ['--time', 'soon'],
      ['--time', '40000d'],
      ['--ratio', '1e9'],
      ['--forever', '--ratio', '1'],
    ])
      assert.equal((await standIn.ask(['seed', 'aaaa', ...wrong])).status, EXIT.usage);
  });

  it('seed turns super-seeding on and off, and says that it is on', async () => {
    standIn.answers = { ...standIn.answers, seed: () => ok({ ...terms, superSeeding: true }) };
    const { out, status } = await standIn.ask(['seed', 'aaaa', '--super', 'on']);
    assert.equal(status, EXIT.ok);
    assert.deepEqual(lastArgs(), { id, goal: null, superSeeding: true });
    assert.match(out, /Super-seeding/u);
    await standIn.ask(['seed', 'aaaa', '--super', 'off']);
    assert.deepEqual(lastArgs(), { id, goal: null, superSeeding: false });
    assert.equal((await standIn.ask(['seed', 'aaaa', '--super', 'perhaps'])).status, EXIT.usage);
  });

  it('move names the folder from the root on', async () => {
    const { out, status } = await standIn.ask(['move', 'aaaa', '/mnt/../mnt/big', '--json']);
    assert.equal(status, EXIT.ok);
    assert.deepEqual(JSON.parse(out), { id, folder: '/mnt/big' });
  });

  it('status says what is set for the transfer', async () => {
    const { out } = await standIn.ask(['status', 'aaaa']);
    assert.match(out, /queue +number 2 of what is complete\n.*seeded +1\.23 times, for 1 h 01 min\n.*limits +down 250 kB\/s/u);
  });
});
