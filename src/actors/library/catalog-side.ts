/** What the catalog is told of this node's transfers: what it owns, owns no more, and owns again after a forced promotion. */
import type { Network } from '../../data/network.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Disk } from '../../ports/disk.ts';
import type { Log } from '../../ports/log.ts';
import { metainfoLimits } from '../../protocol/bittorrent/metainfo-files.ts';
import { redress } from '../../protocol/bittorrent/redress.ts';
import { type Done, fail } from '../../protocol/result.ts';
import { isOfCatalog } from '../../domain/transfer/journal.ts';
import type { Transfer } from '../transfer/transfer.ts';
import type { Holdings } from './holdings.ts';
import { Registrar, type Waiting } from './registrar.ts';
import { type Removal, RemovalsFile } from './removals.ts';
import type { Shelf } from './shelf.ts';
import { contentSummary } from './summaries.ts';
import { ToldAgain } from './told-again.ts';

export interface CatalogSideSettings {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly log: Log;
  readonly network: Network;
  readonly holdings: Holdings;
  readonly shelf: Shelf;
  /** Where the removals that the network has not heard of are kept. */
  readonly removalsPath: string;
}

export class CatalogSide {
  readonly #shelf: Shelf;
  readonly #removals: RemovalsFile;
  readonly #registrar: Registrar;
  readonly #toldAgain: ToldAgain<Transfer>;

  constructor({ clock, disk, log, network, holdings, shelf, removalsPath }: CatalogSideSettings) {
    this.#shelf = shelf;
    this.#removals = new RemovalsFile(disk, removalsPath, log);
    this.#registrar = new Registrar(network, clock, (removals, done) => this.#removals.save(removals, done));
    this.#toldAgain = new ToldAgain(clock, log, {
      transfers: () => holdings.transfers.values(),
      state: () => network.state,
      waits: ({ id }) => this.#registrar.has(id) || holdings.changing.has(id),
      tell: (transfer) => this.register(transfer, false, null),
    });
  }

  /** Takes up the removals of before; called before any transfer begins. */
  start(done: () => void): void {
    this.#removals.load((removals) => {
      this.#registrar.start(removals);
      done();
    });
  }

  stop(): void {
    this.#toldAgain.stop();
    this.#registrar.stop();
  }

  /** The tracker has let this node in. `generation`: how often a promotion was forced in the network. */
  entered(generation: number): void {
    this.#toldAgain.entered(generation);
  }

  /** Whether the catalog is to be told something of the content. */
  has(id: string): boolean {
    return this.#registrar.has(id);
  }

  /** Tells that this node owns it. `fresh`: the catalog does not have it yet, as far as known. */
  register(transfer: Transfer, fresh: boolean, first: Waiting | null): void {
    // What came from elsewhere stays there, until its user publishes it.
    if (!isOfCatalog(transfer.notes.swarm)) return first?.done(fail('outside', 'It is no content of the network.'));
    // Part of a content is no ownership: the catalog names who has all of it.
    if (!fresh && !transfer.content.map.full) return;
    const { generation } = this.#toldAgain;
    this.#registrar.add(
      {
        content: contentSummary(transfer.metainfo, transfer.notes.tags),
        torrent: (done) => this.#bareTorrent(transfer, done),
        fresh,
        registered: (account) => transfer.setOwned(true, account, generation),
      },
      first,
    );
  }

  /** The torrent without the trackers of elsewhere: their URLs may be secrets, and the catalog's content has its own. */
  #bareTorrent({ id, metainfo }: Transfer, done: Done<Uint8Array>): void {
    this.#shelf.torrent(id, metainfoLimits.torrentBytesMax, (torrent) => {
      if (!torrent.ok || metainfo.trackers.length === 0) done(torrent);
      else done(redress(torrent.value, { trackers: [] }, metainfoLimits.torrentBytesMax));
    });
  }

  /** It cannot be given any more: the catalog forgets what it may have been told. */
  disown(transfer: Transfer): void {
    if (!transfer.notes.owned && !this.#registrar.has(transfer.id)) return;
    this.#registrar.remove({ content: transfer.id, account: transfer.notes.account });
    transfer.setOwned(false, null, 0);
  }

  /** Tells that this node owns it no more; see `Registrar.remove`. */
  remove(removal: Removal, done: () => void, first: Waiting | null): void {
    this.#registrar.remove(removal, done, first);
  }
}
