/** Calls about transfers that are there: looking at them, pausing, resuming, re-checking. */
import type { TransferSummary } from '../../../protocol/api.ts';
import { type Done, fail, ok } from '../../../protocol/result.ts';
import type { PendingMagnet } from '../../magnet/magnet.ts';
import type { Transfer } from '../../transfer/transfer.ts';
import type { CallsOf, LibraryParts } from '../parts.ts';
import { magnetSummary, peerSummary, transferSummary } from '../summaries.ts';

const TRACKERS_SHOWN_MAX = 256;

export const transferCalls = ({
  config,
  everyday,
  holdings,
  magnets,
  names,
  ports: { clock },
}: LibraryParts): CallsOf<'transfers' | 'peers' | 'pause' | 'resume' | 'recheck'> => {
  const nameOf = (node: string): string => names.nameOf(node);
  const shown = (transfer: Transfer, queue: number): TransferSummary => transferSummary(transfer, clock.now(), queue, nameOf);
  const pending = (magnet: PendingMagnet): TransferSummary => magnetSummary(magnet, config.downloadFolder);
  /** The transfer that is meant, or the link that has none yet. */
  const act = (
    id: string,
    done: Done<Record<string, never>>,
    use: (transfer: Transfer) => void,
    useMagnet: (magnet: PendingMagnet) => void,
  ): void => {
    const magnet = holdings.named(id) === null ? magnets.named(id) : null;
    if (magnet !== null) {
      useMagnet(magnet);
      return done(ok({}));
    }
    return holdings.with(id, done, (transfer) => {
      use(transfer);
      done(ok({}));
    });
  };
  return {
    transfers: ({ id }, done) => {
      if (id === null) {
        const transfers = everyday.turns.inOrder().map(({ transfer, number }) => shown(transfer, number));
        return done(ok({ transfers: [...transfers, ...magnets.all.map(pending)] }));
      }
      const magnet = holdings.named(id) === null ? magnets.named(id) : null;
      if (magnet !== null) return done(ok({ transfers: [pending(magnet)] }));
      return holdings.with(id, done, (transfer) => done(ok({ transfers: [shown(transfer, everyday.turns.numberOf(transfer))] })));
    },
    peers: ({ id }, done) => {
      const magnet = holdings.named(id) === null ? magnets.named(id) : null;
      if (magnet !== null) return done(ok({ peers: [], trackers: magnet.trackers.slice(0, TRACKERS_SHOWN_MAX), webSeeds: [] }));
      return holdings.with(id, done, (transfer) => {
        const now = clock.now();
        const peers = transfer.exchange.peers.map((peer) => peerSummary(peer, now, nameOf));
        const webSeeds = transfer.exchange.webSeeds.map(({ name, reason, ...report }) => ({
          url: name,
          message: reason,
          ...report,
        }));
        done(ok({ peers, trackers: transfer.trackers.slice(0, TRACKERS_SHOWN_MAX), webSeeds }));
      });
    },
    pause: ({ id }, done) =>
      act(
        id,
        done,
        (transfer) => transfer.pause(),
        (magnet) => magnet.pause(),
      ),
    resume: ({ id }, done) =>
      act(
        id,
        done,
        (transfer) => transfer.resume(),
        (magnet) => magnet.resume(),
      ),
    recheck: ({ id }, done) => {
      if (holdings.named(id) === null && magnets.named(id) !== null)
        return done(fail('bad-request', 'Its torrent is not here yet, so there is nothing to check.'));
      return holdings.with(id, done, (transfer) => {
        transfer.recheck();
        done(ok({}));
      });
    },
  };
};
