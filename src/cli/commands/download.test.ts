import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TransferSummary } from '../../protocol/api.ts';
import { countText, sourceName, sourceText, withSourceNames } from '../source-names.ts';
import { paceText } from './download.ts';

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
  folder: '/downloads',
  owned: true,
  swarm: 'catalog',
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

describe('names of sources', () => {
  const node = 'ab'.repeat(16);
  const from = (name: string): TransferSummary => ({ ...transfer, sources: [{ node, name, bytes: 5 }] });

  it('are waited for where the node has not been told them yet', async () => {
    const answers = [from(''), from('alice')];
    const named = await withSourceNames(from(''), async () => answers.shift() ?? null, 60_000);
    assert.equal(named.sources[0]?.name, 'alice');
  });

  it('tell a client of another make from a node', () => {
    const aria = { node: '10.0.0.7:6881', name: '', client: 'aria2/1.36.0' };
    const web = { node: 'http://mirror.example/d/', name: '' };
    assert.equal(sourceText(aria), 'aria2/1.36.0 at 10.0.0.7:6881');
    assert.equal(sourceText({ node: aria.node, name: '' }), aria.node);
    assert.deepEqual([sourceText({ node, name: 'alice' }), sourceText({ node, name: '' })], ['alice', node.slice(0, 12)]);
    assert.deepEqual(
      [[aria], [{ node }, aria], [{ node }], [web, { node }]].map((sources) => countText(sources)),
      ['1 peer', '2 peers', '1 node', '2 sources'],
    );
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
