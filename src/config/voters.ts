import type { NetworkConfig } from './types.ts';

/**
 * The names of the voters, which are the same for the life of a network: the replicas, highest priority first, and the
 * witnesses, which are the first so many proxies. Every process has to see the same.
 */
export const votersOf = ({
  replicas,
  proxies,
  witnesses,
}: Pick<NetworkConfig, 'witnesses'> & { readonly [K in 'replicas' | 'proxies']: readonly { readonly name: string }[] }): string[] =>
  [...replicas, ...proxies.slice(0, witnesses)].map(({ name }) => name);
