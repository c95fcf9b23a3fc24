/**
 * A primary's view of its epoch: who has which entries, who must have an entry before a client hears of it, and which
 * configuration is chosen or proposed. Values; every function returns the next one.
 */
import { generationOf, withGeneration } from './generation.ts';
import { type Configuration, type Epoch, majorityOf, type VoterName } from './types.ts';

export interface Primacy {
  readonly self: VoterName;
  readonly epoch: Epoch;
  /** The last configuration that a majority has accepted. */
  readonly chosen: Configuration;
  /** At most one configuration is proposed at a time; it is repeated until it is chosen or the epoch ends. */
  readonly proposal: Configuration | null;
  readonly acceptedBy: readonly VoterName[];
  /** Who must have synced an entry before it counts as committed (R5). */
  readonly ackset: readonly VoterName[];
  /** The learner being taken in, and the end of the log when it joined the ack set (R7). */
  readonly joining: { readonly peer: VoterName; readonly seq: number } | null;
  /** Up to where each replica's log is synced and known to be this log, by what it said in this epoch. */
  readonly matches: ReadonlyMap<VoterName, number>;
  readonly commitSeq: number;
}

/** R3: a primary whose activation a majority has accepted. What it applied was committed; the tail behind that is not yet. */
export const beginPrimacy = (
  activation: Configuration,
  self: VoterName,
  log: { readonly lastSeq: number; readonly appliedSeq: number },
): Primacy => ({
  self,
  epoch: activation.e,
  chosen: activation,
  proposal: null,
  acceptedBy: [],
  ackset: activation.isr,
  joining: null,
  matches: new Map([[self, log.lastSeq]]),
  commitSeq: log.appliedSeq,
});

/** A replica has synced everything up to `seq`, and it is this primary's log. */
export const recordMatch = (primacy: Primacy, replica: VoterName, seq: number): Primacy => {
  if (seq <= (primacy.matches.get(replica) ?? 0)) return primacy;
  return { ...primacy, matches: new Map(primacy.matches).set(replica, seq) };
};

/**
 * R5: the last entry that every member of the ack set has synced, where that entry is of this epoch. An entry of an
 * older epoch commits only with one of this epoch behind it (Raft, 5.4.2).
 */
export const commitPoint = (primacy: Primacy, epochAt: (seq: number) => Epoch | null): number => {
  const everywhere = Math.min(...primacy.ackset.map((replica) => primacy.matches.get(replica) ?? 0));
  return everywhere > primacy.commitSeq && epochAt(everywhere) === primacy.epoch ? everywhere : primacy.commitSeq;
};

export const withCommit = (primacy: Primacy, commitSeq: number): Primacy =>
  commitSeq > primacy.commitSeq ? { ...primacy, commitSeq } : primacy;

/** How many replicas hold the entry synced: what an acknowledgement may call replicated. */
export const copiesOf = (primacy: Primacy, seq: number): number => {
  let copies = 0;
  for (const match of primacy.matches.values()) if (match >= seq) copies++;
  return copies;
};

const proposing = (primacy: Primacy, isr: readonly VoterName[]): Primacy => {
  const generation = withGeneration(generationOf(primacy.chosen));
  const proposal: Configuration = { e: primacy.epoch, v: primacy.chosen.v + 1, primary: primacy.self, isr, ...generation };
  // R5: every member of a proposal is in the ack set from the moment of proposing.
  return { ...primacy, proposal, acceptedBy: [], ackset: [...new Set([...primacy.ackset, ...isr])] };
};

/** R6: go on alone, once a majority has accepted that. Until then the ack set stays as it is. Null where there is nothing to do. */
export const proposeDegrade = (primacy: Primacy): Primacy | null =>
  primacy.proposal !== null || primacy.ackset.length === 1 ? null : proposing(primacy, [primacy.self]);

/** R7: the learner joins the ack set first; the configuration follows when it has all that was in the log by then. */
export const addLearner = (primacy: Primacy, peer: VoterName, lastSeq: number): Primacy | null =>
  primacy.proposal !== null || primacy.joining !== null || primacy.ackset.includes(peer)
    ? null
    : { ...primacy, ackset: [...primacy.ackset, peer], joining: { peer, seq: lastSeq } };

/** R7: whether the learner has synced everything up to where it joined. Later entries wait for it anyway. */
export const learnerCaughtUp = (primacy: Primacy): boolean =>
  primacy.joining !== null && (primacy.matches.get(primacy.joining.peer) ?? 0) >= primacy.joining.seq;

/** R7: the configuration with the learner in it. Null where it is not time. */
export const proposeUpgrade = (primacy: Primacy): Primacy | null =>
  primacy.joining === null || primacy.proposal !== null ? null : proposing(primacy, [...primacy.chosen.isr, primacy.joining.peer]);

/** A voter has accepted the proposal of this version (an answer to another one changes nothing). */
export const recordAccepted = (primacy: Primacy, voter: VoterName, epoch: Epoch, v: number): Primacy =>
  primacy.proposal === null || epoch !== primacy.epoch || v !== primacy.proposal.v || primacy.acceptedBy.includes(voter)
    ? primacy
    : { ...primacy, acceptedBy: [...primacy.acceptedBy, voter] };

/** The proposal is chosen when a majority of the voters has accepted it; only then does the ack set shrink (R6). */
export const settleProposal = (primacy: Primacy, voters: number): Primacy | null =>
  primacy.proposal === null || primacy.acceptedBy.length < majorityOf(voters)
    ? null
    : { ...primacy, chosen: primacy.proposal, proposal: null, acceptedBy: [], ackset: primacy.proposal.isr, joining: null };

/** SYNC: two replicas acknowledge everything. */
export const modeOf = (primacy: Primacy): 'SYNC' | 'SOLO' => (primacy.chosen.isr.length > 1 ? 'SYNC' : 'SOLO');
