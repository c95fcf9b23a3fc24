/** The network that a benchmark measures: a tracker, a proxy and nodes, as processes of the program. */
import { makeLocalNetwork } from '../src/cli/up/folder.ts';
import { LocalNetwork, until } from '../src/cli/up/network.ts';

/**
 * Starts a tracker, a proxy and the nodes, all signed in to one account. The backup would measure nothing here. `main`: the
 * program's main file. A process that ends by itself ends the benchmark.
 */
export const startNetwork = async <N extends string>(
  folder: string,
  main: string,
  nodes: readonly [N, ...N[]],
): Promise<LocalNetwork<N>> => {
  const code = await makeLocalNetwork(folder, nodes, 0);
  const network = new LocalNetwork<N>(folder, main, (child, how) => {
    throw new Error(`${child.plan.name} ${how}: ${child.lastWords().join('\n')}`);
  });
  await Promise.all([network.start('proxy'), network.start('main')]);
  await until('The tracker leading', async () => ((await network.replica('main')).role === 'primary' ? true : null));
  await Promise.all(nodes.map((node) => network.start(node)));
  const account = { name: 'bench', password: 'not a secret' };
  await network.ask(nodes[0], 'register', { ...account, code });
  for (const node of nodes) await network.ask(node, 'login', account);
  return network;
};
