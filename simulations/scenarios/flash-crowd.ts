import { seconds } from '../../src/ports/clock.ts';
import { contentOf, type Scenario, signIn } from './scenario.ts';

const SIZE = 8 * 1_048_576;
const UPLINK = 2_000_000;
const NODES = 51;
/** What a file a hundred times as large would have: 8 MiB in 128 pieces, not in 512. */
const PIECE_LENGTH = 65_536;

/** One seed, fifty nodes that all want the file at the same moment. */
export const flashCrowd: Scenario = {
  about: 'one seed and 50 nodes that start at once: the swarm carries itself',
  cluster: { nodes: NODES, uplinkBytesPerSecond: UPLINK },
  run(cluster, say) {
    const [seed, ...crowd] = cluster.nodeNames as [string, ...string[]];
    const path = `/${seed}/files/model.bin`;
    cluster.write(seed, path, contentOf('model', SIZE));
    cluster.startAll();
    for (const node of cluster.nodeNames) signIn(cluster, node);
    const id = cluster.share(seed, path, [], PIECE_LENGTH);
    say(`${seed} seeds ${SIZE / 1_048_576} MiB over an uplink of ${UPLINK / 1_000_000} MB/s; ${crowd.length} nodes ask for it`);
    const begun = cluster.world.now();
    for (const node of crowd) cluster.ask(node, 'get', { what: id, to: null, files: [], sequential: false });
    for (const node of crowd) cluster.untilComplete(node, id);
    const took = (cluster.world.now() - begun) / seconds(1);
    const alone = (crowd.length * SIZE) / UPLINK;
    say(`all have it after ${took.toFixed(1)} s; the seed alone would have taken ${alone.toFixed(1)} s`);
    cluster.expect(took >= SIZE / UPLINK, 'nothing is faster than the seed can upload one copy');
    cluster.expect(took < alone / 3, 'the crowd is at least three times as fast as its seed alone');
    const wanted = cluster.digest(seed, path);
    for (const node of crowd) cluster.expect(cluster.digest(node, cluster.fileOf(node, path)) === wanted, `${node} has the same bytes`);
    say('every copy is the same, byte for byte');
    cluster.poll(`the catalog counts ${NODES} owners`, () => cluster.owners(seed, id) === NODES);
    say(`the catalog counts ${NODES} owners`);
  },
};
