/**
 * Self-distrust (Redis Sentinel's TILT): a primary whose process stood still cannot know whether it still leads. Its own
 * tick tells it: one that is overdue by `stall` means that nothing ran meanwhile. From then on it acts as primary no more
 * (no heartbeats, no acknowledgements, no reads) until a majority has told it that nothing higher was promised. No clock
 * decides about safety (R5, R10 do); this keeps a primary that was away from speaking before it has looked around.
 * Times are in microseconds, monotonic.
 */
import type { VoterName } from './types.ts';

export interface StallOptions {
  /** Between two ticks. */
  readonly every: number;
  /** A tick that comes so much later than it should says that the process stood still. */
  readonly stall: number;
}

export interface SelfTrust {
  readonly tickedAt: number;
  /** Null while it trusts itself; otherwise which other voters have confirmed it since. */
  readonly confirmedBy: readonly VoterName[] | null;
}

export const beginTrust = (now: number): SelfTrust => ({ tickedAt: now, confirmedBy: null });

/** Also true before the tick that is overdue has run: what comes first after a stall may be a frame. */
export const stoodStill = ({ tickedAt }: SelfTrust, now: number, { every, stall }: StallOptions): boolean => now - tickedAt > every + stall;

/** Whether it may speak as primary now. */
export const mayAct = (trust: SelfTrust, now: number, options: StallOptions): boolean =>
  trust.confirmedBy === null && !stoodStill(trust, now, options);

/** At its own tick. A second stall begins anew. */
export const ticked = (trust: SelfTrust, now: number, options: StallOptions): SelfTrust => ({
  tickedAt: now,
  confirmedBy: stoodStill(trust, now, options) ? [] : trust.confirmedBy,
});

/** Another voter has told, after the stall, that it has promised nothing higher; `majority` counts this one too. */
export const confirmed = (trust: SelfTrust, voter: VoterName, majority: number): SelfTrust => {
  if (trust.confirmedBy === null || trust.confirmedBy.includes(voter)) return trust;
  const confirmedBy = [...trust.confirmedBy, voter];
  return { ...trust, confirmedBy: confirmedBy.length + 1 >= majority ? null : confirmedBy };
};
