import type { Configuration, Epoch, ReplicaStatus, VoterName } from '../../domain/replication/types.ts';

/** What a replica believes of its network: which epoch it is in, who leads it, and whether it counts as in sync. */
export class View {
  /** The highest epoch that anybody has mentioned or that was tried here: no candidacy is at or below it. */
  seen: Epoch = 0;
  epoch: Epoch = 0;
  primary: VoterName | null = null;
  /** The accepted configuration of the primary's epoch counts this replica in. */
  inIsr = false;
  /** See `ReplicaStatus.waitsFor`: known since a candidacy, until somebody leads or this replica may. */
  waitsFor: VoterName | null = null;

  see(epoch: Epoch): void {
    this.seen = Math.max(this.seen, epoch);
  }

  /** A higher epoch is promised; nobody is known to lead it yet. */
  enter(epoch: Epoch): void {
    this.see(epoch);
    if (epoch > this.epoch) this.set(epoch, null);
  }

  set(epoch: Epoch, primary: VoterName | null): void {
    this.see(epoch);
    this.epoch = epoch;
    this.primary = primary;
    this.inIsr = false;
    if (primary !== null) this.waitsFor = null;
  }

  /** Whether `inIsr` has changed with what the voter has accepted. */
  compare(accepted: Configuration, self: VoterName): boolean {
    const inIsr = this.primary !== null && accepted.e === this.epoch && accepted.primary === this.primary && accepted.isr.includes(self);
    if (inIsr === this.inIsr) return false;
    this.inIsr = inIsr;
    return true;
  }

  /** R2: the newest configuration leaves this replica out, or counts a log that it has lost. Whether that is news. */
  mayNotLead({ isr }: Configuration, self: VoterName): boolean {
    const before = this.waitsFor;
    this.waitsFor = isr.find((replica) => replica !== self) ?? null;
    return this.waitsFor !== before;
  }

  /** The mode of the primary that this replica follows, as far as its voter has heard. */
  modeFollowed(accepted: Configuration): ReplicaStatus['mode'] {
    if (this.primary === null) return 'NONE';
    return accepted.e === this.epoch && accepted.isr.length > 1 ? 'SYNC' : 'SOLO';
  }
}
