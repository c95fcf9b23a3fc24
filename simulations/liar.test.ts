import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '../src/ports/clock.ts';
import { Cluster } from './cluster.ts';
import { contentOf, signIn } from './scenarios/scenario.ts';
import { betweenTripwires, World } from './world/index.ts';

test('peers that lie take part in the swarms, and whoever downloads gets the right bytes all the same', () => {
  let wrong = 0;
  for (let seed = 1; seed <= 2; seed++) {
    const world = new World({ seed });
    betweenTripwires(world, () => {
      const cluster = new Cluster(world, { nodes: 3, liars: 2, uplinkBytesPerSecond: 300_000 });
      const [one, ...others] = cluster.nodeNames as [string, ...string[]];
      const path = `/${one}/files/data.bin`;
      cluster.write(one, path, contentOf('data', 1_500_000));
      cluster.startAll();
      for (const node of cluster.nodeNames) signIn(cluster, node);
      const id = cluster.share(one, path, [], 65_536);
      cluster.poll('both liars own it as well', () => cluster.owners(one, id) === 3);
      for (const node of others) cluster.ask(node, 'get', { what: id, to: null, files: [], sequential: false });
      for (const node of others) cluster.untilComplete(node, id);
      world.runFor(seconds(1));
      for (const node of others) assert.equal(cluster.digest(node, cluster.fileOf(node, path)), cluster.digest(one, path));
      wrong += world.log
        .lines()
        .filter(({ process, message }) => process.startsWith('node') && /banned|wrong|bad piece|hash/u.test(message)).length;
    });
  }
  assert.ok(wrong > 0, 'nobody noticed any lie');
});

test('a peer that claims everything and rejects what it is asked for is not asked as fast as the network can', () => {
  const world = new World({ seed: 2 });
  betweenTripwires(world, () => {
    const cluster = new Cluster(world, { nodes: 1, liars: 2, uplinkBytesPerSecond: 50_000 });
    const path = '/node1/files/data.bin';
    cluster.write('node1', path, contentOf('data', 1_500_000));
    cluster.startAll();
    signIn(cluster, 'node1');
    const before = world.report().events;
    cluster.share('node1', path, [], 65_536);
    world.runFor(seconds(20));
    assert.ok(world.report().events - before < 20_000, `${world.report().events - before} events in 20 s`);
  });
});
