import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encodeRecord, type TransferRecord } from '../../src/domain/transfer/journal.ts';
import type { AnnouncedFrame, AnnounceFrame } from '../../src/protocol/control/messages.ts';
import { contentOf } from '../scenarios/scenario.ts';
import { planOf, requestOf, Told } from './check.test-kit.ts';
import type { MakeChecker, RunView } from './checker.ts';
import { contentsOf } from './contents.ts';
import { completeIsIdentical, stoppedStaysAway, tablesHaveAnEnd, takenIsTrue, watchContents } from './data-plane.ts';

const ID = 'ab'.repeat(32);
const BYTES = 40_000;
const truth = contentOf('content 3', BYTES);
const DOWNLOAD = '/node2/downloads/content0003.bin';

/** Node 1 has shared content 3; the checker comes behind the one that learns which id that is. */
const shared = (make: MakeChecker, plan = planOf()): Told =>
  new Told((run: RunView) => {
    const learner = watchContents(run);
    const checker = make(run);
    const { called, answered } = learner;
    return {
      ...checker,
      called: (...args) => called?.(...args),
      answered: (...args) => {
        answered?.(...args);
        checker.answered?.(...args);
      },
    };
  }, plan)
    .tell('called', 1, 'node1', { call: 'share', args: { paths: [`/node1/files/${BYTES}/content0003.bin`] }, account: 'an' })
    .tell('answered', 1, 'node1', { ok: true, value: { id: ID } });

const spoilt = (at: number): Uint8Array => {
  const bytes = truth.slice();
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};

describe('identical', () => {
  const fetched = (file: Uint8Array, plan = planOf()): void => {
    const told = shared(completeIsIdentical, plan);
    told.files.set(`node2:${DOWNLOAD}`, file);
    told.tell('answered', 2, 'node2', { ok: true, value: { id: ID, path: DOWNLOAD, size: BYTES } });
  };

  it('lets a true copy be complete, and a disk rot', () => {
    fetched(truth);
    fetched(spoilt(5), planOf({ faults: [{ kind: 'bitRot', id: 1, atMs: 0, process: 'node2' }] }));
  });

  it('finds a byte that is wrong, and one that is missing', () => {
    assert.throws(() => fetched(spoilt(39_999)), /identical: node2 calls .* complete, and its bytes are not those that were shared/u);
    assert.throws(() => fetched(truth.subarray(1)), /identical: node2 has .* with 39999 bytes/u);
  });
});

describe('pieces', () => {
  const journal = (pieces: readonly number[]): Uint8Array => {
    const bits = Buffer.alloc(1);
    for (const piece of pieces) bits[0] = (bits[0] as number) | (0x80 >>> piece);
    const record: TransferRecord = {
      version: 1,
      id: ID,
      origin: 'get',
      folder: '/node2/downloads',
      tags: [],
      placed: false,
      sequential: false,
      paused: false,
      owned: false,
      clean: false,
      have: bits.toString('base64'),
      unsettled: [],
      uploadedBytes: 0,
      downloadedBytes: 0,
      files: [],
    };
    return encodeRecord(record);
  };
  const part = `node2:/node2/downloads/.content0003.bin.${ID.slice(0, 8)}.shoal-part`;
  const wrote = (file: Uint8Array, pieces: readonly number[]): Told => {
    const told = shared(takenIsTrue);
    told.files.set(part, file);
    return told.tell('written', 'node2', `/node2/data/transfers/${ID}.json`, journal(pieces));
  };

  it('lets a journal name what is on the disk, and nothing else', () => {
    wrote(truth, [0, 1, 2]);
    // Piece 2 is wrong, and the journal does not say that it is there.
    wrote(spoilt(33_000), [0, 1]);
    wrote(truth, [0]).tell('stopped', 'node2', 'power').tell('started', 'node2', 2);
  });

  it('finds a piece that was taken unverified', () => {
    assert.throws(() => wrote(spoilt(20_000), [0, 1]), /pieces: the journal of node2 says that it has piece 1 of content0003/u);
  });

  it('finds a piece that a power cut took away', () => {
    const told = wrote(truth, [0, 1]).tell('stopped', 'node2', 'power');
    told.files.set(part, new Uint8Array(BYTES));
    assert.throws(() => told.tell('started', 'node2', 2), /pieces: the journal of node2 says after a restart that it has piece 0/u);
  });

  it('knows when the disk itself may have changed bytes', () => {
    let rotted: (process: string) => boolean = () => false;
    const told = new Told(
      (run) => {
        const contents = contentsOf(run);
        rotted = (process) => contents.mayHaveRotted(process);
        return { name: 'x', demands: 'x', called: (id, _process, asked) => contents.called(id, asked) };
      },
      planOf({ faults: [{ kind: 'bitRot', id: 1, atMs: 100_000, process: 'node2' }] }),
    );
    told.tell('called', 1, 'node1', { call: 'search', args: {}, account: null });
    assert.deepEqual([rotted('node2'), rotted('node1')], [false, false]);
    told.nowMs = 100_000;
    assert.deepEqual([rotted('node2'), rotted('node1')], [true, false]);
  });
});

