/** Nodes that are signed in nowhere, with a torrent file or link of a member: plain BitTorrent clients at the network's gates. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '../src/ports/clock.ts';
import type { ApiCalls } from '../src/protocol/api.ts';
import { Cluster } from './cluster.ts';
import { contentOf, signIn } from './scenarios/scenario.ts';
import { betweenTripwires, World } from './world/index.ts';

const SIZE = 3_000_000;
const FILE = '/node1/files/set.bin';

interface Town {
  readonly cluster: Cluster;
  readonly id: string;
  get(node: string, args: { readonly what?: string; readonly torrent?: string }): string;
}

const withOutsiders = (seed: number, story: (town: Town) => void): void => {
  const world = new World({ seed });
  betweenTripwires(world, () => {
    // A guest has the gates opened.
    const cluster = new Cluster(world, { nodes: 3, guests: 1, proxies: 2, uplinkBytesPerSecond: 100_000 });
    cluster.write('node1', FILE, contentOf('set', SIZE));
    cluster.startAll();
    signIn(cluster, 'node1', 'An');
    const id = cluster.share('node1', FILE);
    cluster.until('the pair is whole', () => cluster.replica('tracker')?.mode === 'SYNC');
    const get = (node: string, { what = '', torrent }: { readonly what?: string; readonly torrent?: string }): string =>
      cluster.ask(node, 'get', { what, to: null, files: [], sequential: false, ...(torrent === undefined ? {} : { torrent }) }).id;
    story({ cluster, id, get });
  });
};

test("a torrent file with a member's announce URL is downloaded by anybody, through a failover in the middle", () => {
  withOutsiders(51, ({ cluster, id, get }) => {
    const { torrent, personal } = cluster.ask('node1', 'torrent', { what: id });
    assert.ok(personal);
    assert.equal(get('node2', { torrent }), id);
    cluster.poll('some of it is there', () => cluster.transfer('node2', id).doneBytes > SIZE / 4);
    cluster.kill('tracker');
    cluster.untilComplete('node2', id);
    assert.ok(cluster.replica('backup')?.role === 'primary');
    assert.equal(cluster.digest('node2', cluster.fileOf('node2', FILE)), cluster.digest('node1', FILE));
    const trackers = (): ApiCalls['peers']['result']['trackers'] => cluster.ask('node2', 'peers', { id }).trackers;
    cluster.poll('its tracker answers', () => trackers().some(({ state }) => state === 'working'));
    assert.deepEqual(
      trackers().map(({ tier, message }) => [tier, message]),
      [
        [0, null],
        [1, null],
      ],
      'a tier for each gate, and no word of the failover',
    );
    cluster.poll('An is given what was downloaded in her name', () => {
      const { downloadedBytes, completed } = cluster.ask('node1', 'statistics', { account: null, offset: 0, limit: 10 });
      return downloadedBytes >= SIZE && completed === 1;
    });
    assert.equal(cluster.transfer('node2', id).swarm, 'trackers');
    // A member from now on: what the catalog has is the network's.
    cluster.start('tracker');
    signIn(cluster, 'node2', 'Binh');
    cluster.poll('it is an owner', () => cluster.transfer('node2', id).owned);
    assert.equal(cluster.transfer('node2', id).swarm, 'catalog');
    assert.equal(cluster.owners('node1', id), 2);
  });
});

test("a link with a member's announce URL is enough, also for a node that starts again in between", () => {
  withOutsiders(52, ({ cluster, id, get }) => {
    const { magnet } = cluster.ask('node1', 'magnet', { what: id, bare: false });
    cluster.kill('node1');
    assert.equal(get('node3', { what: magnet }), id);
    cluster.world.runFor(seconds(20));
    assert.equal(cluster.transfer('node3', id).state, 'metadata');
    cluster.kill('node3');
    cluster.start('node1');
    cluster.start('node3');
    cluster.untilComplete('node3', id);
    assert.equal(cluster.digest('node3', cluster.fileOf('node3', FILE)), cluster.digest('node1', FILE));
  });
});

test('a torrent file of a revoked passkey is refused, and says so; one that is made then is good', () => {
  withOutsiders(53, ({ cluster, id, get }) => {
    const { torrent } = cluster.ask('node1', 'torrent', { what: id });
    cluster.ask('node1', 'passkey.revoke', { passkey: 'node1' });
    get('node2', { torrent });
    const reason = (): string => cluster.transfer('node2', id).reason ?? '';
    cluster.poll('the trackers refuse it', () => /helps: .*passkey/iu.test(reason()));
    const again = cluster.ask('node1', 'torrent', { what: id });
    assert.notEqual(again.torrent, torrent);
    get('node3', { torrent: again.torrent });
    cluster.untilComplete('node3', id);
  });
});
