import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeTestTorrent, testBytes, valueOf } from '../../protocol/bittorrent/torrent.test-kit.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import { Bitfield } from '../../protocol/bittorrent/bitfield.ts';
import { BlameLedger } from './blame.ts';
import { type ChokingPeer, decideFreeSlot, decideUnchoked } from './choker.ts';
import { decodeRecord, encodeRecord, planResume, type TransferRecord } from './journal.ts';
import { isSnubbed, isStalled, QUEUE_BYTES_MAX, RateMeter, requestQueueBytes, TokenBucket } from './rates.ts';
import { selectFiles } from './select-files.ts';
import { Suggestions } from './suggestions.ts';
import { createLayout } from './torrent-layout.ts';
import { waitingReason } from './waiting-reason.ts';

const asking = (key: number, facts: Partial<ChokingPeer> = {}): ChokingPeer => ({
  key,
  interested: true,
  snubbed: false,
  downRate: 0,
  sentBytes: 0,
  has: 0,
  ...facts,
});

test('while downloading the best givers are served, and one more that may prove itself', () => {
  const peers = [
    asking(1, { downRate: 10 }),
    asking(2, { downRate: 50 }),
    asking(3, { downRate: 30 }),
    asking(4),
    asking(5, { downRate: 90, snubbed: true }),
    asking(6, { interested: false, downRate: 99 }),
  ];
  const { unchoked, optimistic } = decideUnchoked({ peers, slots: 3, seeding: false, optimistic: null, below: () => 0 });
  assert.ok(unchoked.has(2) && unchoked.has(3) && !unchoked.has(6));
  assert.equal(unchoked.size, 3);
  assert.equal(optimistic, 1);
  const next = decideUnchoked({ peers, slots: 3, seeding: false, optimistic: 4, below: () => 0 });
  assert.equal(next.optimistic, 4, 'the optimistic slot stays until it is given anew');
});

test('a seed serves those that got least, and among them those that lack most', () => {
  const peers = [
    asking(1, { sentBytes: 500 }),
    asking(2, { sentBytes: 0, has: 0.9 }),
    asking(3, { sentBytes: 0, has: 0.1 }),
    asking(4, { sentBytes: 900 }),
  ];
  assert.deepEqual([...decideUnchoked({ peers, slots: 2, seeding: true, optimistic: null, below: () => 0 }).unchoked], [3, 2]);
});

test('while there are slots for all that want something, all are served', () => {
  const peers = [asking(1), asking(2, { snubbed: true }), asking(3, { interested: false })];
  assert.deepEqual([...decideUnchoked({ peers, slots: 4, seeding: false, optimistic: null, below: () => 0 }).unchoked], [1, 2]);
});

test('a slot that falls free goes to the one that waits and got least, and only if there is one', () => {
  const served = { ...asking(1, { sentBytes: 10 }), served: true };
  const waiting = [asking(2, { sentBytes: 500 }), asking(3, { sentBytes: 20 }), asking(4, { interested: false })].map((peer) => ({
    ...peer,
    served: false,
  }));
  assert.equal(decideFreeSlot([served, ...waiting], 2), 3);
  assert.equal(decideFreeSlot([served, ...waiting], 1), null, 'no slot is free');
  assert.equal(decideFreeSlot([served], 4), null, 'nobody waits');
});

test('a seed advises every piece once before any twice, and never what the peer has', () => {
  const suggestions = new Suggestions(50, (limit) => 17 % limit);
  const given = new Set<number>();
  for (let n = 0; n < 50; n++) {
    const next = suggestions.next(() => true) as PieceIndex;
    suggestions.give(next);
    given.add(next);
  }
  assert.equal(given.size, 50);
  assert.equal(
    suggestions.next((piece) => piece === 9),
    9,
  );
  assert.equal(
    suggestions.next(() => false),
    null,
  );
});

test('the only source of a bad piece is banned; of several only the one whose bytes were wrong', () => {
  const ledger = new BlameLedger();
  const piece = 7 as PieceIndex;
  assert.deepEqual(ledger.failed(piece, { sources: ['a', 'a'], digests: ['1', '2'] }), { kind: 'ban', names: ['a'] });
  assert.deepEqual(ledger.failed(piece, { sources: ['b', 'c'], digests: ['1', 'x'] }), { kind: 'isolate' });
  assert.ok(ledger.suspects(piece));
  assert.deepEqual(ledger.passed(piece, ['1', '2']), ['c']);
  assert.equal(ledger.suspects(piece), false);
});

test('a token bucket holds the rate over time, also with blocks larger than itself', () => {
  const bucket = new TokenBucket(10_000, 0);
  let sent = 0;
  for (let now = 0; now < 60_000_000; now += 10_000) if (bucket.take(now, 16_384)) sent += 16_384;
  assert.ok(Math.abs(sent - 600_000) < 20_000, `${sent}`);
  assert.ok(new TokenBucket(0, 0).take(0, 1e12), 'no limit');
  const waiting = new TokenBucket(1_000, 0);
  waiting.take(0, 5_000);
  assert.ok(Math.abs(waiting.waitMicros(0) - 4_900_000) < 10_000);
});

test('a rate is that of the last seconds', () => {
  const meter = new RateMeter();
  for (let s = 0; s < 20; s++) meter.add(s * 1_000_000, 1_000);
  assert.ok(Math.abs(meter.rate(19_999_999) - 1_000) < 50);
  assert.equal(meter.rate(60_000_000), 0);
  assert.equal(meter.total, 20_000);
});

test('more is asked of a fast or far peer, within limits', () => {
  assert.ok(requestQueueBytes(20_000_000, 100_000) > requestQueueBytes(20_000_000, 1_000));
  assert.equal(requestQueueBytes(1e12, 1_000_000), QUEUE_BYTES_MAX);
  assert.ok(requestQueueBytes(0, null) >= 256 * 1024);
});

