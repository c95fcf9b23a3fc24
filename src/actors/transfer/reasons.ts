/** Why a transfer stands still, in words for its user. */
import type { Meeting } from '../../data/meeting.ts';
import type { Network } from '../../data/network.ts';
import type { Failure } from '../../protocol/result.ts';
import {
  type OutsideFacts,
  outsideReason,
  trackerTrouble,
  type WaitingFacts,
  waitingReason,
  webSeedReason,
} from '../../domain/transfer/waiting-reason.ts';
import type { SeedingGoal } from '../../protocol/terms.ts';
import type { TransferPhase } from './machine.ts';

/** With what to do about it, where the disk's own sentence does not say. */
export const faultReason = ({ code, message }: Failure): string => {
  if (code === 'missing') return `A file is gone: ${message} Put it back, then resume.`;
  if (code === 'denied') return `${message} Make it accessible to this user, then resume.`;
  return message;
};

export interface Standing {
  readonly phase: TransferPhase;
  /** How far the check is. */
  readonly checking: string | null;
  /** What the machine was told as it paused or failed. */
  readonly told: string | null;
  readonly network: Network['state'];
  readonly swarm: WaitingFacts['swarm'];
  /** The trackers of its torrent, where they tell of its peers; null where the network's catalog does. */
  readonly trackers: OutsideFacts['trackers'] | null;
  readonly exchange: Pick<Meeting, 'peers' | 'peersKnown' | 'peersFailed' | 'webSeeds'>;
}

const waiting = ({ network, swarm, trackers, exchange }: Standing): string => {
  const peers = { peersConnected: exchange.peers.length, peersKnown: exchange.peersKnown, peersFailed: exchange.peersFailed };
  if (trackers !== null) return outsideReason({ trackers, ...peers });
  return waitingReason({ account: network.account, online: network.online, networkWords: network.words, swarm, ...peers });
};

/** Why it was paused by itself although nothing is wrong. */
export const goalReason = (reached: 'ratio' | 'time', goal: SeedingGoal): string =>
  `${reached === 'ratio' ? `It was given ${goal.ratio ?? 0} times over` : 'It was given for as long'}, as was asked for: "shoal resume" goes on seeding.`;

/** Null while it moves, where its user paused it, and where it is seeded and others can hear of it. */
export const standingReason = (standing: Standing): string | null => {
  switch (standing.phase) {
    case 'checking':
      return standing.checking;
    case 'queued':
      return 'Other downloads go first; it goes on when one of them is done.';
    case 'resting':
      return 'It is complete. Others are seeded first; it is seeded when there is room.';
    case 'waiting':
      return [waiting(standing), webSeedReason(standing.exchange.webSeeds)].filter((words) => words !== null).join(' ');
    case 'seeding':
      return standing.trackers && trackerTrouble(standing.trackers);
    case 'paused':
    case 'failed':
      return standing.told;
    default:
      return null;
  }
};
