/** Files, disks, peers and torrents that are not as they should be, from one node's user to the other's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cluster } from '../../simulations/cluster.ts';
import { contentOf } from '../../simulations/scenarios/scenario.ts';
import { contentSummary } from '../../src/actors/library/summaries.ts';
import { createLayout } from '../../src/domain/transfer/torrent-layout.ts';
import { seconds } from '../../src/ports/clock.ts';
import { encodeBencode } from '../../src/protocol/bittorrent/bencode.ts';
import { readMetainfo } from '../../src/protocol/bittorrent/metainfo.ts';
import { sha1 } from '../../src/protocol/digest.ts';
import { valueOf } from '../../src/protocol/bittorrent/torrent.test-kit.ts';
import { download, logged, password, refusal, signIn, startNetwork, Stranger } from './kit.ts';

const SIZE = 2_000_000;

/** Nodes that are signed in; the first one shares a file. */
const sharing = (nodes: number, uplink?: number): { cluster: Cluster; id: string; path: string } => {
  const cluster = startNetwork({ nodes, ...(uplink === undefined ? {} : { uplink }) });
  for (const node of cluster.nodeNames) signIn(cluster, node);
  const path = '/node1/files/thesis.pdf';
  put(cluster, 'node1', path, contentOf('thesis', SIZE));
  return { cluster, id: cluster.share('node1', path), path };
};

/** On the disk of a process that runs. */
const put = (cluster: Cluster, node: string, path: string, bytes: Uint8Array): void => {
  const { disk } = cluster.world.process(node);
  disk.makeFolder(path.slice(0, path.lastIndexOf('/')));
  assert.ok(disk.writeFile(path, bytes).ok);
};

const reasonOf = (cluster: Cluster, node: string, id: string): string => cluster.transfer(node, id).reason ?? '';

const same = (cluster: Cluster, node: string, path: string): void =>
  assert.equal(cluster.digest(node, cluster.fileOf(node, path)), cluster.digest('node1', path));

test('a file that vanishes while it is shared is named; put back, it is sent on, and nothing wrong ever was', () => {
  const { cluster, id, path } = sharing(2, 200_000);
  download(cluster, 'node2', id);
  cluster.poll('some of it is there', () => cluster.transfer('node2', id).doneBytes > 300_000);
  const { disk } = cluster.world.process('node1');
  assert.ok(disk.rename(path, '/node1/files/elsewhere').ok);
  // A file that is open can be read on; the node that starts again finds it gone.
  cluster.kill('node1');
  cluster.start('node1');
  cluster.poll('the owner notices', () => cluster.transfer('node1', id).state === 'failed');
  assert.match(
    reasonOf(cluster, 'node1', id),
    /^\/node1\/files\/thesis\.pdf is missing, so it is not shared any more: put it back and resume, or share the new one\.$/u,
  );
  const waiting = cluster.transfer('node2', id);
  assert.notEqual(waiting.state, 'failed', 'who downloads it keeps what is there and waits');
  assert.ok(waiting.doneBytes > 300_000);
  assert.ok(disk.rename('/node1/files/elsewhere', path).ok);
  cluster.ask('node1', 'resume', { id });
  cluster.untilComplete('node2', id);
  same(cluster, 'node2', path);
  assert.equal(cluster.transfer('node2', id).piecesBad, 0);
});

test('a file that changes while it is shared is not sent any more, and the owner is told which', () => {
  const { cluster, id, path } = sharing(2);
  cluster.world.runFor(seconds(2));
  put(cluster, 'node1', path, contentOf('another thesis', SIZE));
  download(cluster, 'node2', id);
  cluster.poll('the owner notices', () => cluster.transfer('node1', id).state === 'failed');
  assert.match(reasonOf(cluster, 'node1', id), /\/node1\/files\/thesis\.pdf has changed since it was (?:shared|hashed)/u);
  assert.equal(cluster.transfer('node2', id).doneBytes, 0);
  const { job } = cluster.ask('node1', 'share', { paths: [path], name: null, tags: [], v1: false, pieceLength: null });
  cluster.poll('what it is now is shared as what it is', () => cluster.ask('node1', 'shareJob', { job }).state === 'done');
  const now = cluster.ask('node1', 'shareJob', { job }).id as string;
  assert.notEqual(now, id);
  cluster.ask('node2', 'remove', { id, data: true });
  download(cluster, 'node2', now);
  cluster.untilComplete('node2', now);
  same(cluster, 'node2', path);
});

test('a file that changes or vanishes while it is hashed is not shared, and named', () => {
  const { cluster } = sharing(1);
  const path = '/node1/files/log.txt';
  const { disk } = cluster.world.process('node1');
  for (const meddle of [() => put(cluster, 'node1', path, contentOf('later', SIZE)), () => assert.ok(disk.remove(path).ok)]) {
    put(cluster, 'node1', path, contentOf('log', SIZE));
    const { job } = cluster.ask('node1', 'share', { paths: [path], name: null, tags: [], v1: false, pieceLength: null });
    const state = () => cluster.ask('node1', 'shareJob', { job });
    cluster.until('some of it is hashed', () => state().doneBytes > 0);
    meddle();
    cluster.poll('the job is over', () => state().state !== 'hashing');
    assert.deepEqual([state().state, state().code], ['failed', 'changed']);
    assert.match(state().message ?? '', /^\/node1\/files\/log\.txt changed while it was hashed\. Share it again/u);
  }
  assert.equal(cluster.ask('node1', 'transfers', { id: null }).transfers.length, 1);
});

