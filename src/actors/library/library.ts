/** What a node shares and downloads: all of its transfers, across restarts, behind the calls of its API (`calls/`). */
import type { Reactor } from '../../bus/reactor.ts';
import { BufferPool } from '../../data/buffers.ts';
import { boundTo } from '../../data/bound-transport.ts';
import { each } from '../../data/each.ts';
import { dataLimits } from '../../data/limits.ts';
import type { Network } from '../../data/network.ts';
import { OpenFiles } from '../../data/open-files.ts';
import { PeerPort } from '../../data/peer-port.ts';
import { TrackerClient } from '../../data/trackers/tracker-client.ts';
import { RateGate } from '../../data/rate-gate.ts';
import { Uplink } from '../../data/uplink.ts';
import type { Ports } from '../../ports/ports.ts';
import type { ApiCalls } from '../../protocol/api.ts';
import { makePeerId, peerIdRandomBytes } from '../../protocol/bittorrent/ids.ts';
import { toHex } from '../../protocol/digest.ts';
import { type Done, ok } from '../../protocol/result.ts';
import type { Address } from '../../transports/transport.ts';
import { joinPath } from '../transfer/placement.ts';
import { TrackerSwarms } from '../transfer/tracker-swarm.ts';
import type { TransferPlan, TransferSetting } from '../transfer/setting.ts';
import { Transfer } from '../transfer/transfer.ts';
import { libraryCalls } from './calls/calls.ts';
import { setUpMagnet } from './calls/get.ts';
import { CatalogSide } from './catalog-side.ts';
import { Everyday } from './everyday.ts';
import { Holdings } from './holdings.ts';
import { askCatalog } from './in-catalog.ts';
import { JobBook } from './job-book.ts';
import { LaterAsked } from './later-asked.ts';
import { Magnets, type MagnetsSettings } from './magnets.ts';
import { movedTap } from './moved-tap.ts';
import { NodeNames } from './node-names.ts';
import type { CallsOf, LibraryCallName, LibraryConfig, LibraryParts } from './parts.ts';
import { Publishing } from './publishing.ts';
import type { Waiting } from './registrar.ts';
import { watcherOf } from './watching.ts';
import type { Watcher } from './watcher.ts';
import type { Removal } from './removals.ts';
import { ShareMaker } from './share-job.ts';
import { Shares } from './shares.ts';
import { Shelf } from './shelf.ts';

export interface LibrarySettings {
  readonly reactor: Reactor;
  readonly ports: Ports;
  readonly network: Network;
  readonly config: LibraryConfig;
  /** Absolute; the library keeps its records in `transfers` below it. */
  readonly dataFolder: string;
  /** This node's own passkey, from the network; a secret. Errors: the network's. */
  passkey(done: Done<string>): void;
  /** What peers are told this program is. */
  readonly client: string;
}

/** Of the key by which trackers tell this node from others behind its address (BEP 7). */
const KEY_BYTES = 4;

export interface LibraryTotals {
  readonly transfers: number;
  /** Bytes a second. */
  readonly downRate: number;
  readonly upRate: number;
  readonly uploadedBytes: number;
  readonly downloadedBytes: number;
  readonly peers: number;
  /** Verified bytes on disk of all transfers. */
  readonly diskUsedBytes: number;
}

export class Library {
  readonly #settings: LibrarySettings;
  readonly #pool: BufferPool;
  readonly #open: OpenFiles;
  readonly #upGate: RateGate;
  readonly #downGate: RateGate;
  readonly #port: PeerPort;
  readonly #trackers: TrackerClient;
  readonly #trackerSwarms: TrackerSwarms;
  readonly #catalog: CatalogSide;
  readonly #shelf: Shelf;
  readonly #setting: TransferSetting;
  readonly #holdings = new Holdings();
  readonly #everyday: Everyday;
  readonly #watcher: Watcher | null;
  readonly #publishing: Publishing;
  readonly #magnets: Magnets;
  readonly #later: LaterAsked;
  readonly #calls: CallsOf<LibraryCallName>;

