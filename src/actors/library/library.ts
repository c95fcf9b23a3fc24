/** What a node shares and downloads: all of its transfers, across restarts, behind the calls of its API. */
import type { Reactor } from '../../bus/reactor.ts';
import type { NodeConfig } from '../../config/types.ts';
import { BufferPool } from '../../data/buffers.ts';
import { each } from '../../data/each.ts';
import { dataLimits } from '../../data/limits.ts';
import type { Network } from '../../data/network.ts';
import { OpenFiles } from '../../data/open-files.ts';
import { PeerPort } from '../../data/peer-port.ts';
import { RateGate } from '../../data/rate-gate.ts';
import { Uplink } from '../../data/uplink.ts';
import type { Ports } from '../../ports/ports.ts';
import type { ApiCalls } from '../../protocol/api.ts';
import { makePeerId, peerIdRandomBytes } from '../../protocol/bittorrent/ids.ts';
import { cleanName } from '../../protocol/bittorrent/names.ts';
import { ID_PREFIX_MIN } from '../../protocol/control/limits.ts';
import { metainfoLimits } from '../../protocol/bittorrent/metainfo-files.ts';
import { toHex } from '../../protocol/digest.ts';
import { type Done, type Failure, fail, ok } from '../../protocol/result.ts';
import type { Address } from '../../transports/transport.ts';
import { joinPath } from '../transfer/placement.ts';
import type { TransferPlan, TransferSetting } from '../transfer/setting.ts';
import { Transfer } from '../transfer/transfer.ts';
import { chooseFiles, fetchTorrent, isIdPrefix, lookForFiles, planDownload, resolveContent } from './fetching.ts';
import { movedTap } from './moved-tap.ts';
import { NodeNames } from './node-names.ts';
import { Registrar, type Waiting } from './registrar.ts';
import { type Removal, RemovalsFile } from './removals.ts';
import { ShareMaker } from './share-job.ts';
import { Shares } from './shares.ts';
import { Shelf } from './shelf.ts';
import { contentSummary, peerSummary, transferSummary } from './summaries.ts';
import { ToldAgain } from './told-again.ts';
import { Turns } from './turns.ts';
import { unsharing } from './unshare.ts';
import { isAbsolute } from './walk.ts';

export interface LibrarySettings {
  readonly reactor: Reactor;
  readonly ports: Ports;
  readonly network: Network;
  readonly config: Pick<NodeConfig, 'downloadFolder' | 'limits' | 'peer'>;
  /** Absolute; the library keeps its records in `transfers` below it. */
  readonly dataFolder: string;
  /** What peers are told this program is. */
  readonly client: string;
}

const LIBRARY_CALLS = ['share', 'shareJob', 'get', 'transfers', 'peers', 'pause', 'resume', 'remove', 'recheck', 'unshare'] as const;
export type LibraryCallName = (typeof LIBRARY_CALLS)[number];
export const isLibraryCall = (name: string): name is LibraryCallName => (LIBRARY_CALLS as readonly string[]).includes(name);

const PIECE_BYTES_MAX = 16 * 1024 * 1024;
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

type Handlers = { readonly [K in LibraryCallName]: (args: ApiCalls[K]['args'], done: Done<ApiCalls[K]['result']>) => void };

export class Library {
  readonly #settings: LibrarySettings;
  readonly #pool: BufferPool;
  readonly #open: OpenFiles;
  readonly #upGate: RateGate;
  readonly #downGate: RateGate;
  readonly #port: PeerPort;
  readonly #removals: RemovalsFile;
  readonly #registrar: Registrar;
  readonly #toldAgain: ToldAgain<Transfer>;
  readonly #names: NodeNames;
  readonly #shelf: Shelf;
  readonly #shares: Shares;
  readonly #setting: TransferSetting;
  readonly #transfers = new Map<string, Transfer>();
  readonly #turns: Turns;
  /** Ids of what is being set up, changed or removed just now. */
  readonly #changing = new Set<string>();

