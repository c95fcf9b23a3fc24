/** Whom a proxy asks (docs/availability.md, R12): decided from what the replicas say of themselves. */
import type { Micros } from '../../ports/clock.ts';
import type { StatusFrame } from '../../protocol/control/messages.ts';

/** A replica as a proxy sees it. */
export interface ReplicaView {
  readonly name: string;
  /** Whether there is a link to it. */
  readonly up: boolean;
  /** What it said last on this link; null before that. */
  readonly status: StatusFrame | null;
  /** When it said so. */
  readonly heardAt: Micros;
}

export interface Primary {
  readonly name: string;
  readonly epoch: number;
}

/**
 * The replica that says it is primary of the highest epoch; null when there is none that is not below `epochSeen`. A
 * primary of an older epoch may be cut off and not know it: it is never chosen again.
 */
export const choosePrimary = (views: readonly ReplicaView[], epochSeen: number): Primary | null => {
  let best: Primary | null = null;
  for (const { name, up, status } of views) {
    if (!up || status === null || status.role !== 'primary' || status.epoch < epochSeen) continue;
    if (best === null || status.epoch > best.epoch) best = { name, epoch: status.epoch };
  }
  return best;
};

/** The replica that has applied most, for answers that may be a little old; null when none is fit. Never `except`, a primary that fell silent. */
export const chooseFollower = (views: readonly ReplicaView[], except: string | null = null): string | null => {
  let best: ReplicaView | null = null;
  for (const view of views) {
    if (!view.up || view.name === except || view.status === null || view.status.role === 'booting' || view.status.role === 'halted')
      continue;
    if (best === null || view.status.appliedSeq > (best.status?.appliedSeq ?? -1)) best = view;
  }
  return best?.name ?? null;
};

/**
 * The replica without which there will be no primary, because the other may hold newer changes (R2); null where none is
 * waited for, or where it is back and only has to be elected.
 */
export const chooseWaitedFor = (views: readonly ReplicaView[]): string | null => {
  for (const { up, status } of views) {
    const waitsFor = up ? (status?.waitsFor ?? null) : null;
    if (waitsFor !== null && !views.some((view) => view.up && view.name === waitsFor)) return waitsFor;
  }
  return null;
};

/** Why nothing can be changed, in the same words wherever it is said. */
export const waitingWords = (reader: string, waitsFor: string): string =>
  `${reader} waits for ${waitsFor}, which may hold newer changes; start ${waitsFor}`;

/** An epoch counts as seen when a primary of it is known: a candidate's epoch may never come to be. */
export const epochOf = (status: StatusFrame): number => (status.primary === null && status.role !== 'primary' ? 0 : status.epoch);
