/** Calls about transfers that are there: looking at them, pausing, resuming, re-checking. */
import { type Done, ok } from '../../../protocol/result.ts';
import type { Transfer } from '../../transfer/transfer.ts';
import type { CallsOf, LibraryParts } from '../parts.ts';
import { peerSummary, transferSummary } from '../summaries.ts';

const TRACKERS_SHOWN_MAX = 256;

export const transferCalls = ({
  holdings,
  names,
  ports: { clock },
}: LibraryParts): CallsOf<'transfers' | 'peers' | 'pause' | 'resume' | 'recheck'> => {
  const nameOf = (node: string): string => names.nameOf(node);
  const act = (id: string, done: Done<Record<string, never>>, use: (transfer: Transfer) => void): void =>
    holdings.with(id, done, (transfer) => {
      use(transfer);
      done(ok({}));
    });
  return {
    transfers: ({ id }, done) => {
      const now = clock.now();
      const show = (transfers: readonly Transfer[]): void =>
        done(ok({ transfers: transfers.map((transfer) => transferSummary(transfer, now, nameOf)) }));
      if (id === null) show(holdings.all);
      else holdings.with(id, done, (transfer) => show([transfer]));
    },
    peers: ({ id }, done) =>
      holdings.with(id, done, (transfer) => {
        const now = clock.now();
        const peers = transfer.exchange.peers.map((peer) => peerSummary(peer, now, nameOf));
        done(ok({ peers, trackers: transfer.trackers.slice(0, TRACKERS_SHOWN_MAX) }));
      }),
    pause: ({ id }, done) => act(id, done, (transfer) => transfer.pause()),
    resume: ({ id }, done) => act(id, done, (transfer) => transfer.resume()),
    recheck: ({ id }, done) => act(id, done, (transfer) => transfer.recheck()),
  };
};
