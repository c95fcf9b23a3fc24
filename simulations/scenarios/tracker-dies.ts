import { seconds } from '../../src/ports/clock.ts';
import { contentOf, type Scenario, signIn } from './scenario.ts';

/** The pair dies one at a time and comes back, over and over, while accounts register: nothing acknowledged is lost. */
export const trackerDies: Scenario = {
  about: 'main and backup die in turns under a load of registrations and shares; nothing acknowledged is lost',
  cluster: { nodes: 2, uplinkBytesPerSecond: 4_000_000 },
  run(cluster, say) {
    const [one, two] = ['node1', 'node2'] as const;
    for (let round = 0; round < 6; round++) cluster.write(one, `/node1/files/part ${round}.bin`, contentOf(`part ${round}`, 300_000));
    cluster.startAll();
    for (const node of cluster.nodeNames) signIn(cluster, node);
    cluster.until('the pair is whole', () => cluster.replica(cluster.primary())?.mode === 'SYNC');
    const acknowledged: string[] = [];
    const shared: string[] = [];
    for (let round = 0; round < 6; round++) {
      const victim = cluster.primary();
      const name = `member ${round}`;
      cluster.kill(victim);
      signIn(cluster, two, name);
      acknowledged.push(name);
      shared.push(cluster.share(one, `/node1/files/part ${round}.bin`));
      const other = cluster.primary();
      cluster.start(victim);
      cluster.until('the pair is whole again', () => cluster.replica(other)?.mode === 'SYNC');
      say(`${victim} died and came back; ${other} was primary, ${name} registered meanwhile`);
    }
    cluster.world.runFor(seconds(5));
    for (const name of acknowledged) {
      const again = cluster.call(one, 'register', { name, password: 'another password', code: null });
      cluster.expect(!again.ok && again.error.code === 'name-taken', `${name} is still there`);
    }
    const { total } = cluster.ask(two, 'search', { words: '', offset: 0, limit: 50 });
    cluster.expect(total === shared.length, `all ${shared.length} shares are in the catalog`);
    say('every acknowledged change is there');
  },
};