test('a peer that owes and does not send is snubbed, sooner when others could deliver', () => {
  const facts = { now: 15_000_000, outstandingBytes: 1, waitingSince: 0, othersCanDeliver: true };
  assert.ok(isSnubbed(facts));
  assert.equal(isSnubbed({ ...facts, othersCanDeliver: false }), false);
  assert.equal(isSnubbed({ ...facts, outstandingBytes: 0, now: 1e9 }), false);
});

test('a block that trickles is given up where others have it, one that comes at a modest rate is not', () => {
  const facts = { now: 40_000_000, startedAt: 0, bytes: 400, othersCanDeliver: true };
  assert.ok(isStalled(facts));
  assert.equal(isStalled({ ...facts, othersCanDeliver: false }), false);
  assert.equal(isStalled({ ...facts, now: 20_000_000 }), false);
  assert.equal(isStalled({ ...facts, bytes: 100_000 }), false);
});

test('files are chosen by globs on names and paths, and one that matches nothing is named', () => {
  const paths = [
    ['set', 'a.txt'],
    ['set', 'sub', 'b.txt'],
    ['set', 'sub', 'Ảnh.JPG'],
  ];
  assert.deepEqual(selectFiles(paths, []), [true, true, true]);
  assert.deepEqual(selectFiles(paths, ['*.txt']), [true, true, false]);
  assert.deepEqual(selectFiles(paths, ['sub/*']), [false, true, true]);
  assert.deepEqual(selectFiles(paths, ['**/ảnh.jpg'.normalize('NFD')]), [false, false, true]);
  assert.deepEqual(selectFiles(paths, ['[']), { unmatched: '[' });
});

test('why a transfer waits names the nearest cause', () => {
  const facts = {
    account: 'anna',
    online: true,
    networkWords: 'connected',
    swarm: { seeders: 0, leechers: 0, warming: false },
    peersConnected: 0,
    peersKnown: 0,
    peersFailed: 0,
  };
  assert.match(waitingReason(facts), /No owner/u);
  assert.match(
    waitingReason({ ...facts, swarm: { seeders: 0, leechers: 1, warming: false }, peersKnown: 1 }),
    /No owner/u,
    'the one that downloads is this node',
  );
  assert.match(waitingReason({ ...facts, account: null }), /shoal login/u);
  assert.match(waitingReason({ ...facts, online: false }), /not reached/u);
  assert.match(waitingReason({ ...facts, swarm: { seeders: 0, leechers: 0, warming: true } }), /taken over/u);
  const owned = { ...facts, swarm: { seeders: 2, leechers: 0, warming: false } };
  assert.equal(waitingReason({ ...owned, peersKnown: 1 }), 'Connecting to one peer.');
  assert.equal(waitingReason({ ...owned, peersKnown: 3, peersFailed: 1 }), 'Connecting to 2 peers.');
  assert.match(waitingReason({ ...owned, peersKnown: 1, peersFailed: 1 }), /^The one peer known could not be reached yet; it is tried/u);
  assert.match(waitingReason({ ...owned, peersKnown: 2, peersFailed: 2 }), /^None of the 2 peers known could be reached yet; they are/u);
  assert.match(waitingReason({ ...facts, peersConnected: 1 }), /^The one peer connected lacks what/u);
  assert.match(waitingReason({ ...facts, peersConnected: 3 }), /^All 3 peers connected lack what/u);
});

const torrent = makeTestTorrent(
  [
    { path: ['a'], bytes: testBytes(40_000, 1) },
    { path: ['b'], bytes: testBytes(40_000, 2) },
  ],
  { pieceLength: 16_384 },
);
const layout = valueOf(createLayout(torrent.metainfo));
const facts = { size: 40_000, modifiedMs: 1_000, identity: 5 };
const record = (clean: boolean): TransferRecord => {
  const have = Bitfield.empty(layout.pieceCount);
  for (const piece of [0, 1, 3]) have.add(piece as PieceIndex);
  return {
    version: 1,
    id: layout.id,
    origin: 'get',
    folder: '/d',
    tags: [],
    placed: false,
    sequential: false,
    paused: false,
    owned: false,
    clean,
    have: Buffer.from(have.toBytes()).toString('base64'),
    unsettled: [2, 3, 99],
    uploadedBytes: 0,
    downloadedBytes: 0,
    files: [
      { path: '/d/a', selected: true, adopted: false, facts },
      { path: '/d/b', selected: true, adopted: false, facts },
    ],
  };
};

test('after a clean stop only untouched files are trusted; after a crash those that were written on, too', () => {
  assert.deepEqual(planResume(record(true), [facts, facts], layout), { trusted: [0, 1, 3], check: [2], changed: [] });
  const later = { ...facts, modifiedMs: 2_000 };
  assert.deepEqual(planResume(record(true), [facts, later], layout), { trusted: [0, 1], check: [3, 2], changed: [1] });
  assert.deepEqual(planResume(record(false), [facts, later], layout).trusted, [0, 1, 3]);
  assert.deepEqual(planResume(record(false), [facts, { ...later, identity: 6 }], layout).trusted, [0, 1]);
  assert.deepEqual(planResume(record(false), [{ ...facts, size: 39_999 }, null], layout).trusted, []);
});

test('a record survives its file, and a broken one is refused with a reason', () => {
  assert.deepEqual(decodeRecord(encodeRecord(record(true))), { ok: true, value: record(true) });
  for (const bad of ['', '{', '[]', '{"version":2}', '{"version":1}', JSON.stringify({ ...record(true), files: [{}] })]) {
    assert.equal(decodeRecord(Buffer.from(bad)).ok, false, bad);
  }
});
