/** What a voter answers (R1, R3, R4), and how it starts again (R9). State in, decision and next state out. */
import {
  compareConfigurations,
  type Configuration,
  type Epoch,
  initialVoterState,
  majorityOf,
  type VoterName,
  type VoterState,
} from './types.ts';

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

export type AcceptDecision = { readonly kind: 'accept'; readonly next: VoterState } | { readonly kind: 'deny' };

/**
 * R3, R6, R7: a configuration is accepted unless something higher was promised or accepted. Accepting one again is
 * fine: a proposal may come twice.
 */
export const decideAccept = (state: VoterState, configuration: Configuration): AcceptDecision => {
  const order = compareConfigurations(configuration, state.accepted);
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

/** R9: the state of a voter that lost its own, from those of enough others; null while there are too few. */
export const rejoinVoter = (
  answers: readonly VoterState[],
  facts: { readonly needed: number; readonly replica: boolean; readonly replicas: readonly VoterName[] },
): VoterRecord | null => {
  if (answers.length < facts.needed) return null;
  let state: VoterState = initialVoterState(facts.replicas);
  for (const answer of answers) {
    state = {
      promised: Math.max(state.promised, answer.promised),
      accepted: compareConfigurations(answer.accepted, state.accepted) > 0 ? answer.accepted : state.accepted,
    };
  }
  return facts.replica ? distrusting(state) : { ...state, holdsLog: false, distrustedThrough: -1 };
};
