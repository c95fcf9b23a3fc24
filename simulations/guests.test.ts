import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Micros, seconds } from '../src/ports/clock.ts';
import { below } from '../src/ports/random.ts';
import { Cluster } from './cluster.ts';
import type { GuestWord } from './guest.ts';
import { contentOf, signIn } from './scenarios/scenario.ts';
import { betweenTripwires, World } from './world/index.ts';

const SIZE = 40_000;
const FILE = '/node1/files/set.bin';

interface Town {
  readonly cluster: Cluster;
  readonly id: string;
  /** The content's info-hashes as clients announce them, v1 and v2. */
  readonly hashes: readonly [string, string];
  readonly target: string;
}

/** A network in which node1 shares a file, and guests of its account announce by HTTP and UDP, each by either info-hash. */
const withGuests = (seed: number, guests: number, proxies: number, story: (town: Town) => void): void => {
  const world = new World({ seed });
  betweenTripwires(world, () => {
    const cluster = new Cluster(world, { nodes: 1, guests, proxies });
    cluster.write('node1', FILE, contentOf('set', SIZE));
    cluster.startAll();
    signIn(cluster, 'node1', 'An');
    const id = cluster.share('node1', FILE);
    const { passkey } = cluster.ask('node1', 'passkey.new', { device: 'guests' });
    const [row] = cluster.query(cluster.primary(), 'SELECT v1, v2 FROM contents');
    const hashes = [String(row?.['v1']), String(row?.['v2']).slice(0, 40)] as const;
    cluster.until('the pair is whole', () => cluster.replica('tracker')?.mode === 'SYNC');
    story({ cluster, id, hashes, target: `/${passkey}/announce` });
  });
};

const followAll = ({ cluster, hashes, target }: Town): void => {
  for (const [index, name] of cluster.guestNames.entries())
    cluster.guest(name, (guest) =>
      guest.follow({ target, infoHash: hashes[index % 2] as string, way: index % 4 < 2 ? 'http' : 'udp', leftBytes: SIZE }),
    );
};

const wordsOf = (cluster: Cluster, name: string): readonly GuestWord[] => cluster.guest(name, (guest) => [...guest.words]);
const allWords = (cluster: Cluster): GuestWord[] => cluster.guestNames.flatMap((name) => wordsOf(cluster, name));
const refusals = (cluster: Cluster): string[] => allWords(cluster).flatMap(({ kind, reason }) => (kind === 'refusal' ? [reason] : []));
const everybodyAnswered = (cluster: Cluster): boolean =>
  cluster.guestNames.every((name) => wordsOf(cluster, name).some(({ kind }) => kind === 'peers'));
const guestsAt = (cluster: Cluster, replica: 'tracker' | 'backup'): number =>
  (cluster.status(replica) as { swarm: { guests: number } } | null)?.swarm.guests ?? 0;
const seedersFor = (cluster: Cluster, id: string): number =>
  cluster.ask('node1', 'search', { words: '', offset: 0, limit: 10 }).hits.find((hit) => hit.id === id)?.seeders ?? 0;
const totals = (cluster: Cluster): { uploadedBytes: number; downloadedBytes: number; completed: number } => {
  const { uploadedBytes, downloadedBytes, completed } = cluster.ask('node1', 'statistics', { account: null, offset: 0, limit: 10 });
  return { uploadedBytes, downloadedBytes, completed };
};

test('guests-through-a-failover: all are known again within 30 s, none is refused, nothing counts twice', () => {
  withGuests(41, 8, 2, (town) => {
    const { cluster, id } = town;
    followAll(town);
    cluster.until('every guest is answered', () => everybodyAnswered(cluster));
    for (const name of cluster.guestNames) assert.ok((wordsOf(cluster, name)[0]?.peers.length ?? 0) > 0, `${name} is told of peers`);
    const [first = ''] = cluster.guestNames;
    for (const name of cluster.guestNames) cluster.guest(name, (guest) => guest.moved({ up: 1_000, down: 500 }));
    cluster.guest(first, (guest) => guest.complete());
    cluster.until('the first one has all of it', () =>
      wordsOf(cluster, first).some(({ event, kind }) => event === 'completed' && kind === 'peers'),
    );
    assert.equal(seedersFor(cluster, id), 2);

    cluster.kill('tracker');
    // It asks in the middle of the failover, and is held until somebody answers.
    const asked = wordsOf(cluster, 'guest2').length;
    cluster.guest('guest2', (guest) => guest.complete());
    cluster.until('the backup leads', () => cluster.replica('backup')?.role === 'primary');
    const promotedAt: Micros = cluster.world.now();
    cluster.until('all guests are known', () => guestsAt(cluster, 'backup') === 8);
    cluster.poll('search counts all seeds', () => seedersFor(cluster, id) === 3);
    assert.ok(cluster.world.now() - promotedAt < seconds(30));
    cluster.until('the one that asked is answered', () => wordsOf(cluster, 'guest2').length > asked);
    assert.equal(wordsOf(cluster, 'guest2')[asked]?.kind, 'peers');
    // Everybody announces again, and again.
    cluster.world.runFor(seconds(800));
    assert.deepEqual(refusals(cluster), []);
    assert.deepEqual(totals(cluster), { uploadedBytes: 8_000, downloadedBytes: 2 * SIZE + 6 * 500, completed: 1 });
    assert.equal(guestsAt(cluster, 'backup'), 8);
  });
});

