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
  /** Those of the known that could not be reached at the last try. */
  readonly peersFailed: number;
}

export const waitingReason = (facts: WaitingFacts): string => {
  const { peersConnected, peersFailed, peersKnown } = facts;
  if (peersConnected === 1) return 'The one peer connected lacks what is missing here; it goes on when somebody has it.';
  if (peersConnected > 1) return `All ${peersConnected} peers connected lack what is missing here; it goes on when somebody has it.`;
  if (facts.account === null)
    return 'Nobody is signed in on this node, so the network does not say who has it: sign in with "shoal login".';
  if (!facts.online) return `The network is not reached (${facts.networkWords}); it goes on by itself when it is.`;
  if (facts.swarm === null) return 'The network is being asked who has it.';
  if (facts.swarm.warming) return 'The tracker has just taken over and is learning again who has what; it goes on shortly.';
  if (facts.swarm.seeders === 0) return 'No owner is online; it goes on when one is.';
  if (peersKnown === 0) return 'The tracker knows owners, but none that this node could reach.';
  const untried = peersKnown - peersFailed;
  if (untried > 0) return `Connecting to ${untried === 1 ? 'one peer' : `${untried} peers`}.`;
  return peersKnown === 1
    ? 'The one peer known could not be reached yet; it is tried again and again.'
    : `None of the ${peersKnown} peers known could be reached yet; they are tried again and again.`;
};
