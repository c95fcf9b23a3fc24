/** What peers say to each other beside pieces: extensions, hashes, modes of seeding. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import {
  encodeExtensionHandshake,
  extensionHandshakeId,
  extensionIds,
  readExtensionHandshake,
} from '../../src/protocol/bittorrent/extension.ts';
import { provesHashes, treeLevels } from '../../src/protocol/bittorrent/hash-tree.ts';
import { type InfoHash, type PieceIndex, wireHash } from '../../src/protocol/bittorrent/ids.ts';
import { decodeMetadataMessage, encodeMetadataMessage, metadataPieceCount } from '../../src/protocol/bittorrent/metadata-message.ts';
import { decodePexMessage, encodePexMessage } from '../../src/protocol/bittorrent/pex-message.ts';
import { makeTestTorrent, testBytes, type TestFile, type TestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import type { HashRange, WireMessage } from '../../src/protocol/bittorrent/wire.ts';
import { RawPeer, type Said } from './raw-peer.ts';
import { bytesOf, introduce, PEER_PORT, putFiles, startNode, type SwarmNode, type SwarmNodeOptions } from './swarm-kit.ts';

const files: readonly TestFile[] = [{ path: [], bytes: testBytes(600_000) }];
const open = makeTestTorrent(files, { name: 'one.bin', pieceLength: 32_768 }, { private: false });
const closed = makeTestTorrent(files, { name: 'one.bin', pieceLength: 32_768 });
const hashOf = (torrent: TestTorrent): ReturnType<typeof wireHash> => wireHash((torrent.metainfo.v2 ?? torrent.metainfo.v1) as InfoHash);
const piece = (n: number): PieceIndex => n as PieceIndex;

const seedOf = (world: World, torrent: TestTorrent, options: SwarmNodeOptions = {}): SwarmNode => {
  putFiles(world.process('seed'), torrent, files);
  const seed = startNode(world.process('seed'), torrent, true, options);
  world.runFor(1_000);
  return seed;
};
const introduction = (said: Parameters<typeof encodeExtensionHandshake>[0]): Said => ({
  kind: 'extended',
  id: extensionHandshakeId,
  payload: encodeExtensionHandshake(said),
});
const extended = (peer: RawPeer, id: number): Uint8Array[] =>
  peer.messages.flatMap((message) => (message.kind === 'extended' && message.id === id ? [message.payload] : []));
const THEIRS = { ut_metadata: 11, ut_pex: 12, upload_only: 13 };
const everything = new Map(Object.entries(THEIRS));

test('an introduction says what a stranger needs to know', () => {
  const world = new World({ seed: 1 });
  const seed = seedOf(world, open);
  const peer = new RawPeer(world, 'raw', seed.host, open.metainfo.pieceCount).hello(hashOf(open));
  const said = valueOf(readExtensionHandshake(extended(peer, extensionHandshakeId)[0] as Uint8Array));
  assert.deepEqual(Object.fromEntries(said.extensions), extensionIds);
  assert.equal(said.metadataBytes, open.metainfo.info.length);
  assert.equal(said.listenPort, PEER_PORT);
  assert.equal(said.uploadOnly, true, 'it has everything');
  assert.equal((said.yourIp ?? []).join('.'), world.process('raw').host);
  assert.ok((said.requestQueueMax ?? 0) > 100);
});

test('the metadata is given piece by piece, a few times over, and not more', () => {
  const world = new World({ seed: 1 });
  const seed = seedOf(world, closed);
  const peer = new RawPeer(world, 'raw', seed.host, null)
    .hello(hashOf(closed))
    .say({ kind: 'have-none' }, introduction({ extensions: everything }));
  const ask = (n: number): Said => ({
    kind: 'extended',
    id: extensionIds.ut_metadata,
    payload: encodeMetadataMessage({ kind: 'request', piece: n }),
  });
  const count = metadataPieceCount(closed.metainfo.info.length);
  peer.say(ask(0), ask(count), ask(1_000_000));
  const answers = extended(peer, THEIRS.ut_metadata).map((payload) => valueOf(decodeMetadataMessage(payload)));
  assert.deepEqual(
    answers.map((answer) => answer?.kind),
    ['data', 'reject', 'reject'],
  );
  assert.deepEqual(answers[0]?.kind === 'data' ? [...answers[0].data] : [], [...closed.metainfo.info]);
  peer.say(...Array.from({ length: 500 }, () => ask(0)));
  const kinds = extended(peer, THEIRS.ut_metadata).map((payload) => valueOf(decodeMetadataMessage(payload))?.kind);
  assert.equal(kinds.length, 503, 'each request is answered');
  assert.ok(kinds.filter((kind) => kind === 'data').length <= 3 * count);
});

test('hashes are given while choked, of pieces and of blocks, each with a proof; everything else is rejected', () => {
  const world = new World({ seed: 1 });
  const seed = seedOf(world, closed);
  const [file] = closed.metainfo.files;
  const piecesRoot = file?.piecesRoot as Uint8Array;
  const levels = treeLevels(600_000);
  const ranges: readonly (readonly [string, HashRange])[] = [
    ['pieces', { piecesRoot, baseLayer: 1, index: 0, length: 32, proofLayers: levels - 2 }],
    ['some pieces', { piecesRoot, baseLayer: 1, index: 8, length: 8, proofLayers: levels - 2 }],
    ['blocks', { piecesRoot, baseLayer: 0, index: 6, length: 2, proofLayers: levels - 1 }],
    ['the last block', { piecesRoot, baseLayer: 0, index: 36, length: 2, proofLayers: levels - 1 }],
  ];
  const bad: readonly HashRange[] = [
    { piecesRoot: new Uint8Array(32), baseLayer: 1, index: 0, length: 32, proofLayers: 1 },
    { piecesRoot, baseLayer: 1, index: 0, length: 64, proofLayers: 1 },
    { piecesRoot, baseLayer: 0, index: 0, length: 512, proofLayers: 1 },
    { piecesRoot, baseLayer: 3, index: 0, length: 2, proofLayers: 1 },
    { piecesRoot, baseLayer: 0, index: 40, length: 2, proofLayers: levels - 1 },
    { piecesRoot, baseLayer: 9_999, index: 0, length: 2, proofLayers: 1 },
  ];
  const peer = new RawPeer(world, 'raw', seed.host, closed.metainfo.pieceCount).hello(hashOf(closed)).say({ kind: 'have-none' });
  peer.say(...[...ranges.map(([, range]) => range), ...bad].map((range) => ({ ...range, kind: 'hash-request' }) as const));
  const answers = peer.messages.filter((message): message is Extract<WireMessage, { kind: 'hashes' }> => message.kind === 'hashes');
  assert.equal(answers.length, ranges.length, peer.heard.join());
  for (const [what, range] of ranges) {
    const answer = answers.find(
      ({ baseLayer, index, length }) => baseLayer === range.baseLayer && index === range.index && length === range.length,
    );
    assert.ok(answer !== undefined && provesHashes(range, answer.hashes, 600_000), what);
  }
  assert.equal(peer.heard.filter((word) => word === 'hash-reject').length, bad.length);
  peer.say(...Array.from({ length: 200 }, () => ({ ...(ranges[2] as (typeof ranges)[number])[1], kind: 'hash-request' }) as const));
  const rejected = peer.heard.filter((word) => word === 'hash-reject').length - bad.length;
  assert.ok(rejected > 150, `${rejected} of 200 requests for blocks, each of which costs a piece, are rejected`);
  assert.equal(peer.over, false);
  const short = { ...(ranges[0] as (typeof ranges)[number])[1], length: 2, proofLayers: levels - 2 };
  const before = peer.messages.length;
  peer.say(...Array.from({ length: 5_000 }, () => ({ ...short, kind: 'hash-request' }) as const));
  const answered = peer.messages.slice(before).map(({ kind }) => kind);
  assert.equal(answered.length, 5_000);
  assert.ok(answered.filter((kind) => kind === 'hashes').length < 4_000, 'proofs that cost more than the question are given so many');
});

test('peers of a public torrent find each other by peer exchange, those of a private one never', () => {
  for (const torrent of [open, closed]) {
    const world = new World({ seed: 3 });
    const seed = seedOf(world, torrent, { uploadRate: 20_000 });
    const [one, two] = ['one', 'two'].map((name) => startNode(world.process(name), torrent, false)) as [SwarmNode, SwarmNode];
    world.runFor(1_000);
    introduce(one, seed, true);
    introduce(two, seed, true);
    world.runFor(seconds(20));
    const met = one.exchange.peers.some(({ remote }) => remote.host === two.host);
    assert.equal(met, torrent === open);
  }
});

test('what peer exchange says is limited in how much and how often, both ways', () => {
  const world = new World({ seed: 3 });
  const seed = seedOf(world, open);
  const talker = new RawPeer(world, 'raw', seed.host, open.metainfo.pieceCount).hello(hashOf(open));
  const many = (from: number): Said => ({
    kind: 'extended',
    id: extensionIds.ut_pex,
    payload: encodePexMessage({
      added: Array.from({ length: 200 }, (_, n) => ({ host: `10.77.${from}.${n}`, port: 7_000, flags: 0 })),
      dropped: [],
    }),
  });
  talker.say({ kind: 'have-none' }, introduction({ extensions: everything, listenPort: 7_777 }));
  talker.say(many(1), many(2), many(3));
  assert.ok(seed.exchange.peersKnown <= 50, `${seed.exchange.peersKnown} addresses of 600`);
  world.runFor(seconds(60));
  talker.say(many(4));
  assert.ok(seed.exchange.peersKnown > 50 && seed.exchange.peersKnown <= 100);
  const others = ['a', 'b', 'c'].map((name) => new RawPeer(world, name, seed.host, open.metainfo.pieceCount));
  for (const [n, other] of others.entries())
    other.hello(hashOf(open)).say({ kind: 'have-none' }, introduction({ extensions: everything, listenPort: 8_000 + n }));
  world.runFor(seconds(50));
  const told = extended(talker, THEIRS.ut_pex).map((payload) => valueOf(decodePexMessage(payload)));
  assert.equal(told.length, 1, 'at most once a minute');
  world.runFor(seconds(60));
  const hosts = extended(talker, THEIRS.ut_pex).flatMap((payload) => valueOf(decodePexMessage(payload)).added.map(({ port }) => port));
  assert.deepEqual(hosts.toSorted(), [8_000, 8_001, 8_002]);
});

test('a peer that only gives is kept while something is missing here, and let go after that', () => {
  const world = new World({ seed: 4 });
  const leech = startNode(world.process('leech'), open, false);
  world.runFor(1_000);
  const half = new RawPeer(world, 'half', leech.host, open.metainfo.pieceCount).hello(hashOf(open));
  half.say({ kind: 'bitfield', bits: Uint8Array.of(0xff, 0xff, 0) }, introduction({ extensions: everything, uploadOnly: true }));
  assert.equal(half.over, false);
  const said = valueOf(readExtensionHandshake(extended(half, extensionHandshakeId)[0] as Uint8Array));
  assert.equal(said.uploadOnly, false);
  const taker = new RawPeer(world, 'taker', leech.host, open.metainfo.pieceCount).hello(hashOf(open));
  taker.say({ kind: 'have-none' }, introduction({ extensions: everything }));
  const seed = seedOf(world, open);
  introduce(leech, seed, true);
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(60)));
  world.runFor(seconds(3));
  assert.ok(half.over, 'neither side wants anything');
  assert.equal(taker.over, false);
  assert.deepEqual(
    extended(taker, THEIRS.upload_only).map((payload) => [...payload]),
    [[1]],
    'told that it only gives now',
  );
});

test('super-seeding: every piece leaves the seed about once, and the swarm gets everything', () => {
  const world = new World({ seed: 5 });
  const seed = seedOf(world, closed, { uploadRate: 150_000 });
  seed.incarnation.step(() => seed.exchange.setSuperSeeding(true));
  const crowd = ['a', 'b', 'c', 'd'].map((name) => startNode(world.process(name), closed, false));
  world.runFor(1_000);
  for (const [n, one] of crowd.entries()) {
    introduce(one, seed, true);
    for (const other of crowd.slice(0, n)) introduce(one, other, false);
  }
  const told = (one: SwarmNode): number | undefined => one.exchange.peers.find(({ remote }) => remote.host === seed.host)?.bits?.size;
  assert.ok(world.runUntil(() => crowd.every((one) => told(one) !== undefined), seconds(5)));
  assert.ok(
    crowd.every((one) => (told(one) ?? 9) <= 2),
    'it seems to have a piece or two',
  );
  assert.ok(world.runUntil(() => crowd.every((one) => one.completedAt() !== null), seconds(120)));
  for (const one of crowd) assert.equal(Buffer.compare(bytesOf(one, 0), files[0]?.bytes ?? new Uint8Array(0)), 0);
  assert.ok(seed.exchange.up.total < 600_000 * 1.5, `${seed.exchange.up.total} bytes given for 600,000`);
});

test('super-seeding to a peer that nobody else gets anything from goes on all the same, and can be turned off', () => {
  const world = new World({ seed: 6 });
  const seed = seedOf(world, closed);
  seed.incarnation.step(() => seed.exchange.setSuperSeeding(true));
  const deaf = new RawPeer(world, 'deaf', seed.host, closed.metainfo.pieceCount).hello(hashOf(closed)).say({ kind: 'have-none' });
  assert.ok(deaf.heard.includes('have-none'));
  const leech = startNode(world.process('leech'), closed, false);
  world.runFor(1_000);
  introduce(leech, seed, true);
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(600)));
  const late = new World({ seed: 7 });
  const second = seedOf(late, closed);
  second.incarnation.step(() => second.exchange.setSuperSeeding(true));
  const other = new RawPeer(late, 'raw', second.host, closed.metainfo.pieceCount).hello(hashOf(closed)).say({ kind: 'have-none' });
  assert.equal(other.heard.filter((word) => word.startsWith('have ')).length, 2);
  second.incarnation.step(() => second.exchange.setSuperSeeding(false));
  late.runFor(seconds(1));
  assert.equal(other.heard.filter((word) => word.startsWith('have ')).length, closed.metainfo.pieceCount);
});

test('a client without the fast extension that says nothing is told of what comes, and served', () => {
  const world = new World({ seed: 8 });
  const leech = startNode(world.process('leech'), open, false);
  world.runFor(1_000);
  const old = new RawPeer(world, 'old', leech.host, open.metainfo.pieceCount).hello(hashOf(open), { fast: false, extended: false });
  assert.equal(old.heard.length, 0, 'nothing here, and no message for that');
  const seed = seedOf(world, open);
  introduce(leech, seed, true);
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(60)));
  world.runFor(seconds(40));
  assert.equal(old.heard.filter((word) => word.startsWith('have ')).length, open.metainfo.pieceCount);
  old.say({ kind: 'interested' }, { kind: 'request', piece: piece(3), begin: 0, length: 16_384 });
  assert.ok(old.heard.includes('block 3'), old.heard.join());
});
