/** Why a transfer does not move, in a sentence that says what to do where something can be done. */

export interface WaitingFacts {
  readonly account: string | null;
  readonly online: boolean;
  /** How the node stands to the network, in words. */
  readonly networkWords: string;
  /** What the tracker said last; null when it has not said anything yet. Its count of those that download has this node in it. */
  readonly swarm: { readonly seeders: number; readonly leechers: number; readonly warming: boolean } | null;
  readonly peersConnected: number;
  readonly peersKnown: number;
}

export const waitingReason = (facts: WaitingFacts): string => {
  const peers = (count: number): string => (count === 1 ? 'The one peer' : `All ${count} peers`);
  if (facts.peersConnected > 0)
    return `${peers(facts.peersConnected)} connected lack what is missing here; it goes on when somebody has it.`;
  if (facts.account === null)
    return 'Nobody is signed in on this node, so the network does not say who has it: sign in with "shoal login".';
  if (!facts.online) return `The network is not reached (${facts.networkWords}); it goes on by itself when it is.`;
  if (facts.swarm === null) return 'The network is being asked who has it.';
  if (facts.swarm.warming) return 'The tracker has just taken over and is learning again who has what; it goes on shortly.';
  if (facts.swarm.seeders === 0) return 'No owner is online; it goes on when one is.';
  if (facts.peersKnown === 0) return 'The tracker knows owners, but none that this node could reach.';
  return `${peers(facts.peersKnown)} known could not be reached yet; they are tried again and again.`;
};
