import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '../src/ports/clock.ts';
import { Cluster } from './cluster.ts';
import { contentOf, signIn } from './scenarios/scenario.ts';
import { betweenTripwires, World } from './world/index.ts';

const [one, two] = ['node1', 'node2'] as const;
const search = { words: '', offset: 0, limit: 10 } as const;

/** Runs a story of a cluster whose older replica is back alone: main went on without it, and died. */
const olderReplicaAlone = (story: (cluster: Cluster, id: string) => void): void => {
  const world = new World({ seed: 5 });
  betweenTripwires(world, () => {
    const cluster = new Cluster(world, { nodes: 2, uplinkBytesPerSecond: 400_000 });
    cluster.write(one, '/node1/files/lecture.bin', contentOf('lecture', 2_000_000));
    cluster.startAll();
    for (const node of cluster.nodeNames) signIn(cluster, node);
    const id = cluster.share(one, '/node1/files/lecture.bin');
    cluster.until('the pair is whole', () => cluster.replica('tracker')?.mode === 'SYNC');
    cluster.kill('backup');
    cluster.ask(two, 'register', { name: 'only on main', password: 'password', code: null });
    cluster.kill('tracker');
    cluster.start('backup');
    cluster.until('the backup knows that it may not lead', () => cluster.replica('backup')?.waitsFor === 'main');
    story(cluster, id);
  });
};

/** How often the backup has logged it. */
const linesOf = ({ world }: Cluster, message: RegExp): number =>
  world.log.lines().filter((line) => line.process === 'backup' && message.test(line.message)).length;

/** Virtual seconds that a call takes. */
const secondsOf = (cluster: Cluster, call: () => void): number => {
  const begun = cluster.world.now();
  call();
  return (cluster.world.now() - begun) / 1_000_000;
};

test('the older replica alone serves search, nodes, accounts and a whole download, and changes nothing', () => {
  olderReplicaAlone((cluster, id) => {
    assert.equal(cluster.replica('backup')?.role === 'primary', false);
    const took = secondsOf(cluster, () => {
      const found = cluster.ask(two, 'search', search);
      assert.deepEqual([found.total, found.hits[0]?.id, found.stale], [1, id, true]);
      assert.equal(cluster.ask(two, 'whoami', {}).account, 'user of node2');
    });
    assert.ok(took < 2, `${took} s`);
    cluster.poll('the backup has heard of both nodes', () => cluster.ask(two, 'nodes', {}).nodes.length === 2);
    cluster.ask(two, 'get', { what: id, to: null, files: [], sequential: false });
    cluster.untilComplete(two, id);
    const refused = cluster.call(two, 'register', { name: 'late', password: 'password', code: null });
    assert.equal(refused.ok, false);
    const words = 'backup waits for main, which may hold newer changes; start main';
    assert.equal(refused.ok || refused.error.message, `Nothing was changed: ${words}.`);
    assert.ok(cluster.ask(two, 'status', {}).session.endsWith(words));
    // It stands again and again, and says only once why that is in vain.
    cluster.world.runFor(seconds(60));
    assert.equal(linesOf(cluster, /^not eligible/u), 1);
  });
});

test('a change is refused within seconds, and nothing that was acknowledged is lost when main is back', () => {
  olderReplicaAlone((cluster) => {
    const took = secondsOf(cluster, () => cluster.call(one, 'register', { name: 'late', password: 'password', code: null }));
    assert.ok(took < 2, `${took} s`);
    cluster.start('tracker');
    cluster.until('main leads again', () => cluster.replica('tracker')?.role === 'primary');
    cluster.until('the pair is whole', () => cluster.replica('tracker')?.mode === 'SYNC');
    assert.equal(cluster.replica('backup')?.waitsFor, null);
    assert.equal(linesOf(cluster, /^following main$/u), 2, 'once before it died and once now');
    const again = cluster.call(one, 'register', { name: 'only on main', password: 'password', code: null });
    assert.equal(again.ok === false && again.error.code, 'name-taken');
    cluster.world.runFor(seconds(5));
    assert.equal(cluster.ask(two, 'status', {}).session, 'online as user of node2');
    assert.equal(cluster.ask(two, 'search', search).stale, undefined);
  });
});

test('who signed in at main alone is not signed out by the older replica', () => {
  const world = new World({ seed: 6 });
  betweenTripwires(world, () => {
    const cluster = new Cluster(world, { nodes: 1 });
    cluster.startAll();
    cluster.until('the pair is whole', () => cluster.replica('tracker')?.mode === 'SYNC');
    cluster.kill('backup');
    signIn(cluster, one);
    cluster.kill('tracker');
    cluster.start('backup');
    cluster.until('the backup knows that it may not lead', () => cluster.replica('backup')?.waitsFor === 'main');
    const refused = cluster.call(one, 'whoami', {});
    assert.equal(refused.ok === false && refused.error.code, 'unavailable');
    cluster.start('tracker');
    cluster.poll('the node is signed in', () => cluster.call(one, 'whoami', {}).ok);
  });
});