  constructor(settings: LibrarySettings) {
    const { config, network, ports } = settings;
    const { clock, crypto, disk, log } = ports;
    const holdings = this.#holdings;
    const folder = joinPath(settings.dataFolder, 'transfers');
    this.#settings = settings;
    this.#pool = new BufferPool(crypto, config.limits.pieceBufferBytesMax);
    this.#open = new OpenFiles(disk, dataLimits.openFilesMax);
    this.#upGate = new RateGate(clock, config.limits.uploadRate);
    this.#downGate = new RateGate(clock, config.limits.downloadRate);
    this.#port = new PeerPort({
      clock,
      transport: boundTo(ports.transport, config.peer.bind),
      crypto,
      encryption: config.peer.encryption,
      peerId: makePeerId(crypto.secretBytes(peerIdRandomBytes)),
      node: network.node,
      client: settings.client,
      peersMax: config.limits.peersMax,
      ...movedTap(settings.reactor),
    });
    this.#trackers = new TrackerClient({ ports, client: settings.client, localHosts: config.peer.bind });
    this.#trackerSwarms = new TrackerSwarms({
      clock,
      random: ports.random,
      client: this.#trackers,
      peerId: this.#port.peerId,
      key: toHex(crypto.secretBytes(KEY_BYTES)),
      // Behind a router it may be another than the one that is listened at.
      port: () => config.peer.advertise[0]?.port ?? this.#port.address?.port ?? 0,
    });
    this.#shelf = new Shelf(disk, folder, log);
    const removalsPath = joinPath(folder, 'removals.json');
    this.#catalog = new CatalogSide({ clock, disk, log, network, holdings, shelf: this.#shelf, removalsPath });
    const gates = { up: this.#upGate, down: this.#downGate };
    this.#everyday = new Everyday({ ports, config, holdings, folder, gates });
    this.#setting = this.#transferSetting();
    const begin = (plan: TransferPlan): Transfer => this.#begin(plan);
    const jobs = new JobBook();
    const release = (transfer: Transfer, done: Done<void>): void => this.#release(transfer, null, done);
    const register = (transfer: Transfer, first: Waiting): void => this.#catalog.register(transfer, true, first);
    const shares = new Shares({
      jobs,
      maker: new ShareMaker(ports, this.#pool, this.#open),
      shelf: this.#shelf,
      held: (id) => holdings.get(id) ?? null,
      begin,
      release,
      changing: holdings.changing,
      register,
    });
    const { downloadFolder } = config;
    this.#publishing = new Publishing({ jobs, clock, disk, shelf: this.#shelf, holdings, downloadFolder, begin, release, register });
    const ask = this.#asking();
    this.#later = new LaterAsked({ transfers: () => holdings.transfers.values(), ask: ({ metainfo }, done) => ask(metainfo, done) });
    this.#magnets = new Magnets({
      reactor: settings.reactor,
      ports,
      port: this.#port,
      folder,
      ask,
      trackers: (torrent, member) => this.#setting.trackers(torrent, member),
      setUp: (magnet, found, done) => setUpMagnet(parts, magnet, found, done),
      held: (hashes) => holdings.ofHash(hashes) !== undefined,
    });
    const parts: LibraryParts = {
      ports,
      network,
      config,
      holdings,
      shelf: this.#shelf,
      jobs,
      shares,
      publishing: this.#publishing,
      passkey: (done) => settings.passkey(done),
      names: new NodeNames(network, clock),
      catalog: this.#catalog,
      begin,
      magnets: this.#magnets,
      everyday: this.#everyday,
      release: (transfer, removal, done, first = null) => this.#release(transfer, removal, done, first),
    };
    this.#calls = libraryCalls(parts);
    this.#watcher = config.watch === null ? null : watcherOf(config.watch, ports, this.#calls);
  }

  /** Asks the catalog for a torrent that came from elsewhere. */
  #asking(): MagnetsSettings['ask'] {
    const { network, ports } = this.#settings;
    return (hashes, done) => askCatalog({ network, clock: ports.clock }, hashes, done);
  }

  #transferSetting(): TransferSetting {
    const { client, config, network, ports, reactor } = this.#settings;
    return {
      reactor,
      ports,
      network,
      pool: this.#pool,
      open: this.#open,
      uplink: new Uplink(this.#upGate),
      downGate: this.#downGate,
      port: this.#port,
      limits: config.limits,
      web: { clock: ports.clock, transport: ports.transport, client, localHosts: config.peer.bind },
      trackers: (torrent, member) => this.#trackerSwarms.make(torrent, member),
      journalPath: (id) => this.#shelf.recordPath(id),
      ...this.#everyday.setting,
      phaseChanged: (transfer) => {
        this.#everyday.phaseChanged(transfer);
        this.#publishing.phaseChanged(transfer);
      },
      owns: (transfer) => this.#catalog.register(transfer, false, null),
      lost: (transfer) => this.#catalog.disown(transfer),
    };
  }

  /** Where peers reach this node, once it has started. */
  get peerAddress(): Address | null {
    return this.#port.address;
  }

  /** Opens the peer port, then takes up every transfer where it was. Errors: those of listening and of the data folder. */
  start(done: Done<void>): void {
    this.#port.listen(this.#settings.config.peer.listen, (listening) => {
      if (!listening.ok) return done(listening);
      return this.#shelf.load((loaded) => {
        if (!loaded.ok) return done(loaded);
        return this.#catalog.start(() =>
          this.#everyday.start(loaded.value, () => {
            for (const plan of loaded.value) this.#begin(plan);
            this.#magnets.start(() => {
              this.#watcher?.start();
              done(ok(undefined));
            });
          }),
        );
      });
    });
  }

  /** Stops cleanly: peers let go, journals flushed, files closed, `stopped` announced. */
  stop(done: () => void): void {
    this.#everyday.stop();
    this.#watcher?.stop();
    this.#catalog.stop();
    this.#magnets.stop();
    this.#upGate.stop();
    this.#downGate.stop();
    each<Transfer, never>(
      this.#holdings.all,
      (transfer, next) => transfer.close(() => next(ok(undefined))),
      () =>
        // Transfers are gone when the trackers that knew of them have been told, or are not worth waiting for.
        this.#trackerSwarms.settled(() => {
          this.#trackers.close();
          this.#port.close();
          for (const transfer of this.#holdings.all) this.#holdings.drop(transfer);
          done();
        }),
    );
  }

  /** Pieces of transfers that were read or received and hashed since the start. */
  get piecesHashed(): number {
    let hashed = 0;
    for (const transfer of this.#holdings.all) hashed += transfer.content.piecesHashed;
    return hashed;
  }

  /** The tracker has let this node in. `generation`: how often a promotion was forced in the network. */
  entered(generation: number): void {
    this.#catalog.entered(generation);
    this.#later.reached();
    this.#magnets.reached();
  }

  totals(): LibraryTotals {
    const now = this.#settings.ports.clock.now();
    const totals = {
      transfers: this.#holdings.transfers.size,
      downRate: 0,
      upRate: 0,
      uploadedBytes: 0,
      downloadedBytes: 0,
      peers: this.#port.peerCount,
      diskUsedBytes: 0,
    };
    for (const transfer of this.#holdings.all) {
      totals.downRate += Math.round(transfer.exchange.down.rate(now));
      totals.upRate += Math.round(transfer.exchange.up.rate(now));
      totals.uploadedBytes += transfer.uploadedBytes;
      totals.downloadedBytes += transfer.downloadedBytes;
      totals.diskUsedBytes += transfer.doneBytes;
    }
    return totals;
  }

  /** Answers exactly once, at once or in a later step. Errors have a stable code and say what to do. */
  call<K extends LibraryCallName>(name: K, args: ApiCalls[K]['args'], done: Done<ApiCalls[K]['result']>): void {
    (this.#calls[name] as CallsOf<K>[K])(args, done);
  }

  #begin(plan: TransferPlan): Transfer {
    const transfer = new Transfer(this.#setting, plan);
    this.#holdings.add(transfer);
    this.#everyday.begun(transfer);
    transfer.start();
    return transfer;
  }

  #release(transfer: Transfer, removal: Removal | null, done: Done<void>, first: Waiting | null = null): void {
    this.#holdings.drop(transfer);
    const offShelf = (): void => this.#shelf.remove(transfer.id, done);
    transfer.close(() => {
      this.#everyday.turns.grant();
      // First the removal, then the record: after a crash between them the transfer is there, and owned again.
      if (removal !== null) return this.#catalog.remove(removal, offShelf, first);
      first?.done(ok('none'));
      return offShelf();
    });
  }
}
