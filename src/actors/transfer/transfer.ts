/** One transfer of the library: its machine, its exchange, its journal, and what the network hears of it. */
import { startMachine } from '../../bus/machine.ts';
import type { Address, Reactor } from '../../bus/reactor.ts';
import type { BufferPool } from '../../data/buffers.ts';
import { Content } from '../../data/content.ts';
import { each } from '../../data/each.ts';
import { type Dialler, Exchange } from '../../data/exchange.ts';
import type { AnnounceFacts, Network, SwarmFollower } from '../../data/network.ts';
import type { OpenFiles } from '../../data/open-files.ts';
import type { RateGate } from '../../data/rate-gate.ts';
import { Storage, type StoredFile } from '../../data/storage.ts';
import type { Uplink } from '../../data/uplink.ts';
import type { Micros } from '../../ports/clock.ts';
import type { FileStat } from '../../ports/disk.ts';
import type { Ports } from '../../ports/ports.ts';
import { Bitfield } from '../../protocol/bittorrent/bitfield.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import type { Metainfo } from '../../protocol/bittorrent/metainfo.ts';
import type { AnnouncedPeer } from '../../protocol/control/messages.ts';
import { type Done, type Failure, fail, ok, type Result } from '../../protocol/result.ts';
import { type FileFacts, planResume, sameFile, type TransferRecord } from '../../domain/transfer/journal.ts';
import type { TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import { waitingReason } from '../../domain/transfer/waiting-reason.ts';
import { Keeper } from './keeper.ts';
import { type TransferEffects, type TransferMessage, type TransferPhase, transferMachine } from './machine.ts';
import { finalPath, placeContent } from './placement.ts';

/** What all transfers of a node share. */
export interface TransferSetting {
  readonly reactor: Reactor;
  readonly ports: Ports;
  readonly network: Network;
  readonly pool: BufferPool;
  readonly open: OpenFiles;
  readonly uplink: Uplink;
  readonly downGate: RateGate;
  readonly port: Dialler & { register(exchange: Exchange): void; unregister(exchange: Exchange): void };
  readonly limits: { readonly peersPerTransferMax: number; readonly uploadSlots: number };
  /** Where the journals are. */
  journalPath(id: string): string;
  /** The transfer wants to download: `slot.granted` when its turn has come. */
  queue(transfer: Transfer): void;
  /** It has left or changed its phase. */
  phaseChanged(transfer: Transfer): void;
  /** It has all it wants, where it belongs: the catalog is to know. */
  owns(transfer: Transfer): void;
}

export interface TransferPlan {
  readonly metainfo: Metainfo;
  readonly layout: TorrentLayout;
  readonly record: TransferRecord;
}

export class Transfer {
  readonly metainfo: Metainfo;
  readonly layout: TorrentLayout;
  readonly content: Content;
  readonly exchange: Exchange;
  readonly origin: 'share' | 'get';
  readonly folder: string;
  readonly tags: readonly string[];
  readonly selected: readonly boolean[];
  /** Bytes of the chosen files. */
  readonly size: number;
  owned: boolean;
  phase: TransferPhase = 'checking';
  swarm: { readonly seeders: number; readonly leechers: number; readonly warming: boolean } | null = null;
  readonly #setting: TransferSetting;
  readonly #address: Address<TransferMessage>;
  readonly #keeper: Keeper;
  readonly #uploadedBefore: number;
  readonly #downloadedBefore: number;
  #record: TransferRecord;
  #machine: { getSnapshot(): { readonly context: { readonly reason: string | null } }; stop(): unknown } | null = null;
  #placed: boolean;
  #paused: boolean;
  #repair = false;
  #first = true;
  #following = false;
  #closing = false;
  #checking: { stop(): void } | null = null;
  #checkedPieces = 0;
  #piecesToCheck = 0;
  #becameCompleteHere = false;

  constructor(setting: TransferSetting, plan: TransferPlan) {
    const { record } = plan;
    const { clock, crypto, disk, random } = setting.ports;
    this.#setting = setting;
    this.metainfo = plan.metainfo;
    this.layout = plan.layout;
    this.#record = record;
    this.origin = record.origin;
    this.folder = record.folder;
    this.tags = record.tags;
    this.owned = record.owned;
    this.#placed = record.placed;
    this.#paused = record.paused;
    this.#uploadedBefore = record.uploadedBytes;
    this.#downloadedBefore = record.downloadedBytes;
    this.selected = record.files.map((file) => file.selected);
    this.size = plan.layout.files.reduce((sum, file) => sum + (this.selected[file.index] === true ? file.size : 0), 0);
    const files: StoredFile[] = record.files.map((file) => ({ path: file.path, facts: record.placed ? file.facts : null, adopted: file.adopted }));
    const storage = new Storage({ layout: plan.layout, disk, clock, open: setting.open, files });
    this.content = new Content({ metainfo: plan.metainfo, layout: plan.layout, storage, clock, crypto, pool: setting.pool });
    for (let piece = 0; piece < this.layout.pieceCount; piece++) if (!this.#isWanted(piece as PieceIndex)) this.content.map.setPriority(piece as PieceIndex, 0);
    this.exchange = new Exchange({
      clock,
      random: random.fork(`transfer ${this.id}`),
      content: this.content,
      pool: setting.pool,
      uplink: setting.uplink,
      downGate: setting.downGate,
      dialler: setting.port,
      peersMax: setting.limits.peersPerTransferMax,
      uploadSlots: setting.limits.uploadSlots,
      events: {
        stored: (piece) => this.#keeper.wrote(this.content.map.bytes(piece)),
        complete: () => this.post({ type: 'transfer.complete' }),
        supply: (there) => this.post({ type: there ? 'transfer.first' : 'transfer.stalled' }),
        banned: (name) => setting.ports.log.warn({ transfer: this.id, peer: name }, 'A peer sent wrong data and is banned'),
        failed: (failure) => this.#dataFailed(failure),
      },
    });
    this.exchange.picker.sequential = record.sequential;
    this.#keeper = new Keeper({
      clock,
      disk,
      content: this.content,
      path: setting.journalPath(this.id),
      facts: () => this.#recordFacts(),
      failed: (failure) => this.#dataFailed(failure),
    });
    this.#address = `transfer/${this.id}`;
  }

  get id(): string {
    return this.layout.id;
  }

  get placed(): boolean {
    return this.#placed;
  }

  get uploadedBytes(): number {
    return this.#uploadedBefore + this.exchange.up.total;
  }

  get downloadedBytes(): number {
    return this.#downloadedBefore + this.exchange.down.total;
  }

  get doneBytes(): number {
    return Math.min(this.size, this.content.map.doneBytes);
  }

  /** Why it stands still; null while it moves. */
  get reason(): string | null {
    switch (this.phase) {
      case 'checking':
        return this.#piecesToCheck > 0 ? `Checking what is there: ${this.#checkedPieces} of ${this.#piecesToCheck} pieces.` : null;
      case 'queued':
        return 'Other downloads go first; it goes on when one of them is done.';
      case 'waiting':
        return this.#whyWaiting();
      case 'paused':
        return this.#machine?.getSnapshot().context.reason ?? 'Paused; "shoal resume" lets it go on.';
      case 'failed':
        return this.#machine?.getSnapshot().context.reason ?? null;
      default:
        return null;
    }
  }

  /** Starts the machine; to be called inside a step. */
  start(): void {
    // For showing only: what counts is found out by the check.
    if (this.#paused) this.#gainRecorded();
    const effects: TransferEffects = {
      check: (all) => this.#check(all),
      queue: () => this.#setting.queue(this),
      exchange: () => this.#meet(),
      place: () => this.#place(),
      seed: () => this.#seed(),
      halt: () => this.#halt(),
      entered: (phase) => {
        this.phase = phase;
        this.#setting.phaseChanged(this);
      },
    };
    this.#machine = startMachine(this.#setting.reactor, this.#setting.ports.clock, transferMachine, {
      address: this.#address,
      input: { effects, begin: this.#paused ? 'paused' : 'check' },
    });
  }

  post(message: TransferMessage): void {
    if (!this.#closing) this.#setting.reactor.post(this.#address, message);
  }

  pause(): void {
    this.#paused = true;
    this.post({ type: 'transfer.pause' });
    this.#keeper.save(false, () => {});
  }

  resume(): void {
    this.#paused = false;
    this.#repair = this.origin === 'get';
    this.post({ type: 'transfer.resume' });
  }

  recheck(): void {
    this.#paused = false;
    this.#repair = this.origin === 'get';
    this.post({ type: 'transfer.recheck' });
  }

  /** The catalog names this node as an owner (or does so no more). */
  setOwned(owned: boolean): void {
    if (owned === this.owned) return;
    this.owned = owned;
    this.#keeper.later();
  }

  /** Lets peers go, finishes what is being written, flushes the journal, closes the files. */
  close(done: () => void): void {
    this.#closing = true;
    this.#machine?.stop();
    this.#setting.reactor.unregister(this.#address);
    this.#halt();
    this.#settled(() => {
      this.#keeper.save(true, () => {
        this.#keeper.stop();
        this.content.storage.freeze(done);
      });
    });
  }

  // ------------------------------------------------------------------------------------------------------------------

  #isWanted(piece: PieceIndex): boolean {
    return this.layout.segments(piece).some(({ file }) => this.selected[file.index] === true);
  }

  /** Calls back when nothing is being verified or written any more. */
  #settled(done: () => void): void {
    if (this.exchange.settling === 0) done();
    else this.#setting.ports.clock.setTimer(1_000, () => this.#settled(done));
  }

  #check(all: boolean): void {
    this.#settled(() => this.#look((found) => this.#checkPieces(all, found)));
  }

  /** What the files look like now; null where one is missing. */
  #look(done: (found: readonly (FileFacts | null)[]) => void): void {
    const found: (FileFacts | null)[] = [];
    const look = (n: number, next: Done<void, never>): void =>
      this.content.storage.stat(n, (stat) => {
        found[n] = factsOf(stat);
        if (found[n] === null && !this.#placed) this.#lookMoved(n, found, next);
        else next(ok(undefined));
      });
    each([...this.content.storage.files.keys()], look, () => done(found));
  }

  /** A crash between the move to the final name and the journal: the file is the recorded one, elsewhere. */
  #lookMoved(n: number, found: (FileFacts | null)[], next: Done<void, never>): void {
    const recorded = this.#record.files[n]?.facts ?? null;
    const path = finalPath(this.folder, this.layout, n);
    this.#setting.ports.disk.stat(path, (stat) => {
      const moved = factsOf(stat);
      if (moved !== null && recorded !== null && sameFile(moved, recorded)) {
        found[n] = moved;
        (this.content.storage.files[n] as StoredFile).path = path;
      }
      next(ok(undefined));
    });
  }

  #gainRecorded(): void {
    const have = Bitfield.from(Buffer.from(this.#record.have, 'base64'), this.layout.pieceCount);
    for (const piece of have?.pieces() ?? []) this.content.map.gain(piece);
  }

  #checkPieces(all: boolean, found: readonly (FileFacts | null)[]): void {
    const { map } = this.content;
    let pieces: readonly PieceIndex[] = [];
    if (all || !this.#first) pieces = all ? Array.from({ length: map.count }, (_, n) => n as PieceIndex) : [];
    else {
      const plan = planResume(this.#record, found, this.layout);
      for (let piece = 0; piece < map.count; piece++) map.lose(piece as PieceIndex);
      for (const piece of plan.trusted) map.gain(piece);
      for (const [n, file] of this.#record.files.entries()) if (file.facts !== null && !this.#placed && !plan.changed.includes(n)) this.#keeper.remember(n, file.facts);
      pieces = plan.check;
    }
    this.#first = false;
    const present = pieces.filter((piece) => this.layout.segments(piece).every(({ file }) => found[file.index] !== null) || (map.lose(piece), false));
    this.#checkedPieces = 0;
    this.#piecesToCheck = present.length;
    // While they are looked at, files may be as they are.
    for (const file of this.content.storage.files) file.facts = null;
    this.#checking = this.content.check(
      present,
      (checked) => (this.#checkedPieces = checked),
      (result) => {
        this.#checking = null;
        this.#piecesToCheck = 0;
        if (result.ok) this.#checked(found);
        else this.#dataFailed(result.error);
      },
    );
  }

  #checked(found: readonly (FileFacts | null)[]): void {
    const { map, storage } = this.content;
    const missing = this.layout.files.find((file) => this.selected[file.index] === true && found[file.index] === null);
    const wrong = this.layout.files.find((file) => this.selected[file.index] === true && this.#lacks(file.firstPiece, file.endPiece));
    const adopted = this.layout.files.find((file) => storage.files[file.index]?.adopted === true && this.#lacksWithin(file.firstPiece, file.endPiece, file.index));
    if (adopted !== undefined && !this.#placed) {
      const path = storage.files[adopted.index]?.path ?? '';
      return this.post({ type: 'transfer.fault', reason: `${path} exists already and is a different file. It is not replaced: move it away, or download to another folder.` });
    }
    if (this.#placed && !this.#repair && (wrong !== undefined || missing !== undefined)) {
      const file = (missing ?? wrong) as { readonly index: number };
      const path = storage.files[file.index]?.path ?? '';
      const what = missing === undefined ? 'has changed since it was hashed' : 'is missing';
      const remedy = this.origin === 'share' ? 'put it back and resume, or share the new one' : '"shoal resume" fetches what is missing';
      return this.post({ type: 'transfer.fault', reason: `${path} ${what}, so it is not shared any more: ${remedy}.` });
    }
    this.exchange.reconsider();
    return this.post({ type: 'transfer.checked', complete: map.complete });
  }

  #lacks(from: number, end: number): boolean {
    for (let piece = from; piece < end; piece++) if (!this.content.map.has(piece as PieceIndex)) return true;
    return false;
  }

  /** Whether a piece that lies within the file alone is not right; those that reach into others cannot tell. */
  #lacksWithin(from: number, end: number, index: number): boolean {
    for (let piece = from; piece < end; piece++) {
      const alone = this.layout.segments(piece as PieceIndex).every(({ file }) => file.index === index || this.content.storage.files[file.index]?.adopted === true);
      if (alone && !this.content.map.has(piece as PieceIndex)) return true;
    }
    return false;
  }

  #meet(): void {
    for (const file of this.content.storage.files) file.facts = null;
    this.#join();
    this.#keeper.save(false, () => {});
  }

  #join(): void {
    this.#setting.port.register(this.exchange);
    this.exchange.start();
    if (this.#following) return;
    this.#following = true;
    this.#setting.network.follow(this.id, this.#follower);
  }

  #place(): void {
    this.#becameCompleteHere = this.exchange.running;
    this.#settled(() => {
      const { disk } = this.#setting.ports;
      const { storage } = this.content;
      const moved: Done<void, Failure> = (result) => {
        if (!result.ok) return this.#dataFailed(result.error);
        return this.#look((found) => {
          for (const [n, file] of storage.files.entries()) file.facts = this.selected[n] === true ? (found[n] ?? null) : null;
          this.#placed = true;
          this.#keeper.placed();
          return this.#keeper.save(true, (saved) => (saved.ok ? this.post({ type: 'transfer.placed' }) : undefined));
        });
      };
      if (this.origin === 'share' || this.#placed) return moved(ok(undefined));
      const place = (): void => placeContent({ disk, layout: this.layout, storage, folder: this.folder, selected: this.selected }, moved);
      return this.#checkEdges((same) => {
        if (same.ok) this.#keeper.save(false, (saved) => (saved.ok ? place() : undefined));
        else moved(same);
      });
    });
  }

  /** Pieces that reach from a file that was there before into one that was fetched: only now can they be checked. */
  #checkEdges(done: Done<void>): void {
    const { storage } = this.content;
    const edges: PieceIndex[] = [];
    for (let piece = 0 as PieceIndex; piece < this.layout.pieceCount; piece++) {
      const adopted = this.layout.segments(piece).map(({ file }) => storage.files[file.index]?.adopted === true);
      if (adopted.includes(true) && adopted.includes(false) && this.content.map.has(piece)) edges.push(piece);
    }
    this.content.check(edges, () => {}, (result) => {
      if (!result.ok) return done(result);
      const wrong = edges.find((piece) => !this.content.map.has(piece));
      const path = wrong === undefined ? '' : this.layout.segments(wrong).map(({ file }) => storage.files[file.index]).find((file) => file?.adopted === true)?.path;
      return done(wrong === undefined ? ok(undefined) : fail('exists', `${path} exists already and is a different file. It is not replaced: move it away, then resume.`));
    });
  }

  #seed(): void {
    this.#join();
    if (this.#becameCompleteHere) this.#setting.network.announceNow(this.id, 'completed');
    this.#setting.owns(this);
  }

  #halt(): void {
    this.#checking?.stop();
    this.#checking = null;
    this.exchange.stop('the transfer stands still');
    this.#setting.port.unregister(this.exchange);
    if (this.#following) this.#setting.network.unfollow(this.id);
    this.#following = false;
    this.swarm = null;
  }

  #dataFailed(failure: Failure): void {
    if (this.#closing) return;
    this.#setting.ports.log.warn({ transfer: this.id, code: failure.code, reason: failure.message }, 'A transfer stopped');
    if (failure.code === 'full') this.post({ type: 'disk.full', reason: `The disk is full: ${failure.message} Make room, then resume.` });
    else if (failure.code === 'missing') this.post({ type: 'transfer.fault', reason: `A file is gone: ${failure.message} Put it back, then resume.` });
    else this.post({ type: 'transfer.fault', reason: failure.message });
  }

  readonly #follower: SwarmFollower = {
    facts: (): AnnounceFacts => ({
      leftBytes: this.content.map.leftBytes,
      uploadedBytes: this.exchange.up.total,
      downloadedBytes: this.exchange.down.total,
      want: Math.max(0, Math.min(50, this.#setting.limits.peersPerTransferMax - this.exchange.peers.length)),
    }),
    peers: (peers: readonly AnnouncedPeer[], swarm): void => {
      this.swarm = swarm;
      for (const peer of peers) this.exchange.learn({ host: peer.host, port: peer.port }, peer.node, peer.seeder);
      this.exchange.connectMore();
    },
  };

  #whyWaiting(): string {
    const { state } = this.#setting.network;
    return waitingReason({
      account: state.account,
      online: state.online,
      networkWords: state.words,
      swarm: this.swarm,
      peersConnected: this.exchange.peers.length,
      peersKnown: this.exchange.peersKnown,
    });
  }

  #recordFacts(): ReturnType<ConstructorParameters<typeof Keeper>[0]['facts']> {
    return {
      id: this.id,
      origin: this.origin,
      folder: this.folder,
      tags: this.tags,
      placed: this.#placed,
      sequential: this.exchange.picker.sequential,
      paused: this.#paused,
      owned: this.owned,
      unsettled: this.exchange.unsettled,
      uploadedBytes: this.uploadedBytes,
      downloadedBytes: this.downloadedBytes,
      selected: this.selected,
    };
  }

  /** Seconds to go at the present rate; null when unknown. */
  secondsLeft(now: Micros): number | null {
    const rate = this.exchange.down.rate(now);
    return this.content.map.complete ? 0 : rate < 1 ? null : Math.ceil(this.content.map.leftBytes / rate);
  }
}

const factsOf = (stat: Result<FileStat>): FileFacts | null =>
  stat.ok && stat.value.kind === 'file' ? { size: stat.value.size, modifiedMs: stat.value.modifiedMs, identity: stat.value.identity } : null;
