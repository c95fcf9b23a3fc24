/** A download from clients of other makes: what they are asked for, and what they may do without harm. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { encodeExtensionHandshake, extensionHandshakeId } from '../../src/protocol/bittorrent/extension.ts';
import { type InfoHash, type PieceIndex, wireHash } from '../../src/protocol/bittorrent/ids.ts';
import { makeTestTorrent, testBytes } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { type BlockRange, encodePieceHeader, type WireMessage } from '../../src/protocol/bittorrent/wire.ts';
import { RawPeer, type Said } from './raw-peer.ts';
import { bytesOf, startNode, type SwarmNode } from './swarm-kit.ts';

const SIZE = 700_000;
const bytes = testBytes(SIZE);
const torrent = makeTestTorrent([{ path: [], bytes }], { name: 'one.bin', pieceLength: 32_768 });
const count = torrent.metainfo.pieceCount;
const v2 = wireHash(torrent.metainfo.v2 as InfoHash);
const v1 = wireHash(torrent.metainfo.v1 as InfoHash);

type Request = Extract<WireMessage, { kind: 'request' }>;
const block = (range: BlockRange): Said => {
  const at = range.piece * 32_768 + range.begin;
  return Buffer.concat([encodePieceHeader(range), bytes.subarray(at, at + range.length)]);
};
const isRequest = (message: WireMessage): message is Request => message.kind === 'request';
const requests = (peer: RawPeer): Request[] => peer.messages.filter(isRequest);
const full = Uint8Array.from({ length: Math.ceil(count / 8) }, (_, n) => (n < count >> 3 ? 0xff : (0xff << (8 - (count & 7))) & 0xff));

const scene = (): { world: World; leech: SwarmNode; peer: RawPeer } => {
  const world = new World({ seed: 1 });
  const leech = startNode(world.process('leech'), torrent, false);
  world.runFor(1_000);
  return { world, leech, peer: new RawPeer(world, 'raw', leech.host, count) };
};
const arrived = (leech: SwarmNode): void => {
  assert.ok(leech.completedAt() !== null);
  assert.equal(Buffer.compare(bytesOf(leech, 0), bytes), 0);
};

for (const fast of [true, false]) {
  test(`a client that chokes in the middle is asked again when it unchokes (${fast ? 'with' : 'without'} the fast extension)`, () => {
    const { leech, peer, world } = scene();
    peer.hello(v1, { fast, v2: false, extended: false }).say({ kind: 'bitfield', bits: full }, { kind: 'unchoke' });
    const first = requests(peer);
    assert.ok(first.length > 1 && first.every(({ length }) => length <= 16_384), 'blocks of 16 KiB, as nobody agreed on more');
    const [served, ...void_] = first as [Request, ...Request[]];
    // Without the fast extension a choke says that the rest will not come; with it, every request gets its answer.
    peer.say(block(served), { kind: 'choke' }, ...(fast ? void_.map((request) => ({ ...request, kind: 'reject' }) as const) : []));
    assert.equal(peer.over, false);
    const before = requests(peer).length;
    world.runFor(seconds(5));
    assert.equal(requests(peer).length, before, 'nothing is asked while choked');
    peer.replies = (message) => (isRequest(message) ? [block(message)] : []);
    peer.say({ kind: 'unchoke' });
    world.runFor(seconds(5));
    arrived(leech);
    assert.ok(leech.exchange.down.total <= SIZE + 16_384);
  });
}

test('no more is asked at once than the client says it queues', () => {
  const { leech, peer, world } = scene();
  const payload = encodeExtensionHandshake({ requestQueueMax: 3, client: 'Small 1.0' });
  peer.hello(v2).say({ kind: 'have-all' }, { kind: 'extended', id: extensionHandshakeId, payload }, { kind: 'unchoke' });
  assert.equal(requests(peer).length, 3);
  let most = 0;
  let waiting = requests(peer);
  for (let n = 0; n < 40 && leech.completedAt() === null; n++) {
    const seen = peer.messages.length;
    peer.say(...waiting.map(block));
    waiting = peer.messages.slice(seen).filter(isRequest);
    most = Math.max(most, waiting.length);
  }
  world.runFor(seconds(1));
  arrived(leech);
  assert.ok(most <= 3, `${most} at once`);
});

test('allowed-fast, suggestions of what is not there, keep-alives, DHT ports and unknown messages do no harm', () => {
  const { leech, peer, world } = scene();
  peer.replies = (message) => (isRequest(message) ? [block(message)] : []);
  const unknown = Uint8Array.of(0, 0, 0, 3, 99, 1, 2);
  peer
    .hello(v2)
    .say(
      { kind: 'have-all' },
      { kind: 'allowed-fast', piece: 1 as PieceIndex },
      { kind: 'suggest', piece: (count - 1) as PieceIndex },
      { kind: 'keep-alive' },
      { kind: 'port', port: 6881 },
      unknown,
      { kind: 'extended', id: 200, payload: Uint8Array.of(1, 2, 3) },
    );
  assert.equal(requests(peer).length, 0, 'choked');
  peer.say({ kind: 'unchoke' });
  world.runFor(seconds(5));
  arrived(leech);
});

test('a client that ends its half of the connection in the middle of a block costs that block alone', () => {
  const { leech, peer, world } = scene();
  peer.hello(v2).say({ kind: 'have-all' }, { kind: 'unchoke' });
  const [first] = requests(peer) as [Request];
  const whole = block(first) as Uint8Array;
  peer.say(whole.subarray(0, 5_000));
  peer.finish();
  world.runFor(seconds(1));
  assert.ok(peer.over);
  assert.equal(leech.exchange.peers.length, 0);
  const second = new RawPeer(world, 'second', leech.host, count);
  second.replies = (message) => (isRequest(message) ? [block(message)] : []);
  second.hello(v2).say({ kind: 'have-all' }, { kind: 'unchoke' });
  world.runFor(seconds(5));
  arrived(leech);
});
