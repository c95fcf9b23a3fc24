/** What replicas say of clients of other makes. */
import { isReplica } from '../plan/names.ts';
import type { MakeChecker } from './checker.ts';
import { violated } from './invariants.ts';

/** Announces that wait for their answers; the oldest go first. */
const ASKED_MAX = 4_096;

export const refusedForCause: MakeChecker = (run) => {
  const name = 'guests';
  /** The info-hashes of announces, by replica, proxy and nonce. */
  const asked = new Map<string, string>();
  return {
    name,
    demands:
      'A guest without a passkey in an open network is refused for one reason only: the catalog of the replica that says so does not have the torrent.',
    started(process) {
      for (const key of asked.keys()) if (key.split(' ').includes(process)) asked.delete(key);
    },
    received(process, from, link, frame) {
      if (frame.kind !== 'guestAnnounce' || link !== 'proxy' || frame.replay) return;
      asked.set(`${process} ${from} ${frame.nonce}`, frame.infoHash);
      if (asked.size > ASKED_MAX) asked.delete(asked.keys().next().value as string);
    },
    sent(process, to, link, frame) {
      if (frame.kind !== 'guestAnnounced' || link !== 'proxy' || !isReplica(process)) return;
      const key = `${process} ${to} ${frame.nonce}`;
      const infoHash = asked.get(key);
      asked.delete(key);
      if (frame.outcome.kind !== 'refused' || infoHash === undefined) return;
      const { why } = frame.outcome;
      const known = run.query(process, `SELECT id FROM contents WHERE v1 = '${infoHash}' OR id LIKE '${infoHash}%'`);
      if (why !== 'unregistered' || known.length > 0)
        violated(
          name,
          `${process} refuses a guest's ${infoHash.slice(0, 8)}… (${why})${known.length > 0 ? ', which its catalog has' : ''}`,
        );
    },
  };
};