describe('revived', () => {
  const says = (sequence: number, event: 'started' | 'stopped', incarnation = 'one'): AnnounceFrame => ({
    kind: 'announce',
    node: 'n',
    incarnation,
    sequence,
    items: [{ content: ID, event, leftBytes: 0, uploadedBytes: 0, downloadedBytes: 0, want: 0 }],
  });
  const listed: AnnouncedFrame = {
    kind: 'announced',
    node: 'm',
    sequence: 1,
    intervalSeconds: 60,
    warming: false,
    unknownNode: false,
    items: [{ content: ID, seeders: 1, leechers: 0, peers: [{ node: 'n', host: '10.0.0.1', port: 1, seeder: true }] }],
  };
  const tell = (...frames: readonly AnnounceFrame[]): void => {
    const told = new Told(stoppedStaysAway);
    for (const frame of frames) told.tell('received', 'tracker', 'proxy1', 'proxy', frame);
    told.sent('tracker', 'proxy1', 'proxy', listed);
  };

  it('lets a peer come back that says so', () => {
    tell(says(1, 'started'));
    tell(says(1, 'stopped'), says(2, 'started'));
    tell(says(7, 'stopped'), says(1, 'started', 'two'));
  });

  it('finds a stopped peer that is listed, also when an older announce came late', () => {
    assert.throws(() => tell(says(2, 'stopped')), /revived: tracker tells proxy1 that n is in the swarm/u);
    assert.throws(() => tell(says(2, 'stopped'), says(1, 'started')), /revived: .* in announce 2 that it stopped/u);
  });

  /** The other replica, which led meanwhile, says this of the peer; before, its incarnations announced in this order. */
  const tellsOf = (sequence: number, incarnation: string, order: readonly string[]): void => {
    const told = new Told(stoppedStaysAway);
    for (const one of order) told.sent('node1', 'proxy1', 'member', says(1, 'started', one));
    told.tell('received', 'tracker', 'proxy1', 'proxy', says(3, 'stopped', order[0]));
    const item = { content: ID, sequence, leftBytes: 0, uploadedBytes: 0, stopped: false, paused: false, silentMs: 0 };
    const facts = {
      name: 'n',
      account: 'an',
      passkeyHash: '',
      addresses: [],
      proxy: 'proxy1',
      host: '10.0.0.1',
      uploadedBytes: 0,
      silentMs: 0,
    };
    const node = { node: 'n', incarnation, ...facts, items: [item] };
    told.tell('received', 'tracker', 'backup', 'swarm', { kind: 'swarmDelta', epoch: 2, batch: 1, nodes: [node], gone: [], dropped: [] });
    told.sent('tracker', 'proxy1', 'proxy', listed);
  };

  it('lets a peer come back of which another primary has heard something newer', () => {
    tellsOf(4, 'one', ['one']);
    tellsOf(1, 'two', ['one', 'two']);
  });

  it('finds a peer that comes back by what another primary had heard before', () => {
    assert.throws(() => tellsOf(2, 'one', ['one']), /revived: .* in announce 3 that it stopped/u);
    assert.throws(() => tellsOf(9, 'zero', ['one']), /revived: .* in announce 3 that it stopped/u);
  });
});

describe('bounded', () => {
  const look = (requestsUnderWay: number, nodes: number, plan = planOf()): void => {
    const told = new Told(tablesHaveAnEnd, plan);
    told.statuses.set('tracker', { requestsUnderWay, swarm: { nodes } });
    told.nowMs = 10_000;
    told.sent('proxy1', 'tracker', 'proxy', requestOf({}));
  };

  it('lets tables hold what their users need', () => look(100, 2));

  it('finds tables that grow', () => {
    assert.throws(() => look(5_000, 2), /bounded: tracker has 5000 requests under way/u);
    assert.throws(() => look(1, 3), /bounded: tracker has 3 nodes; more than 2 cannot be needed/u);
  });

  it('knows that who has forgotten everything comes back as another', () => {
    const forgets = (process: string, id: number) => ({ id, kind: 'forget', atMs: 1, forMs: 1, process, what: 'all' }) as const;
    const cluster = { ...planOf().cluster, liars: 1 };
    look(1, 5, planOf({ cluster, faults: [forgets('node1', 1), forgets('liar1', 2), forgets('proxy1', 3)] }));
    assert.throws(() => look(1, 4, planOf({ cluster, faults: [forgets('proxy1', 1)] })), /more than 3 cannot be needed/u);
  });
});
