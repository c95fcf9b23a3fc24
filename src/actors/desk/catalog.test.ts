import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownPut } from '../../domain/ledger/ledger.test-kit.ts';
import { makeTestTorrent, testBytes, type TestTorrent } from '../../protocol/bittorrent/torrent.test-kit.ts';
import type { AnnounceFrame, ContentSummary } from '../../protocol/control/messages.ts';
import { toHex } from '../../protocol/digest.ts';
import { Office } from './office.test-kit.ts';

const torrentOf = (name: string): TestTorrent =>
  makeTestTorrent(
    [
      { path: ['a.bin'], bytes: testBytes(40_000) },
      { path: ['b.bin'], bytes: testBytes(100, 2) },
    ],
    { name },
  );

/** What a node would say of it; the desk reads the torrent. */
const claim = ({ metainfo }: TestTorrent, tags: string[] = []): ContentSummary => ({
  id: metainfo.id,
  v1: null,
  v2: null,
  name: 'a lie',
  tags,
  size: 1,
  files: 99,
  pieceLength: 1,
});
const own = (torrent: TestTorrent, node = 'n1', tags: string[] = []) => ({ op: 'own', content: claim(torrent, tags), node }) as const;

const open = (): { office: Office; token: string } => {
  const office = new Office();
  const token = office.member('An');
  office.enter(token);
  return { office, token };
};

const announce = (node: string, content: string, leftBytes: number, sequence = 1): AnnounceFrame => ({
  kind: 'announce',
  node,
  incarnation: `i-${node}`,
  sequence,
  items: [{ content, event: 'started', leftBytes, uploadedBytes: 0, downloadedBytes: 0, want: 10 }],
});

test('what is shared is found, as the torrent describes it, and its torrent comes back', () => {
  const { office, token } = open();
  const torrent = torrentOf('Ảnh Đà Lạt');
  assert.deepEqual(office.ask(own(torrent, 'n1', ['du lịch']), { token, tail: torrent.bytes }), { id: torrent.metainfo.id, first: true });
  const page = office.ask({ op: 'need', words: 'da lat', offset: 0, limit: 10 }, { token });
  const { v1, v2, pieceLength } = torrent.metainfo;
  assert.deepEqual(page.hits, [
    {
      id: torrent.metainfo.id,
      v1: v1 && toHex(v1),
      v2: v2 && toHex(v2),
      name: 'Ảnh Đà Lạt',
      tags: ['du lịch'],
      size: 40_100,
      files: 2,
      pieceLength,
      owners: [{ account: 'An', node: 'n1', uploadedBytes: 0, online: true }],
      ownerCount: 1,
      onlineCount: 1,
      seeders: 0,
    },
  ]);
  const reply = office.send(office.request({ op: 'torrent', id: torrent.metainfo.id }, { token }));
  assert.deepEqual(Buffer.from(reply.tail), Buffer.from(torrent.bytes));
  assert.equal(office.ask({ op: 'need', words: 'du lich', offset: 0, limit: 10 }, { token }).total, 1);
  assert.equal(office.ask({ op: 'need', words: '***', offset: 0, limit: 10 }, { token }).total, 0);
});

test('a torrent that is missing, wrong, another one or too large is refused for its reason', () => {
  const { office, token } = open();
  const torrent = torrentOf('x');
  assert.equal(office.code(own(torrent), { token }), 'torrent-wanted');
  assert.equal(office.code(own(torrent), { token, tail: testBytes(100) }), 'torrent-invalid');
  assert.equal(office.code(own(torrent), { token, tail: torrentOf('y').bytes }), 'torrent-invalid');
  assert.equal(office.code(own(torrent), { token, tail: new Uint8Array(8 * 1024 * 1024 + 1) }), 'too-large');
  assert.equal(office.code({ op: 'own', content: { ...claim(torrent), id: 'x' }, node: 'n1' }, { token }), 'bad-request');
  assert.equal(office.code(own(torrent, 'n1', ['\u0000']), { token, tail: torrent.bytes }), 'bad-request');
  assert.equal(office.proposals, 2);
});

