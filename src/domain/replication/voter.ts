/** What a voter answers (R1, R3, R4), and how it starts again (R9). State in, decision and next state out. */
import { compareBallots, type Configuration, type Epoch, initialVoterState, majorityOf, type VoterName, type VoterState } from './types.ts';

/**
 * What a voter keeps on disk. The last two matter only where the voter is also a data replica: they tell a log that is
 * empty because nothing was ever in it from one that was lost (R9).
 */
export interface VoterRecord extends VoterState {
  /** An entry has been in this replica's log. Set before the first one is acknowledged. */
  readonly holdsLog: boolean;
  /**
   * Configurations up to this epoch say nothing of this replica's log, because it was lost after they were made: that
   * this replica is in their in-sync set does not let it stand. -1 where nothing was ever lost.
   */
  readonly distrustedThrough: Epoch;
  /** Of this replica's log (`generation.ts`); left out: 0, or lost with the state. Too low is safe: more goes into quarantine. */
  readonly logGeneration?: number;
}

/** The record of a voter in a network that has just been made. */
export const initialRecord = (replicas: readonly VoterName[]): VoterRecord => ({
  ...initialVoterState(replicas),
  holdsLog: false,
  distrustedThrough: -1,
});

export type VoteDecision = { readonly kind: 'promise'; readonly next: VoterState } | { readonly kind: 'deny' };

/** R1: a voter promises an epoch only once, to whoever asks first, and never one that is not above its promise. */
export const decideVote = (state: VoterState, epoch: Epoch): VoteDecision =>
  epoch > state.promised ? { kind: 'promise', next: { promised: epoch, accepted: state.accepted } } : { kind: 'deny' };

/** Why a voter would not vote. `primary-alive` and `rejoining` may pass by themselves. */
export type Refusal = 'primary-alive' | 'promised' | 'ineligible' | 'rejoining';

/** Would you vote for me in `epoch`? `ballot` names the configuration that the candidate itself has accepted last. */
export interface PreVote {
  readonly epoch: Epoch;
  readonly candidate: VoterName;
  readonly ballot: Pick<Configuration, 'e' | 'v'>;
}

/**
 * Pre-vote (Ongaro's dissertation, 9.6): what the voter would answer to a vote, decided without changing anything, so
 * that a replica which cannot win raises no epoch. Null: it would promise. A voter that has accepted something newer
 * than the candidate knows better whether the candidate may lead (R2).
 */
export const decidePreVote = (state: VoterState, { epoch, candidate, ballot }: PreVote, hearsPrimary: boolean): Refusal | null => {
  if (hearsPrimary) return 'primary-alive';
  if (epoch <= state.promised) return 'promised';
  return compareBallots(state.accepted, ballot) > 0 && !state.accepted.isr.includes(candidate) ? 'ineligible' : null;
};

export type AcceptDecision = { readonly kind: 'accept'; readonly next: VoterState } | { readonly kind: 'deny' };

/**
 * R3, R6, R7: a configuration is accepted unless something higher was promised or accepted. Accepting one again is
 * fine: a proposal may come twice.
 */
export const decideAccept = (state: VoterState, configuration: Configuration): AcceptDecision => {
  const order = compareBallots(configuration, state.accepted);
  if (configuration.e < state.promised || order < 0) return { kind: 'deny' };
  return {
    kind: 'accept',
    next: order === 0 && configuration.e === state.promised ? state : { promised: configuration.e, accepted: configuration },
  };
};

/** R4: whoever takes entries of an epoch has promised it. */
export const raisePromise = (state: VoterState, epoch: Epoch): VoterState =>
  epoch > state.promised ? { promised: epoch, accepted: state.accepted } : state;

export type VoterRecovery =
  | { readonly kind: 'ready'; readonly record: VoterRecord; readonly lostLog: boolean }
  /** The state is missing or bad: ask the others (R9). */
  | { readonly kind: 'rejoin' };

