/** Why a transfer stands still, in words for its user. */
import type { Exchange } from '../../data/exchange.ts';
import type { Network } from '../../data/network.ts';
import type { Failure } from '../../protocol/result.ts';
import { type WaitingFacts, waitingReason } from '../../domain/transfer/waiting-reason.ts';
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
  readonly exchange: Pick<Exchange, 'peers' | 'peersKnown' | 'peersFailed'>;
}

/** Null while it moves, and where its user paused it. */
export const standingReason = ({ phase, checking, told, network, swarm, exchange }: Standing): string | null => {
  switch (phase) {
    case 'checking':
      return checking;
    case 'queued':
      return 'Other downloads go first; it goes on when one of them is done.';
    case 'waiting':
      return waitingReason({
        account: network.account,
        online: network.online,
        networkWords: network.words,
        swarm,
        peersConnected: exchange.peers.length,
        peersKnown: exchange.peersKnown,
        peersFailed: exchange.peersFailed,
      });
    case 'paused':
    case 'failed':
      return told;
    default:
      return null;
  }
};