test('only a node that entered with this account can share, and only for itself', () => {
  const { office, token } = open();
  const torrent = torrentOf('x');
  assert.equal(office.code(own(torrent, 'n2'), { token, tail: torrent.bytes }), 'forbidden');
  const eve = office.member('Eve');
  assert.equal(office.code(own(torrent), { token: eve, tail: torrent.bytes }), 'not-entered');
  assert.equal(office.code(own(torrent, 'n3'), { token, tail: torrent.bytes, from: { node: 'n3', host: '' } }), 'not-entered');
});

test('a second owner needs no torrent; after the last one the content is gone', () => {
  const { office, token } = open();
  const torrent = torrentOf('x');
  office.ask(own(torrent), { token, tail: torrent.bytes });
  const binh = office.member('Bình');
  office.enter(binh, 'n2');
  const from = { node: 'n2', host: '127.0.0.1' };
  assert.deepEqual(office.ask(own(torrent, 'n2'), { token: binh, from }), { id: torrent.metainfo.id, first: false });
  const disown = (node: string) => ({ op: 'disown', content: torrent.metainfo.id, node }) as const;
  assert.equal(office.code(disown('n2'), { token }), 'not-found');
  assert.equal(office.code(disown('n1'), { token }), 'ok');
  assert.equal(office.ask({ op: 'content', id: torrent.metainfo.id }, { token }).owners.length, 1);
  assert.equal(office.code(disown('n2'), { token: binh }), 'ok');
  assert.equal(office.code({ op: 'content', id: torrent.metainfo.id }, { token }), 'not-found');
});

test('a content is found by the first digits of its id, of either kind; several that begin so are named', () => {
  const { office, token } = open();
  const put = (name: string, v2: string | null, v1: string | null): void => {
    const plain = ownPut(name, 'An', 'n1');
    office.ledger.change({ ...plain, content: { ...plain.content, id: v2 ?? v1 ?? '', v1, v2 } }, { tail: new Uint8Array(9) });
  };
  put('one', `abcdef1200${'0'.repeat(54)}`, `0123456789${'5'.repeat(30)}`);
  put('two', `abcdef12ff${'0'.repeat(54)}`, null);
  put('three', null, `9999999900${'0'.repeat(30)}`);
  const ask = (id: string) => office.send(office.request({ op: 'content', id }, { token })).body;
  const named = (id: string): unknown => {
    const body = ask(id);
    return body.ok ? (body.value as { name: string }).name : body.code;
  };
  assert.deepEqual(['abcdef120', 'ABCDEF12FF', '01234567', '99999999'].map(named), ['one', 'two', 'one', 'three']);
  assert.deepEqual(['abcdef12', 'abcdef1', 'abcdef13', 'ffffffff', 'no such words'].map(named), [
    'ambiguous',
    'not-found',
    'not-found',
    'not-found',
    'not-found',
  ]);
  const several = ask('abcdef12');
  assert.match(several.ok ? '' : several.message, /abcdef1200000000 "one", abcdef12ff000000 "two"\.$/u);
});

test('of more owners than are listed, all are counted, and those that are there are listed', () => {
  const { office, token } = open();
  const torrent = torrentOf('x');
  office.ask(own(torrent), { token, tail: torrent.bytes });
  const { id } = torrent.metainfo;
  const gone = Array.from({ length: 69 }, (_, i) => `a${i}`);
  for (const node of gone) {
    const put = ownPut('x', 'An', node);
    office.ledger.change({ ...put, content: { ...put.content, id } });
  }
  const [hit] = office.ask({ op: 'need', words: '', offset: 0, limit: 10 }, { token }).hits;
  for (const found of [hit, office.ask({ op: 'content', id }, { token })]) {
    assert.deepEqual([found?.ownerCount, found?.onlineCount, found?.owners.length], [70, 1, 50]);
    assert.equal(found?.owners[0]?.node, 'n1', 'the only one that is there, the last one by name');
  }
});