test('a backup that was never told knows every guest from the proxies, which repeat what they heard', () => {
  withGuests(42, 6, 1, (town) => {
    const { cluster } = town;
    cluster.kill('backup');
    followAll(town);
    cluster.until('every guest is answered', () => everybodyAnswered(cluster));
    const said = allWords(cluster).length;
    cluster.start('backup');
    cluster.until('the pair is whole', () => cluster.replica('tracker')?.mode === 'SYNC');
    cluster.kill('tracker');
    cluster.until('the backup leads', () => cluster.replica('backup')?.role === 'primary');
    const promotedAt = cluster.world.now();
    cluster.until('all guests are known', () => guestsAt(cluster, 'backup') === 6);
    assert.ok(cluster.world.now() - promotedAt < seconds(30));
    assert.equal(allWords(cluster).length, said, 'before any of them has said anything');
  });
});

test('while nobody leads a guest gets what its gate remembers, and soon asks again; it is never refused', () => {
  withGuests(43, 4, 1, (town) => {
    const { cluster } = town;
    followAll(town);
    cluster.until('every guest is answered', () => everybodyAnswered(cluster));
    cluster.kill('tracker');
    cluster.kill('backup');
    const before = allWords(cluster).length;
    for (const name of cluster.guestNames) cluster.guest(name, (guest) => guest.complete());
    cluster.until('they are answered', () => allWords(cluster).length === before + 4);
    for (const name of cluster.guestNames) {
      const last = wordsOf(cluster, name).at(-1);
      assert.equal(last?.kind, 'peers');
      assert.ok(last.peers.length > 0 && last.intervalSeconds <= 40, `${last.peers.length} peers, again in ${last.intervalSeconds} s`);
    }
    cluster.start('tracker');
    cluster.start('backup');
    cluster.until('somebody leads and knows them', () => guestsAt(cluster, cluster.primary()) === 4);
    assert.deepEqual(refusals(cluster), []);
  });
});

test('a content is announced the moment after it was shared, also when its tracker dies in between: never unregistered', () => {
  for (const seed of [44, 45, 46]) {
    withGuests(seed, 2, 1, (town) => {
      const { cluster } = town;
      cluster.write('node1', '/node1/files/new.bin', contentOf(`new ${seed}`, SIZE));
      const id = cluster.share('node1', '/node1/files/new.bin');
      cluster.kill('tracker');
      for (const [index, name] of cluster.guestNames.entries())
        cluster.guest(name, (guest) =>
          guest.follow({ target: town.target, infoHash: id.slice(0, 40), way: index === 0 ? 'http' : 'udp', leftBytes: SIZE }),
        );
      cluster.until('every guest is answered', () => everybodyAnswered(cluster));
      assert.deepEqual(refusals(cluster), []);
      cluster.world.runFor(seconds(90));
      for (const name of cluster.guestNames) assert.ok((wordsOf(cluster, name).at(-1)?.peers.length ?? 0) > 0);
    });
  }
});

test('a revoked passkey is over at once, its guests with it; a torrent of nobody and a stranger are told so', () => {
  withGuests(47, 4, 1, (town) => {
    const { cluster, id } = town;
    followAll(town);
    cluster.until('every guest is answered', () => everybodyAnswered(cluster));
    cluster.ask('node1', 'passkey.revoke', { passkey: 'guests' });
    cluster.world.runFor(seconds(2));
    assert.equal(guestsAt(cluster, cluster.primary()), 0);
    assert.equal(seedersFor(cluster, id), 1);
    const { passkey } = cluster.ask('node1', 'passkey.new', { device: 'other' });
    const [infoHash] = town.hashes;
    const torrents = [
      { target: town.target, infoHash, way: 'http' as const },
      { target: `/${passkey}/announce`, infoHash: 'ab'.repeat(20), way: 'udp' as const },
      { target: '/announce', infoHash, way: 'udp' as const },
      { target: '/announce', infoHash, way: 'http' as const },
    ];
    const said = torrents.map((torrent, index) => {
      const name = cluster.guestNames[index] as string;
      const before = wordsOf(cluster, name).length;
      cluster.guest(name, (guest) => guest.follow({ ...torrent, leftBytes: SIZE }));
      cluster.until(`${name} is answered`, () => wordsOf(cluster, name).length > before);
      return wordsOf(cluster, name)[before]?.reason ?? '';
    });
    assert.match(said[0] ?? '', /passkey .*not known/u);
    assert.match(said[1] ?? '', /not in the catalog/u);
    assert.match(said[2] ?? '', /BEP 41/u);
    assert.match(said[3] ?? '', /for members/u);
  });
});

test('guests through random faults: no announce is ever refused, and what was moved counts once', () => {
  for (const seed of [101, 102, 103]) {
    withGuests(seed, 6, 2, (town) => {
      const { cluster } = town;
      const random = cluster.world.random.fork('faults of the guests');
      followAll(town);
      cluster.until('every guest is answered', () => everybodyAnswered(cluster));
      const moved = { up: 0, down: 0 };
      for (let round = 0; round < 12; round++) {
        const victims = ['tracker', 'backup', 'proxy1', 'proxy2'] as const;
        const victim = victims[below(random, 'victim', victims.length)] ?? 'tracker';
        cluster.kill(victim);
        cluster.world.runFor(seconds(1 + below(random, 'down', 20)));
        for (const name of cluster.guestNames) {
          const bytes = { up: below(random, 'up', 1_000), down: below(random, 'down', 50) };
          moved.up += bytes.up;
          moved.down += bytes.down;
          cluster.guest(name, (guest) => guest.moved(bytes));
        }
        cluster.start(victim);
        cluster.world.runFor(seconds(30 + below(random, 'up again', 60)));
      }
      cluster.primary();
      cluster.world.runFor(seconds(700));
      assert.deepEqual(refusals(cluster), []);
      const { uploadedBytes, downloadedBytes } = totals(cluster);
      assert.deepEqual({ up: uploadedBytes, down: downloadedBytes }, moved);
      assert.equal(guestsAt(cluster, cluster.primary()), 6);
    });
  }
});
