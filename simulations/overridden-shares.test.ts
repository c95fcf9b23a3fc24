import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seconds } from '../src/ports/clock.ts';
import type { Result } from '../src/protocol/result.ts';
import { Cluster } from './cluster.ts';
import { Clients } from './run/clients.ts';
import { contentOf, signIn } from './scenarios/scenario.ts';
import { betweenTripwires, World } from './world/index.ts';

const [one, two, late] = ['node1', 'node2', 'node3'] as const;
const FILE = '/node1/files/hello.txt';

/** Runs a story in which main went on alone (`alone`), died, and the promotion of the backup was forced. */
const overridden = (alone: (cluster: Cluster) => void, story: (cluster: Cluster) => void): void => {
  const world = new World({ seed: 7 });
  betweenTripwires(world, () => {
    const cluster = new Cluster(world, { nodes: 3 });
    cluster.write(one, FILE, contentOf('hello', 20_000));
    cluster.startAll();
    for (const node of [one, two]) signIn(cluster, node);
    cluster.until('the pair is whole', () => cluster.replica('tracker')?.mode === 'SYNC');
    cluster.kill('backup');
    alone(cluster);
    cluster.kill('tracker');
    cluster.start('backup');
    cluster.until('the backup knows that it may not lead', () => cluster.replica('backup')?.waitsFor === 'main');
    let answer: Result<object> | null = null;
    new Clients(world, cluster.network, cluster.secrets, 7).forcePromote(1, 'backup', (result) => (answer = result));
    cluster.until('the order is answered', () => answer !== null);
    assert.ok((answer as Result<object> | null)?.ok, JSON.stringify(answer));
    story(cluster);
  });
};

test('a share that a forced promotion overrode is found again, though nobody shares it again; also one of a node that was off', () => {
  for (const off of [false, true]) {
    let id = '';
    overridden(
      (cluster) => {
        id = cluster.share(one, FILE);
        cluster.world.runFor(seconds(30));
        if (off) cluster.kill(one);
      },
      (cluster) => {
        if (off) {
          cluster.poll('node2 is served', () => cluster.call(two, 'whoami', {}).ok);
          assert.equal(cluster.owners(two, id), 0);
          cluster.start(one);
        }
        const begun = cluster.world.now();
        cluster.poll('the catalog has the share', () => cluster.owners(two, id) === 1);
        assert.ok(cluster.world.now() - begun < seconds(30));
        cluster.ask(two, 'get', { what: id, to: null, files: [], sequential: false });
        cluster.untilComplete(two, id);
      },
    );
  }
});

test('an account that was overridden is told that it may be gone; registered again, its shares come back', () => {
  let id = '';
  overridden(
    (cluster) => {
      cluster.write(late, '/node3/files/late.txt', contentOf('late', 20_000));
      signIn(cluster, late);
      id = cluster.share(late, '/node3/files/late.txt');
      cluster.world.runFor(seconds(30));
    },
    (cluster) => {
      const account = { name: `user of ${late}`, password: 'password' };
      cluster.poll('the session is over', () => cluster.ask(late, 'status', {}).account === null);
      const refused = cluster.call(late, 'login', account);
      assert.ok(!refused.ok && /promotion was forced.*registered again/u.test(refused.error.message), JSON.stringify(refused));
      cluster.ask(late, 'register', { ...account, code: null });
      cluster.ask(late, 'login', account);
      cluster.poll('the catalog has the share', () => cluster.owners(two, id) === 1);
    },
  );
});