/**
 * R9 at the start of a process. `fresh` is true only at the first start of a network that was just made; later, missing
 * state is amnesia. A replica that finds its log gone promises an epoch above every one in which it may have
 * acknowledged anything: whoever still counts on those acknowledgements is fenced by it, and only the catch-up of a
 * later epoch (R7) vouches for its log again.
 */
export const recoverVoter = (
  stored: VoterRecord | null,
  facts: { readonly fresh: boolean; readonly logEmpty: boolean; readonly replicas: readonly VoterName[] },
): VoterRecovery => {
  if (stored === null) {
    return facts.fresh && facts.logEmpty ? { kind: 'ready', record: initialRecord(facts.replicas), lostLog: false } : { kind: 'rejoin' };
  }
  return stored.holdsLog && facts.logEmpty
    ? { kind: 'ready', record: distrusting(stored), lostLog: true }
    : { kind: 'ready', record: stored, lostLog: false };
};

const distrusting = (state: VoterState): VoterRecord => ({
  promised: state.promised + 1,
  accepted: state.accepted,
  holdsLog: false,
  distrustedThrough: state.promised,
});

/** R9: N - M + 1 others are so many that every majority that ever decided something is among them. */
export const readersNeeded = (voters: number): number => voters - majorityOf(voters) + 1;

/** What a voter without its state needs to know to get one. */
export interface Rejoining {
  readonly needed: number;
  /** It is a data replica: what others accepted so far says nothing of its log. */
  readonly replica: boolean;
  readonly replicas: readonly VoterName[];
  /** The other replicas: their answers are indispensable. */
  readonly proposers: readonly VoterName[];
}

/**
 * R9: the state of a voter that lost its own, from those of enough others; null while there are too few. What this voter
 * had promised or accepted before was asked for by a replica, which had synced the same itself before it asked (R1, R3,
 * R6, R7), while the rest of that majority may follow only after it was read: so every other replica must be among the
 * readers. Of three voters they always are; of five, any three would not do.
 */
export const rejoinVoter = (answers: ReadonlyMap<VoterName, VoterState>, facts: Rejoining): VoterRecord | null => {
  if (answers.size < facts.needed || !facts.proposers.every((proposer) => answers.has(proposer))) return null;
  let state: VoterState = initialVoterState(facts.replicas);
  for (const answer of answers.values()) {
    state = {
      promised: Math.max(state.promised, answer.promised),
      accepted: compareBallots(answer.accepted, state.accepted) > 0 ? answer.accepted : state.accepted,
    };
  }
  return facts.replica ? distrusting(state) : { ...state, holdsLog: false, distrustedThrough: -1 };
};

/** A question or an answer of R9 on its way. `voter` is whose state an answer is. */
export type RejoinFrame =
  | { readonly kind: 'voterRead'; readonly reader: VoterName }
  | { readonly kind: 'voterState'; readonly reader: VoterName; readonly voter: VoterName };

/**
 * R9 with several witnesses: they have no links to each other, so a replica passes on to the other witnesses what one
 * asks, and to the one what another answers. Only what comes from its own author is passed on: nothing circles, and a
 * question makes no more frames than there are voters.
 */
export const relayTo = (
  frame: RejoinFrame,
  from: VoterName,
  { self, voters, replicas }: { readonly self: VoterName; readonly voters: readonly VoterName[]; readonly replicas: readonly VoterName[] },
): readonly VoterName[] => {
  const isWitness = (name: VoterName): boolean => voters.includes(name) && !replicas.includes(name);
  const author = frame.kind === 'voterRead' ? frame.reader : frame.voter;
  if (!replicas.includes(self) || author !== from || !isWitness(from) || !isWitness(frame.reader)) return [];
  if (frame.kind === 'voterRead') return voters.filter((voter) => isWitness(voter) && voter !== frame.reader);
  return frame.reader === frame.voter ? [] : [frame.reader];
};
