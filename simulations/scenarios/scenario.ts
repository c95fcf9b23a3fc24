import { createRandom } from '../../src/ports/counter-random.ts';
import type { Cluster, ClusterOptions } from '../cluster.ts';

/** A story of a cluster. It says what happens, and throws `Broken` where it should not have happened. */
export interface Scenario {
  readonly about: string;
  readonly cluster: ClusterOptions;
  run(cluster: Cluster, say: (line: string) => void): void;
}

/** Bytes that no compression and no hole would reproduce, the same for the same label. */
export const contentOf = (label: string, size: number): Uint8Array => {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = createRandom(label).u32('content') | 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state;
  }
  return new Uint8Array(words.buffer, 0, size);
};

/** A new account, signed in at the node. */
export const signIn = (cluster: Cluster, node: string, account = `user of ${node}`): void => {
  const password = `password of ${account}`;
  cluster.ask(node, 'register', { name: account, password, code: null });
  cluster.ask(node, 'login', { name: account, password });
};
