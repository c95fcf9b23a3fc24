/** How a node stands to its network, in words for people. */
import { waitingWords } from '../../domain/routing/route.ts';
import type { LinkDown } from '../../links/link.ts';
import type { RouteFrame } from '../../protocol/control/messages.ts';
import type { SessionState } from './machine.ts';

export interface Standing {
  readonly state: SessionState;
  readonly account: string | null;
  /** Who serves the network, as the proxy says; null before it has said so. */
  readonly route: Pick<RouteFrame, 'primary' | 'reader' | 'waitsFor'> | null;
  /** The proxy that is dialled now. */
  readonly proxy: string;
  /** Why each proxy that was tried did not answer; empty until all were tried. */
  readonly failures: readonly LinkDown[];
}

export const wordsFor = (standing: Standing): string => {
  const { state, account } = standing;
  switch (state) {
    case 'offline':
      return 'not connected';
    case 'connecting':
    case 'switchingProxy':
    case 'backoff':
      return offlineWords(standing);
    case 'loggingIn':
      return `connected; nobody is signed in${withoutPrimary(standing)}`;
    case 'resuming':
      return `connected; entering the network as ${account}${withoutPrimary(standing)}`;
    default:
      return `online as ${account}${withoutPrimary(standing)}`;
  }
};

const withoutPrimary = ({ route }: Standing): string => {
  if (route === null || route.primary !== null) return '';
  const { reader, waitsFor } = route;
  if (reader === null) return '; the network has no tracker right now';
  return waitsFor === null
    ? `; the network has no tracker right now, ${reader} answers what changes nothing`
    : `; nothing can be changed now: ${waitingWords(reader, waitsFor)}`;
};

const offlineWords = ({ failures, proxy }: Standing): string => {
  const refused = failures.find((reason) => reason.code === 'refused');
  if (refused !== undefined) return `no proxy takes this node: ${refused.message}; trying again`;
  if (failures.length === 0) return `connecting to the proxy at ${proxy}`;
  return `no proxy answers: ${failures.map((reason) => reason.message).join('; ')}; trying again`;
};