test('a peer that gives wrong bytes is found out and banned, and the download completes from the others', () => {
  const { cluster, id, path } = sharing(3, 400_000);
  download(cluster, 'node2', id);
  cluster.untilComplete('node2', id);
  cluster.poll('node2 owns it', () => cluster.owners('node1', id) === 2);
  // Its file goes bad without a sign on the outside, as a liar's would be.
  const file = cluster.world.process('node2').disk.openForReading(cluster.fileOf('node2', path));
  assert.ok(file.ok);
  for (let at = 0; at < SIZE; at += 20_000) file.value.body.write(at, Uint8Array.of(1, 2, 3, 4));
  download(cluster, 'node3', id);
  cluster.untilComplete('node3', id);
  assert.equal(cluster.digest('node3', cluster.fileOf('node3', path)), cluster.digest('node1', path));
  assert.ok(cluster.transfer('node3', id).piecesBad > 0);
  const [ban] = logged(cluster, 'node3', 'A peer sent wrong data and is banned');
  assert.ok(ban !== undefined, 'the log says whom');
  assert.equal(JSON.stringify(ban.fields).includes(cluster.ask('node2', 'status', {}).node), true, JSON.stringify(ban));
});

test('a full disk pauses the download and says so; with room again it goes on by itself and completes', () => {
  const { cluster, id, path } = sharing(2);
  const { disk } = cluster.world.process('node2');
  disk.capacityBytes = disk.usedBytes() + 1_000_000;
  download(cluster, 'node2', id);
  cluster.poll('it is paused', () => cluster.transfer('node2', id).state === 'paused');
  assert.match(reasonOf(cluster, 'node2', id), /^The disk is full: .*It goes on when there is room\.$/u);
  assert.equal(logged(cluster, 'node2', 'A transfer stopped').length, 1);
  const { doneBytes } = cluster.transfer('node2', id);
  assert.ok(doneBytes > 0 && doneBytes < SIZE);
  cluster.world.runFor(seconds(60));
  assert.notEqual(cluster.transfer('node2', id).state, 'failed', 'still no room: it goes on waiting');
  assert.ok(cluster.transfer('node2', id).doneBytes >= doneBytes, 'nothing is lost');
  disk.capacityBytes = Number.MAX_SAFE_INTEGER;
  cluster.untilComplete('node2', id);
  same(cluster, 'node2', path);
});

test('a folder that may not be written fails the download with its name, and nothing is lost', () => {
  const { cluster, id, path } = sharing(2);
  const process = cluster.world.process('node2');
  process.diskFault = (operation, file) => (operation === 'open' && file.startsWith('/node2/downloads') ? 'denied' : null);
  download(cluster, 'node2', id);
  cluster.poll('it fails', () => cluster.transfer('node2', id).state === 'failed');
  assert.match(reasonOf(cluster, 'node2', id), /\/node2\/downloads\/.*Make it accessible to this user, then resume\.$/u);
  process.diskFault = () => null;
  cluster.ask('node2', 'resume', { id });
  cluster.untilComplete('node2', id);
  same(cluster, 'node2', path);
});

test('a node with no peers waits and says why, from one reason to the next, and goes on by itself', () => {
  const { cluster, id, path } = sharing(2);
  const waits = (because: RegExp): void =>
    cluster.poll(`it waits because ${because.source}`, () => {
      const { state, reason } = cluster.transfer('node2', id);
      return state === 'waiting' && because.test(reason ?? '');
    });
  cluster.kill('node1');
  download(cluster, 'node2', id);
  waits(/^The one peer known could not be reached yet; it is tried again and again\.$/u);
  waits(/^No owner is online; it goes on when one is\.$/u);
  cluster.kill('proxy1');
  waits(/^The network is not reached \(.+\); it goes on by itself when it is\.$/u);
  const offline = refusal(cluster, 'node2', 'search', { words: '', offset: 0, limit: 1 });
  assert.equal(offline.code, 'offline');
  cluster.start('proxy1');
  cluster.start('node1');
  cluster.untilComplete('node2', id);
  same(cluster, 'node2', path);
});

