/** A candidate: collects promises (R1), finds out whether it may continue (R2), and activates itself (R3). */
import { withGeneration } from './generation.ts';
import { compareBallots, type Configuration, type Epoch, majorityOf, type VoterName } from './types.ts';
import type { Refusal } from './voter.ts';

/** The promises of one candidacy: who promised, and what each had accepted by then. */
export type Promises = ReadonlyMap<VoterName, Configuration>;

export type Eligibility =
  | { readonly kind: 'waiting' }
  /** Not in the in-sync set of `latest`: others may hold acknowledged entries that this replica lacks. */
  | { readonly kind: 'ineligible'; readonly latest: Configuration }
  | { readonly kind: 'eligible'; readonly latest: Configuration };

/**
 * R2: with a majority of promises, the newest configuration among them decides. `distrustedThrough` is the epoch up to
 * which configurations say nothing of this replica's log (R9).
 */
export const judgePromises = (
  candidate: VoterName,
  promises: Promises,
  facts: { readonly voters: number; readonly distrustedThrough: Epoch },
): Eligibility => {
  if (promises.size < majorityOf(facts.voters)) return { kind: 'waiting' };
  const latest = [...promises.values()].reduce((a, b) => (compareBallots(a, b) >= 0 ? a : b));
  return latest.isr.includes(candidate) && latest.e > facts.distrustedThrough
    ? { kind: 'eligible', latest }
    : { kind: 'ineligible', latest };
};

/** What a voter has said to a pre-vote: null where it would promise. */
export interface CanvassReply {
  readonly refused: Refusal | null;
  readonly accepted: Configuration;
}

export type Canvass =
  /** Too few answers, or answers that may change: ask again. */
  | { readonly kind: 'waiting' }
  /** A majority would promise, and by what it has accepted this replica may lead: stand. */
  | { readonly kind: 'granted' }
  /** By what a majority has accepted, this replica may not lead (R2). */
  | { readonly kind: 'ineligible'; readonly latest: Configuration };

/**
 * Pre-vote, the candidate's side. `last`: no more answers are expected. A majority that would promise is not enough
 * where it says that this replica is not eligible; then another majority may, as long as answers come.
 */
export const judgeCanvass = (
  candidate: VoterName,
  replies: ReadonlyMap<VoterName, CanvassReply>,
  facts: { readonly voters: number; readonly distrustedThrough: Epoch; readonly last: boolean },
): Canvass => {
  const known = [...replies].filter(([, { refused }]) => refused === null || refused === 'ineligible');
  const granted = known.filter(([, { refused }]) => refused === null);
  const judged = (some: typeof known): Eligibility =>
    judgePromises(candidate, new Map(some.map(([name, { accepted }]) => [name, accepted])), facts);
  if (judged(granted).kind === 'eligible') return { kind: 'granted' };
  const all = judged(known);
  return facts.last && all.kind === 'ineligible' ? all : { kind: 'waiting' };
};

/** R1: an epoch above every one that this replica has promised, seen or tried. */
export const nextEpoch = (...seen: readonly Epoch[]): Epoch => Math.max(0, ...seen) + 1;

/** R3: the first configuration of an epoch is its primary alone. The others come in by R7. */
export const activationOf = (candidate: VoterName, epoch: Epoch, generation = 0): Configuration => ({
  e: epoch,
  v: 0,
  primary: candidate,
  isr: [candidate],
  ...withGeneration(generation),
});