test('owners that are there come first, then those that gave most', () => {
  const { office, token } = open();
  const torrent = torrentOf('x');
  office.ask(own(torrent), { token, tail: torrent.bytes });
  for (const node of ['n2', 'n3']) {
    office.enter(token, node);
    office.ask(own(torrent, node), { token, from: { node, host: '127.0.0.1' } });
  }
  const alive = { op: 'alive', node: 'n3', incarnation: 'i-n3', uploadedBytes: 500 } as const;
  office.ask(alive, { from: { node: 'n3', host: '127.0.0.1' } });
  office.ask({ op: 'exit', node: 'n1', incarnation: 'i-n1' });
  const { owners } = office.ask({ op: 'content', id: torrent.metainfo.id }, { token });
  assert.deepEqual(
    owners.map(({ node, online, uploadedBytes }) => [node, online, uploadedBytes]),
    [
      ['n3', true, 500],
      ['n2', true, 0],
      ['n1', false, 0],
    ],
  );
});

test('announces bring peers together for what is in the catalog, and nothing else has a swarm', () => {
  const { office, token } = open();
  const torrent = torrentOf('x');
  const { id } = torrent.metainfo;
  office.ask(own(torrent), { token, tail: torrent.bytes });
  office.enter(token, 'n2');
  const say = (frame: AnnounceFrame) => {
    const answer = office.desk.announce(frame, 'p1', '127.0.0.1');
    office.wait(0);
    return answer;
  };
  say(announce('n1', id, 0));
  assert.deepEqual(say(announce('n2', id, 5)).items[0]?.peers, [{ node: 'n1', host: '127.0.0.1', port: 6_001, seeder: true }]);
  assert.equal(office.ask({ op: 'content', id }, { token }).seeders, 1);
  const unknown = 'f'.repeat(64);
  say(announce('n1', unknown, 0, 2));
  office.wait(20);
  assert.equal(office.swarm.registry.hasSwarm(unknown), false);
  assert.deepEqual(say(announce('n2', unknown, 5, 2)).items, [{ content: unknown, seeders: 0, leechers: 0, peers: [] }]);
  assert.equal(office.swarm.registry.hasSwarm(unknown), false);
  assert.equal(say(announce('n1', 'not a hash', 0, 3)).items.length, 1);
  assert.equal(office.swarm.registry.swarmCount, 1);
  assert.equal(say(announce('stranger', id, 0)).unknownNode, true);
});

test('a node may announce before its share is in the catalog, and is admitted at once when it comes late', () => {
  const { office, token } = open();
  const [early, late] = [torrentOf('early'), torrentOf('late')];
  const say = (torrent: TestTorrent, sequence: number): void => {
    office.desk.announce(announce('n1', torrent.metainfo.id, 0, sequence), 'p1', '');
    office.wait(0);
  };
  const seeders = (torrent: TestTorrent): number => office.swarm.registry.seedersOf(torrent.metainfo.id);
  say(early, 1);
  say(late, 2);
  office.ask(own(early), { token, tail: early.bytes });
  office.wait(16);
  assert.deepEqual([seeders(early), seeders(late)], [1, 0]);
  office.ask(own(late), { token, tail: late.bytes });
  say(late, 3);
  assert.equal(seeders(late), 1);
});