test('a torrent whose paths climb out of the folder can only write into the folder', () => {
  const { cluster } = sharing(2);
  const bytes = contentOf('evil', 20_000);
  const torrent = encodeBencode({
    info: {
      files: [{ length: 20_000, path: ['..', '..', '..', 'etc', 'passwd'] }],
      name: '..',
      'piece length': 32_768,
      pieces: sha1(bytes),
    },
  });
  const metainfo = valueOf(readMetainfo(torrent));
  const mallory = new Stranger(cluster, 'mallory').member('mallory-node');
  mallory({ op: 'register', name: 'mallory', password, code: null });
  const login = mallory({ op: 'login', name: 'mallory', password }).body;
  assert.ok(login.ok);
  const { token } = login.value as { token: string };
  mallory({ op: 'enter', node: 'mallory-node', name: 'm', incarnation: 'i', addresses: [] }, { token });
  const owned = mallory({ op: 'own', node: 'mallory-node', content: contentSummary(metainfo, []) }, { token, tail: torrent });
  assert.ok(owned.body.ok, JSON.stringify(owned.body));
  const inside = valueOf(createLayout(metainfo)).files[0]?.diskPath ?? [];
  assert.ok(inside.length > 0 && inside.every((name) => !/^\.*$|\//u.test(name)), inside.join('/'));
  put(cluster, 'node1', `/node1/downloads/${inside.join('/')}`, bytes);
  download(cluster, 'node1', metainfo.id);
  cluster.untilComplete('node1', metainfo.id);
  download(cluster, 'node2', metainfo.id);
  cluster.untilComplete('node2', metainfo.id);
  const { disk } = cluster.world.process('node2');
  assert.ok(disk.stat(`/node2/downloads/${inside.join('/')}`).ok);
  for (const [folder, known] of [
    ['/', ['node2']],
    ['/node2', ['data', 'downloads', 'files']],
  ] as const) {
    const listed = disk.list(folder);
    assert.ok(listed.ok);
    for (const { name } of listed.value) assert.ok((known as readonly string[]).includes(name), `${folder} has ${name}`);
  }
});

test('a torrent that is none, or another than it says, never comes into the catalog', () => {
  const { cluster } = sharing(1);
  const mallory = new Stranger(cluster, 'mallory').member('mallory-node');
  mallory({ op: 'register', name: 'mallory', password, code: null });
  const login = mallory({ op: 'login', name: 'mallory', password }).body;
  const token = login.ok ? (login.value as { token: string }).token : '';
  mallory({ op: 'enter', node: 'mallory-node', name: 'm', incarnation: 'i', addresses: [] }, { token });
  const torrent = encodeBencode({ info: { length: 5, name: 'x', 'piece length': 32_768, pieces: new Uint8Array(20) } });
  const content = contentSummary(valueOf(readMetainfo(torrent)), []);
  const refused = (tail: Uint8Array, id = content.id): string => {
    const { body } = mallory({ op: 'own', node: 'mallory-node', content: { ...content, id } }, { token, tail });
    return body.ok ? 'taken' : body.code;
  };
  assert.equal(refused(torrent.subarray(0, 40)), 'torrent-invalid');
  assert.equal(refused(Buffer.from('not a torrent')), 'torrent-invalid');
  assert.equal(refused(torrent, 'ab'.repeat(32)), 'torrent-invalid');
  assert.equal(refused(new Uint8Array(8 * 1_048_576).fill(100)), 'torrent-invalid');
  assert.equal(cluster.ask('node1', 'search', { words: '', offset: 0, limit: 10 }).total, 1);
});

test('names, tags and paths that no catalog takes are refused before anything is hashed or shared', () => {
  const { cluster, path } = sharing(1);
  const args = { paths: [path], name: null, tags: [], v1: false, pieceLength: null } as const;
  for (const [tags, words] of [
    [['x'.repeat(65)], 'A tag has 1 to 64 characters and no control characters'],
    [['a\nb'], 'A tag has 1 to 64 characters and no control characters'],
    [Array.from({ length: 17 }, (_, n) => `t${n}`), 'A content may have 16 tags'],
  ] as const) {
    const { code, message } = refusal(cluster, 'node1', 'share', { ...args, tags });
    assert.deepEqual([code, message], ['bad-request', words]);
  }
  for (const [more, words] of [
    [{ name: '../../etc/passwd' }, /cannot be the name of a torrent/u],
    [{ name: 'x'.repeat(1_025) }, /1 to 1024 bytes/u],
    [{ paths: ['/'] }, /root of a disk cannot be shared/u],
    [{ paths: ['/node1/nothing'] }, /There is nothing at \/node1\/nothing/u],
    [{ paths: ['/node1/caf\ufffd'] }, /has a name that is not valid UTF-8: rename it/u],
    [{ pieceLength: 17 }, /piece length/u],
  ] as const) {
    const { job } = cluster.ask('node1', 'share', { ...args, ...more });
    cluster.poll('the job is over', () => cluster.ask('node1', 'shareJob', { job }).state === 'failed');
    assert.match(cluster.ask('node1', 'shareJob', { job }).message ?? '', words);
  }
  assert.equal(cluster.ask('node1', 'transfers', { id: null }).transfers.length, 1);
  assert.equal(refusal(cluster, 'node1', 'get', { what: ' ', to: null, files: [], sequential: false }).code, 'bad-request');
  const long = refusal(cluster, 'node1', 'get', { what: 'x'.repeat(1_100), to: null, files: [], sequential: false });
  assert.deepEqual([long.code, long.message], ['bad-request', 'That cannot be asked (words must be at most 1024 characters long).']);
});
