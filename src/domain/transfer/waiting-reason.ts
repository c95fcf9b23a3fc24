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

const connected = (peersConnected: number): string | null => {
  if (peersConnected === 0) return null;
  if (peersConnected === 1) return 'The one peer connected lacks what is missing here; it goes on when somebody has it.';
  return `All ${peersConnected} peers connected lack what is missing here; it goes on when somebody has it.`;
};

const unreached = ({ peersFailed, peersKnown }: Pick<WaitingFacts, 'peersFailed' | 'peersKnown'>): string => {
  const untried = peersKnown - peersFailed;
  if (untried > 0) return `Connecting to ${untried === 1 ? 'one peer' : `${untried} peers`}.`;
  return peersKnown === 1
    ? 'The one peer known could not be reached yet; it is tried again and again.'
    : `None of the ${peersKnown} peers known could be reached yet; they are tried again and again.`;
};

export const waitingReason = (facts: WaitingFacts): string => {
  const peers = connected(facts.peersConnected);
  if (peers !== null) return peers;
  if (facts.account === null)
    return 'Nobody is signed in on this node, so the network does not say who has it: sign in with "shoal login".';
  if (!facts.online) return `The network is not reached (${facts.networkWords}); it goes on by itself when it is.`;
  if (facts.swarm === null) return 'The network is being asked who has it.';
  if (facts.swarm.warming) return 'The tracker has just taken over and is learning again who has what; it goes on shortly.';
  if (facts.swarm.seeders === 0) return 'No owner is online; it goes on when one is.';
  if (facts.peersKnown === 0) return 'The tracker knows owners, but none that this node could reach.';
  return unreached(facts);
};

/** What is known of a download whose peers are told of by the trackers of its torrent. */
export interface OutsideFacts extends Pick<WaitingFacts, 'peersConnected' | 'peersKnown' | 'peersFailed'> {
  readonly trackers: readonly {
    readonly state: 'idle' | 'asking' | 'working' | 'failed';
    /** Why it failed, as it or the way to it says. */
    readonly message: string | null;
  }[];
}

/** Why a download from outside of the network does not move. */
export const outsideReason = (facts: OutsideFacts): string => {
  const { peersKnown, trackers } = facts;
  const peers = connected(facts.peersConnected);
  if (peers !== null) return peers;
  if (peersKnown > 0) return unreached(facts);
  if (trackers.length === 0) return 'It names no tracker, so nobody says who has it; it goes on when a peer that has it connects.';
  if (trackers.some(({ state }) => state === 'working')) return 'Its trackers know nobody who has it; they are asked again and again.';
  return trackerTrouble(trackers) ?? 'Its trackers are being asked who has it.';
};

/** Why nobody hears of it by its trackers: all have failed. Null where some have not, or there are none. */
export const trackerTrouble = (trackers: OutsideFacts['trackers']): string | null => {
  if (trackers.length === 0 || trackers.some(({ state }) => state !== 'failed')) return null;
  const why = trackers.find(({ message }) => message !== null)?.message ?? null;
  const said = why === null ? '' : `: ${why.replace(/[.\s]+$/u, '')}`;
  return trackers.length === 1
    ? `Its tracker does not help${said}. It is asked again and again.`
    : `None of its ${trackers.length} trackers helps${said}. They are asked again and again.`;
};

/** How far the fetch of a torrent from peers is. */
export interface MetadataProgress {
  /** What is being fetched. */
  readonly phase: 'info' | 'layers';
  /** Connected peers, and addresses known. */
  readonly peers: number;
  readonly peersKnown: number;
  /** Of the info dictionary; 0 of 0 before any peer has said how long it is. */
  readonly infoBytes: number;
  readonly infoBytesTotal: number;
  /** Runs of piece hashes; 0 of 0 before the info dictionary is here. */
  readonly hashRuns: number;
  readonly hashRunsTotal: number;
}

export interface MetadataFacts extends MetadataProgress {
  readonly trackers: OutsideFacts['trackers'];
}

const kilobytes = (bytes: number): string => `${Math.ceil(bytes / 1_000)} KB`;

/** What a magnet link waits for. */
export const metadataReason = (facts: MetadataFacts): string => {
  const { infoBytes, infoBytesTotal, peers } = facts;
  if (facts.phase === 'layers') return `Fetching the hashes of its pieces: ${facts.hashRuns} of ${facts.hashRunsTotal} parts.`;
  if (peers === 0) return outsideReason({ trackers: facts.trackers, peersConnected: 0, peersKnown: facts.peersKnown, peersFailed: 0 });
  if (infoBytesTotal > 0) return `Fetching its torrent from peers: ${kilobytes(infoBytes)} of ${kilobytes(infoBytesTotal)}.`;
  return peers === 1 ? 'Asking one peer for its torrent.' : `Asking ${peers} peers for its torrent.`;
};

/** What web seeds do not do for a download that stands still; null where it has none. */
export const webSeedReason = (
  seeds: readonly { readonly state: 'idle' | 'working' | 'failed' | 'lacking' | 'banned'; readonly reason: string | null }[],
): string | null => {
  const why = seeds.find(({ reason }) => reason !== null)?.reason ?? null;
  if (seeds.length === 0 || why === null) return null;
  const again = seeds.some(({ state }) => state === 'failed');
  const who = seeds.length === 1 ? 'Its web seed does not help' : `None of its ${seeds.length} web seeds helps`;
  return `${who}: ${why}.${again ? ` ${seeds.length === 1 ? 'It is' : 'They are'} tried again and again.` : ''}`;
};
