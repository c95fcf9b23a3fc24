import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { encodeExtensionHandshake } from '../../src/protocol/bittorrent/extension.ts';
import { encodeHandshake } from '../../src/protocol/bittorrent/handshake.ts';
import { type PeerId, type PieceIndex, wireHash, type WireHash } from '../../src/protocol/bittorrent/ids.ts';
import { makeTestTorrent, testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { RawPeer, type Said } from './raw-peer.ts';
import { introduce, putFiles, startNode, type SwarmNode } from './swarm-kit.ts';

const files = [
  { path: ['a'], bytes: testBytes(50_000, 1) },
  { path: ['b'], bytes: testBytes(70_000, 2) },
];
const torrent = makeTestTorrent(files, { pieceLength: 32_768 });
const v1 = wireHash(torrent.metainfo.v1 as NonNullable<typeof torrent.metainfo.v1>);
const v2 = wireHash(torrent.metainfo.v2 as NonNullable<typeof torrent.metainfo.v2>);
const piece = (n: number): PieceIndex => n as PieceIndex;

const scene = (): { world: World; seed: SwarmNode; peer: RawPeer } => {
  const world = new World({ seed: 1 });
  putFiles(world.process('seed'), torrent, files);
  const seed = startNode(world.process('seed'), torrent, true);
  world.runFor(1_000);
  return { world, seed, peer: new RawPeer(world, 'raw', seed.host, torrent.metainfo.pieceCount) };
};

test('each request gets exactly one block or reject, also while choked, cancelled or out of range', () => {
  const { peer } = scene();
  const answers = (): string[] => peer.heard.filter((word) => !word.startsWith('suggest'));
  peer.hello(v2).say({ kind: 'have-none' });
  assert.ok(peer.heard.includes('have-all'));
  peer.heard.length = 0;
  peer.say({ kind: 'request', piece: piece(0), begin: 0, length: 16_384 });
  assert.deepEqual(peer.heard, ['reject 0'], 'choked');
  peer.heard.length = 0;
  peer.say({ kind: 'interested' });
  assert.match(peer.heard.join(), /^suggest \d+,unchoke$/u, 'a seed says what it would rather give (BEP 6)');
  peer.heard.length = 0;
  peer.say(
    { kind: 'request', piece: piece(1), begin: 0, length: 16_384 },
    { kind: 'request', piece: piece(1), begin: 16_384, length: 16_384 },
    { kind: 'request', piece: piece(1), begin: 16_384, length: 16_385 },
    { kind: 'request', piece: piece(0), begin: 0, length: 32_768 },
  );
  assert.deepEqual(answers().toSorted(), ['block 0', 'block 1', 'block 1', 'reject 1']);
  const padded = peer.blocks.get('1.16384') ?? Buffer.alloc(0);
  assert.deepEqual(padded.subarray(0, 848), Buffer.from(files[0]?.bytes.subarray(49_152) ?? []), 'piece 1 has 17,232 bytes');
  assert.ok(padded.length === 16_384 && padded.subarray(848).every((byte) => byte === 0), 'libtorrent asks for the padding, too');
  assert.deepEqual(peer.blocks.get('0.0'), Buffer.from(files[0]?.bytes.subarray(0, 32_768) ?? []));
  peer.heard.length = 0;
  const range = { piece: piece(2), begin: 0, length: 16_384 };
  peer.say({ kind: 'request', ...range }, { kind: 'cancel', ...range });
  assert.equal(answers().length, 1, `one answer to a cancelled request: ${peer.heard.join(', ')}`);
});

test('a client that speaks v1 alone gets padding as zeros', () => {
  const { peer } = scene();
  peer.hello(v1, { v2: false }).say({ kind: 'have-none' }, { kind: 'interested' });
  assert.deepEqual(Buffer.from(peer.handshake?.infoHash ?? []), Buffer.from(v1));
  peer.say({ kind: 'request', piece: piece(1), begin: 16_384, length: 16_384 });
  const block = peer.blocks.get('1.16384');
  assert.equal(block?.length, 16_384);
  assert.deepEqual(block?.subarray(0, 848), Buffer.from(files[0]?.bytes.subarray(49_152) ?? []));
  assert.ok(block?.subarray(848).every((byte) => byte === 0));
});

test('a v1 handshake that offers v2 is answered with the v2 hash', () => {
  const { peer } = scene();
  peer.hello(v1);
  assert.deepEqual(Buffer.from(peer.handshake?.infoHash ?? []), Buffer.from(v2));
});

const violations: Readonly<Record<string, readonly Said[]>> = {
  'a bitfield of the wrong length': [{ kind: 'bitfield', bits: new Uint8Array(3) }],
  'having said nothing of what it has': [{ kind: 'interested' }],
  'saying it twice': [{ kind: 'have-none' }, { kind: 'have-all' }],
  'a block that nobody asked for': [{ kind: 'have-all' }, Uint8Array.of(0, 0, 0, 10, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1)],
  'a message of 4 GiB': [{ kind: 'have-none' }, Uint8Array.of(255, 255, 255, 255, 7)],
  'an extension handshake that is no bencode': [{ kind: 'extended', id: 0, payload: Uint8Array.of(1, 2, 3) }],
};
for (const [what, messages] of Object.entries(violations)) {
  test(`${what} ends the connection, and the node goes on`, () => {
    const { peer, seed } = scene();
    peer.hello(v2).say(...messages);
    assert.ok(peer.over);
    assert.equal(seed.port.peerCount, 0);
    assert.deepEqual(seed.failures, []);
  });
}

test('an unknown torrent, garbage and silence are turned away', () => {
  for (const bytes of [
    encodeHandshake({
      infoHash: new Uint8Array(20) as WireHash,
      peerId: new Uint8Array(20) as PeerId,
      fast: true,
      extended: true,
      v2: true,
    }),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
  ]) {
    const { peer, world } = scene();
    peer.say(bytes);
    // Garbage could be the beginning of an encrypted handshake for as long as one may take.
    world.runFor(seconds(20));
    assert.ok(peer.over);
  }
  const { peer, world } = scene();
  world.runFor(seconds(20));
  assert.ok(peer.over, 'no handshake came');
});

test('a peer that asks for too much at once is answered with rejects, not with memory', () => {
  const { peer } = scene();
  peer
    .hello(v2)
    .say({ kind: 'have-none' }, { kind: 'interested' }, { kind: 'extended', id: 0, payload: encodeExtensionHandshake({ client: 'Test' }) });
  peer.heard.length = 0;
  const many = Array.from({ length: 2_000 }, () => ({ kind: 'request', piece: piece(0), begin: 0, length: 16_384 }) as const);
  peer.say(...many);
  peer.say({ kind: 'keep-alive' });
  assert.equal(peer.heard.filter((word) => !word.startsWith('suggest')).length, 2_000);
  assert.ok(peer.heard.length <= 2_001, 'and one advice for one piece');
  assert.ok(peer.heard.filter((word) => word === 'reject 0').length > 1_000);
});

test('a piece that comes between the bitfield and the answer to it is told, too', () => {
  const world = new World({ seed: 1 });
  putFiles(world.process('seed'), torrent, files);
  const seed = startNode(world.process('seed'), torrent, true);
  const leech = startNode(world.process('leech'), torrent, false);
  world.runFor(1_000);
  const peer = new RawPeer(world, 'raw', leech.host, torrent.metainfo.pieceCount);
  peer.hello(v2);
  assert.ok(peer.heard.includes('have-none'));
  introduce(leech, seed, true);
  assert.ok(world.runUntil(() => leech.completedAt() !== null, seconds(30)));
  world.runFor(seconds(2));
  peer.heard.length = 0;
  peer.say({ kind: 'have-none' });
  assert.deepEqual(peer.heard.filter((word) => word.startsWith('have ')).length, torrent.metainfo.pieceCount);
});

test('a bitfield later on tells of more pieces at once, as aria2 says it', () => {
  const { peer, seed } = scene();
  peer.hello(v2).say({ kind: 'have-none' }, { kind: 'have', piece: piece(1) }, { kind: 'bitfield', bits: Uint8Array.of(0b1010_0000) });
  assert.ok(!peer.over);
  assert.deepEqual([...(seed.exchange.peers[0]?.bits?.pieces() ?? [])], [0, 1, 2]);
});
