/** How a node stands to its network, in words for people. */
import type { LinkDown } from '../../links/link.ts';
import type { SessionState } from './machine.ts';

export interface Standing {
  readonly state: SessionState;
  readonly account: string | null;
  readonly primary: string | null;
  /** The proxy that is dialled now. */
  readonly proxy: string;
  /** Why each proxy that was tried did not answer; empty until all were tried. */
  readonly failures: readonly LinkDown[];
}

export const wordsFor = (standing: Standing): string => {
  const { state, account, primary } = standing;
  switch (state) {
    case 'offline':
      return 'not connected';
    case 'connecting':
    case 'switchingProxy':
    case 'backoff':
      return offlineWords(standing);
    case 'loggingIn':
      return 'connected; nobody is signed in';
    case 'resuming':
      return `connected; entering the network as ${account}`;
    default:
      return primary === null ? `online as ${account}; the network has no tracker right now` : `online as ${account}`;
  }
};

const offlineWords = ({ failures, proxy }: Standing): string => {
  const refused = failures.find((reason) => reason.code === 'refused');
  if (refused !== undefined) return `no proxy takes this node: ${refused.message}; trying again`;
  if (failures.length === 0) return `connecting to the proxy at ${proxy}`;
  return `no proxy answers: ${failures.map((reason) => reason.message).join('; ')}; trying again`;
};
