/** Commands about torrents that come from elsewhere and go elsewhere, and the node they ask. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { ApiCalls } from '../../protocol/api.ts';
import { makeTestTorrent, testBytes } from '../../protocol/bittorrent/torrent.test-kit.ts';
import { fail, ok } from '../../protocol/result.ts';
import { EXIT } from '../exit.ts';
import { run } from '../run.test-kit.ts';
import { idOf, type StandIn, startStandIn, transfer } from './stand-in.test-kit.ts';

describe('commands about torrents', () => {
  let standIn: StandIn;
  before(async () => {
    standIn = await startStandIn();
  });
  after(() => standIn.close());
  beforeEach(() => {
    standIn.answers = {};
    standIn.asked = [];
  });

  it('get hands on magnet links and torrent files, and tells what is wrong with bad ones before the node is asked', async () => {
    standIn.answers.get = () => fail('not-found', 'Nobody has it.');
    const link = `magnet:?xt=urn:btih:${'b'.repeat(40)}&xt=urn:btmh:1220${idOf('c')}&tr=http%3A%2F%2Fa`;
    assert.notEqual((await standIn.ask(['get', link, '--file', '*.txt'])).status, EXIT.ok);
    const file = join(standIn.folder, 'set.torrent');
    const { bytes } = makeTestTorrent([{ path: ['a'], bytes: testBytes(10) }]);
    writeFileSync(file, bytes);
    assert.notEqual((await standIn.ask(['get', file])).status, EXIT.ok);
    const gets = standIn.asked.filter(({ call }) => call === 'get').map(({ args }) => args as ApiCalls['get']['args']);
    assert.deepEqual(
      gets.map(({ what, files, torrent }) => [what, files, torrent]),
      [
        [link, ['*.txt'], undefined],
        ['', [], Buffer.from(bytes).toString('base64')],
      ],
    );
    standIn.asked = [];
    for (const bad of ['magnet:?dn=x', 'magnet:?xt=urn:btih:12', 'magnet:']) {
      const ended = await standIn.ask(['get', bad]);
      assert.equal(ended.status, EXIT.data, bad);
      assert.match(ended.err, /^error: This is not a usable magnet link: .+/u);
    }
    writeFileSync(file, bytes.subarray(0, 100));
    for (const call of ['get', 'share', 'inspect']) {
      const ended = call === 'inspect' ? await run([call, file]) : await standIn.ask([call, file]);
      assert.equal(ended.status, EXIT.data);
      assert.match(ended.err, /set\.torrent is no valid torrent file: the bencoded data ends in the middle/u);
    }
    const absent = await standIn.ask(['get', './absent.torrent']);
    assert.deepEqual([absent.status, absent.err], [EXIT.noInput, 'error: ./absent.torrent does not exist.\n']);
    assert.deepEqual(standIn.asked, [], 'the node is not asked');
    const neither = await standIn.ask(['get', 'absent.torrent']);
    assert.equal(neither.status, EXIT.noInput);
    assert.ok(
      standIn.asked.some(({ call }) => call === 'get'),
      'a content may be called so',
    );
    assert.match(neither.err, /no file absent\.torrent here, nor a content/u);
  });

  it('get takes a torrent file from a URL, and says whose fault it is that there is none', async () => {
    standIn.answers.get = () => fail('not-found', 'Nobody has it.');
    const { bytes } = makeTestTorrent([{ path: ['a'], bytes: testBytes(10) }]);
    const web = createServer((request, response) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/set.torrent' }).end();
      else if (request.url === '/set.torrent') response.end(bytes);
      else if (request.url === '/page') response.end('<html>no such torrent</html>');
      else if (request.url === '/large') response.end(Buffer.alloc(9 * 1024 * 1024));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    const { port } = web.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}`;
    await standIn.ask(['get', `${url}/moved`]);
    const [got] = standIn.asked.filter(({ call }) => call === 'get').map(({ args }) => args as ApiCalls['get']['args']);
    assert.equal(got?.torrent, Buffer.from(bytes).toString('base64'));
    standIn.asked = [];
    const [page, large, missing] = await Promise.all(
      ['page', 'large', 'secret?passkey=1'].map((path) => standIn.ask(['get', `${url}/${path}`])),
    );
    assert.match(page?.err ?? '', /no valid torrent file: invalid bencoding/u);
    assert.match(large?.err ?? '', /too large for a torrent file/u);
    assert.match(missing?.err ?? '', /does not give the torrent file: it answers 404/u);
    assert.doesNotMatch(missing?.err ?? '', /secret/u);
    web.close();
    web.closeAllConnections();
    await once(web, 'close');
    assert.match((await standIn.ask(['get', `${url}/set.torrent`])).err, /cannot be had from 127\.0\.0\.1:\d+: \w+/u);
    assert.deepEqual(standIn.asked, [], 'the node is not asked');
  });

  it('share publishes a torrent file, or a transfer by its id, and any other file as a file', async () => {
    const file = join(standIn.folder, 'published.torrent');
    const { bytes } = makeTestTorrent([{ path: ['a'], bytes: testBytes(10) }]);
    writeFileSync(file, bytes);
    standIn.answers.share = standIn.answers.publish = () => ok({ job: 1 });
    standIn.answers.transfers = () => ok({ transfers: [transfer({})] });
    standIn.answers.shareJob = () =>
      ok({
        state: 'failed',
        doneBytes: 0,
        size: 10,
        skipped: 0,
        id: null,
        kept: false,
        code: 'missing',
        message: 'Not here.',
        durability: 'none',
      });
    const failed = await standIn.ask(['share', file, '--data', '/data', '--tag', 'x']);
    assert.deepEqual([failed.status, failed.err], [EXIT.noInput, 'error: content is not shared: Not here.\n']);
    await standIn.ask(['share', 'aaaaaaaa']);
    await standIn.ask(['share', file, '--as-file', '--name', 'a file']);
    const torrent = Buffer.from(bytes).toString('base64');
    assert.deepEqual(
      standIn.asked.filter(({ call }) => call === 'publish' || call === 'share'),
      [
        { call: 'publish', args: { torrent, id: null, data: '/data', beside: standIn.folder, tags: ['x'] } },
        { call: 'publish', args: { torrent: null, id: idOf('a'), data: null, beside: null, tags: [] } },
        { call: 'share', args: { paths: [file], name: 'a file', tags: [], v1: false, pieceLength: null } },
      ],
    );
    for (const [words, why] of [
      [[file, '--name', 'x', '--v1'], /--name, --v1 would make another torrent/u],
      [[standIn.folder, '--data', '/x'], /--data goes with a torrent file/u],
    ] as const) {
      const wrong = await standIn.ask(['share', ...words]);
      assert.equal(wrong.status, EXIT.usage);
      assert.match(wrong.err, why);
    }
    assert.equal((await standIn.ask(['share', './absent'])).status, EXIT.noInput);
  });

  it('share says that a torrent is shared already and from where, and refuses data at another place', async () => {
    const file = join(standIn.folder, 'again.torrent');
    writeFileSync(file, makeTestTorrent([{ path: ['a'], bytes: testBytes(10) }]).bytes);
    const job = { doneBytes: 10, size: 10, skipped: 0, id: idOf('a'), kept: false, durability: 'none' as const };
    standIn.answers.publish = () => ok({ job: 1 });
    standIn.answers.shareJob = () => ok({ ...job, state: 'done', code: null, message: null, already: '/data' });
    const again = await standIn.ask(['share', file]);
    assert.deepEqual([again.status, again.out], [EXIT.ok, `shared already  content  10 B  id ${idOf('a')}  from /data\n`]);
    assert.equal((JSON.parse((await standIn.ask(['share', file, '--json'])).out) as { already: string }).already, '/data');
    standIn.answers.shareJob = () => ok({ ...job, state: 'failed', code: 'shared-elsewhere', message: 'It is here already.' });
    const refused = await standIn.ask(['share', file, '--data', '/elsewhere']);
    assert.deepEqual([refused.status, refused.err], [EXIT.cannotCreate, 'error: content is not shared from there: It is here already.\n']);
  });

  it('peers says of whom something is wanted in vain, not of those a complete transfer wants nothing of', async () => {
    const peer = { node: '', name: '', client: 'other/1', downRate: 0, upRate: 0, downloadedBytes: 0, uploadedBytes: 0, has: 0.5 };
    const seen = { ...peer, choking: false, choked: true, interested: true };
    standIn.answers.transfers = () => ok({ transfers: [transfer({})] });
    standIn.answers.peers = () =>
      ok({
        peers: [
          { ...seen, address: '10.0.0.1:1', wanted: false },
          { ...seen, address: '10.0.0.2:2', wanted: true },
        ],
        trackers: [],
        webSeeds: [],
      });
    const { out } = await standIn.ask(['peers', 'aaaa']);
    assert.match(out, /10\.0\.0\.1:1 .* other\/1 +interested$/mu);
    assert.match(out, /10\.0\.0\.2:2 .* other\/1 +choked interested$/mu);
  });

  it('torrent writes bytes to a pipe or a new file, never to a terminal, and warns that the URL is personal', async () => {
    const { bytes } = makeTestTorrent([{ path: ['a'], bytes: testBytes(10) }]);
    standIn.answers.torrent = () => ok({ id: idOf('a'), name: 'a', torrent: Buffer.from(bytes).toString('base64'), personal: true });
    const piped = await standIn.ask(['torrent', 'corpus', '2026']);
    assert.deepEqual([piped.status, Buffer.compare(piped.bytes, bytes)], [EXIT.ok, 0]);
    assert.match(piped.err, /your own announce URL/u);
    assert.match(piped.err, /hybrid torrent: .+ share with --v1/u);
    assert.deepEqual(standIn.asked, [{ call: 'torrent', args: { what: 'corpus 2026' } }]);
    const shown = await standIn.ask(['torrent', 'aaaaaaaa'], { terminal: true });
    assert.deepEqual([shown.status, shown.out], [EXIT.usage, '']);
    const out = join(standIn.folder, 'out.torrent');
    const written = await standIn.ask(['torrent', 'aaaaaaaa', '--out', out], { terminal: true });
    assert.deepEqual([written.status, Buffer.compare(readFileSync(out), bytes)], [EXIT.ok, 0]);
    if (process.platform !== 'win32') assert.equal(statSync(out).mode & 0o777, 0o600);
    assert.equal((await standIn.ask(['torrent', 'aaaaaaaa', '--out', out])).status, EXIT.cannotCreate, 'nothing is replaced');
    assert.equal((await standIn.ask(['torrent', 'aaaaaaaa', '--out', standIn.folder])).status, EXIT.ok);
    assert.ok(existsSync(join(standIn.folder, 'a.torrent')));
    const nowhere = await standIn.ask(['torrent', 'aaaaaaaa', '--out', join(standIn.folder, 'absent', 'out.torrent')]);
    assert.match(nowhere.err, /^error: Could not write .*out\.torrent: there is no such file or folder\.$/mu);
    const json = await standIn.ask(['torrent', 'aaaaaaaa', '--json']);
    assert.deepEqual(JSON.parse(json.out), { id: idOf('a'), name: 'a', personal: true, torrent: Buffer.from(bytes).toString('base64') });
  });

  it('magnet prints the link alone, and says how it is safe to pass on', async () => {
    standIn.answers.magnet = ({ bare }) => ok({ id: idOf('a'), name: 'a', magnet: bare ? 'magnet:?x' : 'magnet:?x&tr=y', personal: !bare });
    const own = await standIn.ask(['magnet', 'aaaaaaaa']);
    assert.equal(own.out, 'magnet:?x&tr=y\n');
    assert.match(own.err, /Without it: \S+ \S+ magnet --bare|Without it: .*--bare/u);
    assert.deepEqual(await standIn.ask(['magnet', 'aaaaaaaa', '--bare']).then(({ out, err }) => [out, err]), ['magnet:?x\n', '']);
  });

  it('a link whose torrent is not here yet is listed without a size that nobody knows, and found by its own id later', async () => {
    const reason = 'Fetching its torrent from peers: 17 KB of 120 KB.';
    standIn.answers.transfers = ({ id }) =>
      id === null || id === 'bbbbbbbb'
        ? ok({ transfers: [transfer({ id: idOf('b').slice(0, 40), state: 'metadata', size: 0, doneBytes: 0, reason })] })
        : fail('not-found', id);
    const { out } = await standIn.ask(['ls']);
    assert.match(out, /metadata\s+-\s+not known/u);
    assert.ok(out.includes(`    ${reason}\n`), out);
    assert.match((await standIn.ask(['status', 'bbbb'])).out, /done {8}-, 0 B of not known\n/u);
    standIn.answers.transfers = ({ id }) => ok({ transfers: id === null || id === 'bbbbbbbb' ? [transfer({ id: idOf('c') })] : [] });
    standIn.answers.pause = () => ok({});
    await standIn.ask(['pause', 'bbbbbbbb']);
    assert.deepEqual(standIn.asked.at(-1), { call: 'pause', args: { id: idOf('c') } });
  });

  it('recheck says how to see how far it is', async () => {
    standIn.answers.transfers = () => ok({ transfers: [transfer({ name: 'set' })] });
    standIn.answers.recheck = () => ok({});
    const { err, out, status } = await standIn.ask(['recheck', 'aaaaaaaa']);
    assert.deepEqual([status, out], [EXIT.ok, 'set is being verified.\n']);
    assert.match(err, /^How far it is: .*status aaaaaaaaaaaa /u);
  });

  it('peers shows the trackers of a torrent of elsewhere, with what is wrong with them', async () => {
    standIn.answers.transfers = () => ok({ transfers: [transfer({ swarm: 'trackers' })] });
    const trackers = [
      {
        url: 'http://a.example/announce',
        tier: 0,
        state: 'failed' as const,
        seeders: null,
        leechers: null,
        message: 'unregistered torrent',
        nextInSeconds: 60,
      },
      {
        url: 'udp://b.example:6969/announce',
        tier: 1,
        state: 'working' as const,
        seeders: 3,
        leechers: 1,
        message: null,
        nextInSeconds: 1_800,
      },
    ];
    const webSeeds = [
      {
        url: 'https://mirror.example/d/',
        state: 'failed' as const,
        message: 'it answers 500',
        connections: 0,
        downRate: 0,
        downloadedBytes: 5_000_000,
        has: 1,
      },
    ];
    standIn.answers.peers = () => ok({ peers: [], trackers, webSeeds });
    const { out } = await standIn.ask(['peers', 'aaaa']);
    assert.match(out, /1\s+http:\/\/a\.example\/announce\s+failed\s+-\s+-\n {4}unregistered torrent\n/u);
    assert.match(out, /2\s+udp:\/\/b\.example:6969\/announce\s+working\s+3\s+1\n/u);
    assert.deepEqual(JSON.parse((await standIn.ask(['peers', 'aaaa', '--json'])).out), { peers: [], trackers, webSeeds });
    assert.match((await standIn.ask(['ls'])).out, /outside/u);
    assert.match((await standIn.ask(['status', 'aaaa'])).out, /in catalog {2}no\n/u);
  });
});