test('nodes are listed with what they share, pinged through their proxy, and removed when silent', () => {
  const { office, token } = open();
  office.swarm.start();
  const torrent = torrentOf('x');
  office.ask(own(torrent), { token, tail: torrent.bytes });
  office.wait(3);
  const { nodes } = office.ask({ op: 'nodes', offset: 0, limit: 100 }, { token });
  assert.deepEqual(nodes, [
    {
      node: 'n1',
      name: 'n1',
      account: 'An',
      addresses: [{ host: '127.0.0.1', port: 6_001 }],
      silentSeconds: 3,
      uploadedBytes: 0,
      shares: [{ id: torrent.metainfo.id, name: 'x' }],
    },
  ]);
  assert.deepEqual(office.ask({ op: 'ping', node: 'n1' }, { token }), { node: 'n1', roundTripMicros: 250 });
  assert.deepEqual(office.pings, [{ node: 'n1', proxy: 'p1' }]);
  assert.equal(office.code({ op: 'ping', node: 'n9' }, { token }), 'not-found');
  office.wait(70);
  assert.equal(office.ask({ op: 'nodes', offset: 0, limit: 100 }, { token }).nodes.length, 0);
  assert.equal(office.code({ op: 'alive', node: 'n1', incarnation: 'i-n1', uploadedBytes: 0 }), 'not-entered');
});

test('many nodes are listed a page at a time, with how many there are', () => {
  const { office, token } = open();
  for (let n = 2; n <= 230; n++) office.enter(token, `n${n}`);
  const page = (offset: number, limit: number) => office.ask({ op: 'nodes', offset, limit }, { token });
  const seen = [page(0, 200), page(200, 200), page(230, 200)];
  assert.deepEqual(
    seen.map(({ nodes, total }) => [nodes.length, total]),
    [
      [200, 230],
      [30, 230],
      [0, 230],
    ],
  );
  assert.equal(new Set(seen.flatMap(({ nodes }) => nodes.map(({ node }) => node))).size, 230);
  assert.deepEqual(
    page(1, 2).nodes.map(({ node }) => node),
    ['n2', 'n3'],
  );
});

test('a node is pinged by its id, the first digits of it or its name; where several are meant they are named', () => {
  const { office, token } = open();
  const enter = (node: string, name: string): void => {
    const operation = { op: 'enter', node, name, incarnation: 'i', addresses: [] } as const;
    office.ask(operation, { token, from: { node, host: '127.0.0.1' } });
  };
  for (let n = 0; n < 300; n++) enter(`filler${n}`, `filler ${n}`);
  enter('abcd1111', 'Laptop của An');
  enter('abcd2222', 'server');
  enter('ffff3333', 'server');
  const pinged = (node: string): unknown => {
    const { body } = office.send(office.request({ op: 'ping', node }, { token }));
    return body.ok ? (body.value as { node: string }).node : body.code;
  };
  assert.deepEqual(['ffff3333', 'Laptop của An', 'ABCD1', 'ffff', 'abcd', 'server', 'abc', 'nobody'].map(pinged), [
    'ffff3333',
    'abcd1111',
    'abcd1111',
    'ffff3333',
    'ambiguous',
    'ambiguous',
    'not-found',
    'not-found',
  ]);
  const { body } = office.send(office.request({ op: 'ping', node: 'server' }, { token }));
  assert.match(body.ok ? '' : body.message, /abcd2222 \("server" of An\), ffff3333/u);
});

test('enter refuses what is no node, and another node than the one on the link', () => {
  const { office, token } = open();
  const enter = { op: 'enter', node: 'n1', name: 'My node', incarnation: 'i', addresses: [] } as const;
  assert.equal(office.code({ ...enter, node: 'n2' }, { token }), 'forbidden');
  assert.equal(office.code({ ...enter, name: 'a\u0000' }, { token }), 'bad-request');
  assert.equal(office.code({ ...enter, incarnation: '' }, { token }), 'bad-request');
  const addresses = Array.from({ length: 9 }, () => ({ host: '10.0.0.1', port: 1 }));
  assert.equal(office.code({ ...enter, addresses }, { token }), 'bad-request');
  assert.equal(office.code(enter), 'session-expired');
});