  constructor(settings: LibrarySettings) {
    const { config, network, ports } = settings;
    const { clock, crypto, disk } = ports;
    this.#settings = settings;
    this.#pool = new BufferPool(crypto, config.limits.pieceBufferBytesMax);
    this.#open = new OpenFiles(disk, dataLimits.openFilesMax);
    this.#upGate = new RateGate(clock, config.limits.uploadRate);
    this.#downGate = new RateGate(clock, config.limits.downloadRate);
    this.#port = new PeerPort({
      clock,
      transport: ports.transport,
      peerId: makePeerId(crypto.secretBytes(peerIdRandomBytes)),
      node: network.node,
      client: settings.client,
      peersMax: config.limits.peersMax,
      ...movedTap(settings.reactor),
    });
    this.#removals = new RemovalsFile(disk, joinPath(settings.dataFolder, 'transfers', 'removals.json'), ports.log);
    this.#registrar = new Registrar(network, clock, (removals, done) => this.#removals.save(removals, done));
    this.#toldAgain = new ToldAgain(clock, ports.log, {
      transfers: () => this.#transfers.values(),
      state: () => network.state,
      waits: ({ id }) => this.#registrar.has(id) || this.#changing.has(id),
      tell: (transfer) => this.#register(transfer, false, null),
    });
    this.#names = new NodeNames(network, clock);
    this.#shelf = new Shelf(disk, joinPath(settings.dataFolder, 'transfers'), ports.log);
    this.#shares = new Shares({
      maker: new ShareMaker(ports, this.#pool, this.#open),
      shelf: this.#shelf,
      held: (id) => this.#transfers.get(id) ?? null,
      begin: (plan) => this.#begin(plan),
      release: (transfer, done) => this.#release(transfer, null, done),
      changing: this.#changing,
      register: (transfer, first) => this.#register(transfer, true, first),
    });
    this.#turns = new Turns(clock, config.limits.activeTransfersMax, this.#transfers);
    this.#setting = {
      reactor: settings.reactor,
      ports,
      network,
      pool: this.#pool,
      open: this.#open,
      uplink: new Uplink(this.#upGate),
      downGate: this.#downGate,
      port: this.#port,
      limits: config.limits,
      journalPath: (id) => this.#shelf.recordPath(id),
      queue: (transfer) => this.#turns.enqueue(transfer),
      phaseChanged: () => this.#turns.grant(),
      owns: (transfer) => this.#register(transfer, false, null),
      lost: (transfer) => this.#disown(transfer),
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
        return this.#removals.load((removals) => {
          this.#registrar.start(removals);
          for (const plan of loaded.value) this.#begin(plan);
          done(ok(undefined));
        });
      });
    });
  }

  /** Stops cleanly: peers let go, journals flushed, files closed, `stopped` announced. */
  stop(done: () => void): void {
    this.#turns.stop();
    this.#registrar.stop();
    this.#toldAgain.stop();
    this.#upGate.stop();
    this.#downGate.stop();
    each<Transfer, never>(
      [...this.#transfers.values()],
      (transfer, next) => transfer.close(() => next(ok(undefined))),
      () => {
        this.#port.close();
        this.#transfers.clear();
        done();
      },
    );
  }

  /** Pieces of transfers that were read or received and hashed since the start. */
  get piecesHashed(): number {
    let hashed = 0;
    for (const transfer of this.#transfers.values()) hashed += transfer.content.piecesHashed;
    return hashed;
  }

  /** The tracker has let this node in. `generation`: how often a promotion was forced in the network. */
  entered(generation: number): void {
    this.#toldAgain.entered(generation);
  }

  /** Limits of the whole node, in bytes a second; 0 for none. */
  setLimits(limits: { readonly uploadRate: number; readonly downloadRate: number }): void {
    this.#upGate.setRate(limits.uploadRate);
    this.#downGate.setRate(limits.downloadRate);
  }

  totals(): LibraryTotals {
    const now = this.#settings.ports.clock.now();
    const totals = {
      transfers: this.#transfers.size,
      downRate: 0,
      upRate: 0,
      uploadedBytes: 0,
      downloadedBytes: 0,
      peers: this.#port.peerCount,
      diskUsedBytes: 0,
    };
    for (const transfer of this.#transfers.values()) {
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
    (this.#handlers[name] as Handlers[K])(args, done);
  }

  readonly #handlers: Handlers = {
    share: (args, done) => done(this.#shares.begin(args)),
    shareJob: ({ job }, done) => done(this.#shares.state(job)),
    get: (args, done) => this.#get(args, done),
    transfers: ({ id }, done) => {
      const now = this.#settings.ports.clock.now();
      const show = (transfers: readonly Transfer[]): void =>
        done(ok({ transfers: transfers.map((transfer) => transferSummary(transfer, now, (node) => this.#names.nameOf(node))) }));
      if (id === null) show([...this.#transfers.values()]);
      else this.#with(id, done, (transfer) => show([transfer]));
    },
    peers: ({ id }, done) =>
      this.#with(id, done, (transfer) => {
        const now = this.#settings.ports.clock.now();
        done(ok({ peers: transfer.exchange.peers.map((peer) => peerSummary(peer, now, (node) => this.#names.nameOf(node))) }));
      }),
    pause: ({ id }, done) => this.#do(id, done, (transfer) => transfer.pause()),
    resume: ({ id }, done) => this.#do(id, done, (transfer) => transfer.resume()),
    recheck: ({ id }, done) => this.#do(id, done, (transfer) => transfer.recheck()),
    remove: ({ id, data }, done) => this.#with(id, done, (transfer) => this.#remove(transfer, data, done)),
    unshare: ({ id, require = 'any' }, done) =>
      this.#with(id, done, (transfer) => {
        const { gone, first } = unsharing(require, this.#settings.network.state.online, done);
        this.#remove(transfer, false, gone, first);
      }),
  };

  #do(id: string, done: Done<Record<string, never>>, act: (transfer: Transfer) => void): void {
    this.#with(id, done, (transfer) => {
      act(transfer);
      done(ok({}));
    });
  }

  /** The transfer of an id, or of the beginning of one. */
  #with<T>(id: string, done: Done<T>, use: (transfer: Transfer) => void): void {
    const wanted = id.toLowerCase();
    const exact = this.#transfers.get(wanted);
    const found = exact !== undefined ? [exact] : isIdPrefix(wanted) ? this.#beginningWith(wanted) : [];
    const [first] = found;
    if (first === undefined) {
      const hint = wanted.length < ID_PREFIX_MIN ? ` An id is given by at least ${ID_PREFIX_MIN} of its digits.` : '';
      done(fail('not-found', `This node has no transfer ${id}.${hint}`));
    } else if (found.length > 1) done(fail('ambiguous', `${id} begins the ids of ${found.length} transfers.`));
    else use(first);
  }

  #beginningWith(prefix: string): Transfer[] {
    return [...this.#transfers.values()].filter(
      ({ id, metainfo: { v1 } }) => id.startsWith(prefix) || (v1 !== null && toHex(v1).startsWith(prefix)),
    );
  }

  #get(args: ApiCalls['get']['args'], done: Done<ApiCalls['get']['result']>): void {
    const { to, what } = args;
    if (to !== null && !isAbsolute(to)) return done(fail('bad-request', `${to} is no absolute path.`));
    if (what.trim() === '') return done(fail('bad-request', 'Say what to get: an id, or words.'));
    return resolveContent(this.#settings.network, what.trim(), (content) => {
      if (!content.ok) return done(content);
      const { id } = content.value;
      const held = this.#transfers.get(id);
      const answer: Done<void> = (result) => {
        this.#changing.delete(id);
        done(result.ok ? ok({ id, content: content.value }) : result);
      };
      if (this.#changing.has(id)) return done(fail('busy', `${content.value.name} is being set up or removed just now; ask again.`));
      this.#changing.add(id);
      return held === undefined ? this.#setUp(args, content.value, answer) : this.#getMore(args, held, answer);
    });
  }

  /** What is held already is taken up again, with more of its files where more are asked for. */
  #getMore(args: ApiCalls['get']['args'], held: Transfer, done: Done<void>): void {
    const { disk } = this.#settings.ports;
    const name = cleanName(held.metainfo.name);
    if (args.to !== null && plainFolder(args.to) !== plainFolder(held.folder))
      return done(fail('exists', `${name} is in ${held.folder} already. Leave out the folder, or remove it there first.`));
    const chosen = chooseFiles(held.layout, args.files);
    if (!chosen.ok) return done(chosen);
    const more = chosen.value.filter((file) => held.selected[file] !== true);
    if (args.sequential) held.exchange.picker.sequential = true;
    if (more.length === 0) {
      if (held.phase === 'paused' || held.phase === 'failed') held.resume();
      return done(ok(undefined));
    }
    return lookForFiles(disk, held.folder, held.layout, more, (files) => {
      if (!files.ok) return done(files);
      if (held.phase === 'completing') return done(fail('busy', `${name} is being moved to its place just now; ask again.`));
      return held.extend(files.value, done);
    });
  }

  #setUp(args: ApiCalls['get']['args'], content: ApiCalls['get']['result']['content'], done: Done<void, Failure>): void {
    const { config, network, ports } = this.#settings;
    fetchTorrent(network, content.id, (torrent) => {
      if (!torrent.ok) return done(torrent);
      const { bytes, metainfo } = torrent.value;
      const request = {
        metainfo,
        folder: args.to ?? config.downloadFolder,
        globs: args.files,
        sequential: args.sequential,
        tags: content.tags,
        pieceBytesMax: Math.min(PIECE_BYTES_MAX, config.limits.pieceBufferBytesMax),
      };
      return planDownload(ports.disk, request, (plan) => {
        if (!plan.ok) return done(plan);
        return this.#shelf.put(plan.value.record, bytes, (stored) => {
          if (stored.ok) this.#begin({ metainfo, ...plan.value });
          done(stored);
        });
      });
    });
  }

  #begin(plan: TransferPlan): Transfer {
    const transfer = new Transfer(this.#setting, plan);
    this.#transfers.set(transfer.id, transfer);
    transfer.start();
    return transfer;
  }

  #register(transfer: Transfer, fresh: boolean, first: Waiting | null): void {
    // Part of a content is no ownership: the catalog names who has all of it.
    if (!fresh && !transfer.content.map.full) return;
    const { generation } = this.#toldAgain;
    this.#registrar.add(
      {
        content: contentSummary(transfer.metainfo, transfer.tags),
        torrent: (done) => this.#shelf.torrent(transfer.id, metainfoLimits.torrentBytesMax, done),
        fresh,
        registered: (account) => transfer.setOwned(true, account, generation),
      },
      first,
    );
  }

  /** It cannot be given any more: the catalog forgets what it may have been told. */
  #disown(transfer: Transfer): void {
    if (!transfer.owned && !this.#registrar.has(transfer.id)) return;
    this.#registrar.remove({ content: transfer.id, account: transfer.account });
    transfer.setOwned(false, null, 0);
  }

  /** Stops it and takes it off the shelf; `removal` is what the catalog is to forget. Errors: the disk's. */
  #release(transfer: Transfer, removal: Removal | null, done: Done<void>, first: Waiting | null = null): void {
    this.#transfers.delete(transfer.id);
    const offShelf = (): void => this.#shelf.remove(transfer.id, done);
    transfer.close(() => {
      this.#turns.grant();
      // First the removal, then the record: after a crash between them the transfer is there, and owned again.
      if (removal !== null) return this.#registrar.remove(removal, offShelf, first);
      first?.done(ok('none'));
      return offShelf();
    });
  }

  /** Stops it, takes it out of the catalog and off the shelf. With `data`, what was downloaded is deleted. */
  #remove(transfer: Transfer, data: boolean, done: Done<Record<string, never>>, first: Waiting | null = null): void {
    const { id } = transfer;
    if (data && transfer.origin === 'share') {
      return done(fail('forbidden', 'It is shared from where it lies, so its files are not deleted; leave out --data.'));
    }
    if (this.#changing.has(id)) return done(fail('busy', `${cleanName(transfer.metainfo.name)} is being changed just now; ask again.`));
    this.#changing.add(id);
    const gone: Done<void> = (result) => {
      this.#changing.delete(id);
      if (!result.ok || !data) done(result.ok ? ok({}) : result);
      else this.#shelf.removeData(transfer, this.#settings.ports.disk, (deleted) => done(deleted.ok ? ok({}) : deleted));
    };
    // Also where the catalog has not answered yet: it may have been told.
    const told = transfer.owned || transfer.placed || this.#registrar.has(id);
    return this.#release(transfer, told ? { content: id, account: transfer.account } : null, gone, first);
  }
}

const plainFolder = (folder: string): string => folder.replace(/[/\\]+$/u, '');
