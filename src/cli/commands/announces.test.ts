/** `--announce` and `--device`: torrents and links for clients on other devices. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { makeTestTorrent, testBytes } from '../../protocol/bittorrent/torrent.test-kit.ts';
import { fail, ok } from '../../protocol/result.ts';
import { EXIT } from '../exit.ts';
import { idOf, type StandIn, startStandIn } from './stand-in.test-kit.ts';

const PASSKEY = '0123456789abcdef0123456789abcdef';
const URLS = { proxy: 'one', http: `http://a.example:6969/${PASSKEY}/announce`, udp: `udp://a.example:6969/${PASSKEY}/announce` };
const { bytes } = makeTestTorrent([{ path: ['a'], bytes: testBytes(10) }]);
const STATUS = {
  node: idOf('d'),
  name: 'node',
  network: 'test',
  version: '0',
  account: 'anna',
  session: 'connected',
  proxy: 'one',
  epoch: 1,
  primary: 'p',
  peerPort: 1,
  folder: '/downloads',
  transfers: 0,
  downRate: 0,
  upRate: 0,
  gates: ['a.example:6969'],
};

describe('torrents and links for other devices', () => {
  let standIn: StandIn;
  const calls = (): readonly string[] => standIn.asked.map(({ call }) => call);
  before(async () => {
    standIn = await startStandIn();
  });
  after(() => standIn.close());
  beforeEach(() => {
    standIn.answers = {
      torrent: ({ announce }) =>
        ok({ id: idOf('a'), name: 'a', torrent: Buffer.from(bytes).toString('base64'), personal: announce?.length !== 0 }),
      magnet: ({ announce = [] }) => ok({ id: idOf('a'), name: 'a', magnet: `magnet:?x&tr=${announce.join(',')}`, personal: true }),
      status: () => ok(STATUS),
      'passkey.new': ({ device }) =>
        ok({ passkey: PASSKEY, id: '4f1c09aa7d3e', device, replacedUntilMs: null, durability: 'replicated', announce: [URLS] }),
    };
    standIn.asked = [];
  });

  it('--announce puts in URLs of a passkey that was made before, and takes nothing else for one', async () => {
    const two = [URLS.http, 'udp://b.example:1/k/announce'];
    const words = two.flatMap((url) => ['--announce', url]);
    const { err, status } = await standIn.ask(['torrent', 'aaaaaaaa', ...words]);
    assert.equal(status, EXIT.ok);
    assert.match(err, /the announce URL that was given/u);
    assert.deepEqual(standIn.asked, [{ call: 'torrent', args: { what: 'aaaaaaaa', announce: two } }]);
    assert.equal((await standIn.ask(['magnet', 'aaaaaaaa', ...words])).out, `magnet:?x&tr=${two.join(',')}\n`);
    standIn.asked = [];
    for (const wrong of [
      ['--announce', 'http://a.example/scrape'],
      ['--announce', PASSKEY],
      ['--announce', URLS.http, '--device', 'laptop'],
    ])
      assert.equal((await standIn.ask(['torrent', 'aaaaaaaa', ...wrong])).status, EXIT.usage, wrong.join(' '));
    for (const option of [
      ['--announce', URLS.http],
      ['--device', 'laptop'],
    ])
      assert.equal((await standIn.ask(['magnet', 'aaaaaaaa', '--bare', ...option])).status, EXIT.usage);
    assert.deepEqual(calls(), [], 'the node is not asked');
  });

  it('--device makes a passkey, says so, and puts its URL in', async () => {
    const made = await standIn.ask(['torrent', 'aaaaaaaa', '--device', 'laptop']);
    assert.deepEqual([made.status, Buffer.compare(made.bytes, bytes)], [EXIT.ok, 0]);
    assert.match(made.err, /A passkey for laptop \(4f1c09aa7d3e\) is made \(kept on both trackers\)\.\n/u);
    assert.match(made.err, /announce URL of laptop/u);
    assert.deepEqual(standIn.asked.at(-1), { call: 'torrent', args: { what: 'aaaaaaaa', announce: [URLS.http] } });
    standIn.answers['passkey.new'] = () =>
      ok({
        passkey: PASSKEY,
        id: '4f1c09aa7d3e',
        device: 'laptop',
        replacedUntilMs: Date.UTC(2030, 0, 15),
        durability: 'replicated',
        announce: [URLS],
      });
    const magnet = await standIn.ask(['magnet', 'aaaaaaaa', '--device', 'laptop']);
    assert.equal(magnet.out, `magnet:?x&tr=${URLS.http}\n`);
    assert.match(magnet.err, /that it had goes on until 2030-01-1[45].*passkey revoke laptop/u);
  });

  it('no passkey is made, and none replaced, for what cannot be written', async () => {
    const taken = join(standIn.folder, 'taken.torrent');
    writeFileSync(taken, '');
    assert.equal((await standIn.ask(['torrent', 'aaaaaaaa', '--device', 'laptop', '--out', taken])).status, EXIT.cannotCreate);
    standIn.answers.status = () => ok({ ...STATUS, gates: [] });
    const gateless = await standIn.ask(['torrent', 'aaaaaaaa', '--device', 'laptop']);
    assert.deepEqual([gateless.status, gateless.err.includes('No passkey was made')], [EXIT.unavailable, true]);
    standIn.answers.torrent = () => fail('not-found', 'There is no such content.');
    assert.equal((await standIn.ask(['torrent', 'nothing', '--device', 'laptop'])).status, EXIT.failed);
    assert.ok(!calls().includes('passkey.new'), calls().join(' '));
  });
});
