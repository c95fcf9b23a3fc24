import assert from 'node:assert/strict';
import { test } from 'node:test';
import { World } from '../../simulations/world/index.ts';
import { seconds } from '../../src/ports/clock.ts';
import { encodeExtensionHandshake, extensionHandshakeId, extensionIds } from '../../src/protocol/bittorrent/extension.ts';
import { type InfoHash, wireHash } from '../../src/protocol/bittorrent/ids.ts';
import {
  decodeMetadataMessage,
  encodeMetadataMessage,
  metadataPieceBytes,
  type MetadataMessage,
} from '../../src/protocol/bittorrent/metadata-message.ts';
import { makeTestTorrent, testBytes, type TestFile, type TestTorrent, valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import type { WireMessage } from '../../src/protocol/bittorrent/wire.ts';
import { type FetchNode, startFetch, v2Only } from './fetch-kit.ts';
import { RawPeer, type Said } from './raw-peer.ts';
import { putFiles, startNode } from './swarm-kit.ts';

/** So many that the info dictionary has about ten pieces. */
const many: readonly TestFile[] = Array.from({ length: 1_500 }, (_, n) => ({
  path: ['a folder with a long name', `file number ${n} of one thousand five hundred`],
  bytes: testBytes(10, n),
}));
const wide = makeTestTorrent(many, { pieceLength: 16_384, version: 'v1' });
const large: readonly TestFile[] = [{ path: ['one'], bytes: testBytes(400_000) }];
const v2 = v2Only(makeTestTorrent(large, { pieceLength: 16_384 }));
const hybrid = makeTestTorrent(large, { pieceLength: 16_384 });

const THEIR_ID = 7;
const hashOf = (torrent: TestTorrent): InfoHash => (torrent.metainfo.v2 ?? torrent.metainfo.v1) as InfoHash;
const introduction = (metadataBytes: number): Said => ({
  kind: 'extended',
  id: extensionHandshakeId,
  payload: encodeExtensionHandshake({ extensions: new Map([['ut_metadata', THEIR_ID]]), metadataBytes }),
});
const say = (message: MetadataMessage): Said => ({
  kind: 'extended',
  id: extensionIds.ut_metadata,
  payload: encodeMetadataMessage(message),
});
const pieceOf = (info: Uint8Array, piece: number): Said =>
  say({ kind: 'data', piece, totalBytes: info.length, data: info.subarray(piece * metadataPieceBytes, (piece + 1) * metadataPieceBytes) });
/** The piece that the message asks for; null for other messages. */
const askedFor = (message: WireMessage): number | null => {
  const read = message.kind === 'extended' && message.id === THEIR_ID ? decodeMetadataMessage(message.payload) : null;
  return read?.ok === true && read.value?.kind === 'request' ? read.value.piece : null;
};
/** Answers requests for metadata out of these bytes. */
const gives =
  (info: Uint8Array) =>
  (message: WireMessage): readonly Said[] => {
    const piece = askedFor(message);
    return piece === null ? [] : [pieceOf(info, piece)];
  };

const scene = (torrent: TestTorrent): { world: World; fetching: FetchNode; peer: (name: string) => RawPeer } => {
  const world = new World({ seed: 1 });
  const { v1, v2: second } = torrent.metainfo;
  const fetching = startFetch(world.process('finder'), second === null ? { v1 } : { v2: second });
  world.runFor(1_000);
  return { world, fetching, peer: (name) => new RawPeer(world, name, fetching.host, null) };
};
const seedOf = (world: World, torrent: TestTorrent, files: readonly TestFile[]): string => {
  putFiles(world.process('seed'), torrent, files);
  return startNode(world.process('seed'), torrent, true).host;
};
const cameOut = (world: World, fetching: FetchNode, torrent: TestTorrent): void => {
  assert.ok(
    world.runUntil(() => fetching.result() !== null, seconds(120)),
    JSON.stringify(fetching.fetch.progress),
  );
  assert.equal(valueOf(fetching.result() ?? { ok: false, error: { code: 'none', message: '' } }).metainfo.id, torrent.metainfo.id);
};
const { info } = wide.metainfo;

test('a peer that claims metadata of 2 GB is let go at once, and costs nothing', () => {
  const { fetching, peer, world } = scene(wide);
  const liar = peer('liar')
    .hello(wireHash(hashOf(wide)))
    .say(introduction(2 ** 31));
  assert.ok(liar.over);
  assert.equal(fetching.port.peerCount, 0);
  assert.equal(fetching.fetch.progress.infoBytesTotal, 0);
  world.process('liar').kill();
  assert.ok(peer('liar').hello(wireHash(hashOf(wide))).over, 'nor is it met again');
});

for (const liarFirst of [true, false]) {
  test(`wrong metadata of one among several keeps the torrent from nobody (liar ${liarFirst ? 'first' : 'last'})`, () => {
    const { fetching, peer, world } = scene(wide);
    const [liar, honest] = [peer('liar'), peer('honest')];
    liar.replies = gives(info.map((byte) => byte ^ 1));
    honest.replies = gives(info);
    const all = liarFirst ? [liar, honest] : [honest, liar];
    for (const one of all) one.hello(wireHash(hashOf(wide)));
    for (const one of all) one.sayNow(introduction(info.length));
    cameOut(world, fetching, wide);
    for (const one of all)
      assert.ok(
        one.messages.some((message) => askedFor(message) !== null),
        'both were asked',
      );
    assert.deepEqual([...valueOf(fetching.result() as NonNullable<ReturnType<FetchNode['result']>>).metainfo.info], [...info]);
  });
}

test('a liar alone is banned, and its successor believed', () => {
  const { fetching, peer, world } = scene(wide);
  const liar = peer('liar');
  liar.replies = gives(new Uint8Array(info.length));
  liar.hello(wireHash(hashOf(wide))).say(introduction(info.length));
  assert.ok(liar.over);
  assert.equal(fetching.result(), null);
  fetching.learn(seedOf(world, wide, many));
  cameOut(world, fetching, wide);
});

test('a peer that gives no answer, and one that refuses, only cost their time', () => {
  const { fetching, peer, world } = scene(wide);
  const silent = peer('silent')
    .hello(wireHash(hashOf(wide)))
    .say(introduction(info.length));
  const refusing = peer('refusing');
  refusing.replies = (message) => {
    const piece = askedFor(message);
    return piece === null ? [] : [say({ kind: 'reject', piece })];
  };
  refusing.hello(wireHash(hashOf(wide))).say(introduction(info.length));
  world.runFor(seconds(5));
  assert.equal(fetching.result(), null);
  assert.equal(refusing.messages.filter((message) => askedFor(message) !== null).length <= 10, true, 'it is not asked on and on');
  fetching.learn(seedOf(world, wide, many));
  cameOut(world, fetching, wide);
  world.runFor(seconds(2));
  assert.ok(silent.over && refusing.over);
});

test('peers that lie about the length keep nobody from the right one', () => {
  const { fetching, peer, world } = scene(wide);
  const liars = Array.from({ length: 6 }, (_, n) => peer(`liar${n}`));
  for (const [n, liar] of liars.entries()) liar.hello(wireHash(hashOf(wide))).say(introduction(50_000 + n));
  for (const name of ['one', 'two']) {
    const honest = peer(name);
    honest.replies = gives(info);
    honest.hello(wireHash(hashOf(wide))).say(introduction(info.length));
  }
  cameOut(world, fetching, wide);
});

test('hashes that do not fit are noticed at once, whoever sends them', () => {
  const { fetching, peer, world } = scene(v2);
  const liar = peer('liar');
  let asked = 0;
  liar.replies = (message) => {
    if (message.kind !== 'hash-request') return gives(v2.metainfo.info)(message);
    asked++;
    return [{ ...message, kind: 'hashes', hashes: new Uint8Array(message.length * 32) }];
  };
  liar.hello(wireHash(hashOf(v2))).say(introduction(v2.metainfo.info.length));
  assert.ok(asked > 0 && liar.over);
  assert.equal(fetching.result(), null);
  fetching.learn(seedOf(world, v2, large));
  cameOut(world, fetching, v2);
});

test('where nobody gives the hashes, a hybrid torrent is taken by its v1 side, and a v2 torrent waits for somebody who does', () => {
  for (const torrent of [hybrid, v2]) {
    const { fetching, peer, world } = scene(torrent);
    const refusing = peer('refusing');
    refusing.replies = (message) =>
      message.kind === 'hash-request' ? [{ ...message, kind: 'hash-reject' }] : gives(torrent.metainfo.info)(message);
    refusing.hello(wireHash(hashOf(torrent))).say(introduction(torrent.metainfo.info.length));
    world.runFor(seconds(40));
    const asked = refusing.messages.filter(({ kind }) => kind === 'hash-request').length;
    assert.ok(asked > 0 && asked < 10, `asked ${asked} times`);
    if (torrent === hybrid) {
      const fetched = valueOf(fetching.result() as NonNullable<ReturnType<FetchNode['result']>>);
      assert.equal(fetched.metainfo.missingLayers, true);
      assert.equal(fetched.metainfo.id, hybrid.metainfo.id);
    } else {
      assert.equal(fetching.result(), null);
      fetching.learn(seedOf(world, v2, large));
      cameOut(world, fetching, v2);
    }
  }
});

test('a fetch that is stopped answers nothing and holds no connection', () => {
  const { fetching, peer, world } = scene(wide);
  const honest = peer('honest').hello(wireHash(hashOf(wide)));
  honest.replies = gives(info);
  world.process('finder').incarnation?.step(() => fetching.fetch.stop());
  honest.say(introduction(info.length));
  assert.ok(honest.over);
  assert.equal(fetching.port.peerCount, 0);
  assert.ok(peer('late').hello(wireHash(hashOf(wide))).over);
  assert.equal(fetching.result(), null);
});
