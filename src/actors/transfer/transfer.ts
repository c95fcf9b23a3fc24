/** One transfer of the library: its machine, its exchange, its journal, and what the network hears of it. */
import { startMachine } from '../../bus/machine.ts';
import type { Address, Reactor } from '../../bus/reactor.ts';
import type { BufferPool } from '../../data/buffers.ts';
import { Content } from '../../data/content.ts';
import { type Dialler, Exchange } from '../../data/exchange.ts';
import type { AnnounceFacts, Network, SwarmFollower } from '../../data/network.ts';
import type { OpenFiles } from '../../data/open-files.ts';
import type { RateGate } from '../../data/rate-gate.ts';
import { Storage, type StoredFile } from '../../data/storage.ts';
import type { Uplink } from '../../data/uplink.ts';
import type { Micros } from '../../ports/clock.ts';
import type { Ports } from '../../ports/ports.ts';
import type { PieceIndex } from '../../protocol/bittorrent/ids.ts';
import type { Metainfo } from '../../protocol/bittorrent/metainfo.ts';
import type { AnnouncedPeer } from '../../protocol/control/messages.ts';
import { type Done, type Failure, ok } from '../../protocol/result.ts';
import type { TransferRecord } from '../../domain/transfer/journal.ts';
import type { TorrentLayout } from '../../domain/transfer/torrent-layout.ts';
import { waitingReason } from '../../domain/transfer/waiting-reason.ts';
import { Checker } from './checker.ts';
import { Keeper } from './keeper.ts';
import { type TransferEffects, type TransferMessage, type TransferPhase, transferMachine } from './machine.ts';
import { placeContent } from './placement.ts';

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

/** With what to do about it, where the disk's own sentence does not say. */
const faultReason = ({ code, message }: Failure): string => {
  if (code === 'missing') return `A file is gone: ${message} Put it back, then resume.`;
  if (code === 'denied') return `${message} Make it accessible to this user, then resume.`;
  return message;
};

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
  readonly #loadedClean: boolean;
  #machine: { getSnapshot(): { readonly context: { readonly reason: string | null } }; stop(): unknown } | null = null;
  #placed: boolean;
  #paused: boolean;
  #repair = false;
  #following = false;
  #closing = false;
  #faulted = false;
  readonly #checker: Checker;
  #becameCompleteHere = false;

  constructor(setting: TransferSetting, plan: TransferPlan) {
    const { record } = plan;
    const { clock, crypto, disk, random } = setting.ports;
    this.#setting = setting;
    this.metainfo = plan.metainfo;
    this.layout = plan.layout;
    this.origin = record.origin;
    this.folder = record.folder;
    this.tags = record.tags;
    this.owned = record.owned;
    this.#placed = record.placed;
    this.#paused = record.paused;
    this.#loadedClean = record.clean;
    this.#uploadedBefore = record.uploadedBytes;
    this.#downloadedBefore = record.downloadedBytes;
    this.selected = record.files.map((file) => file.selected);
    this.size = plan.layout.files.reduce((sum, file) => sum + (this.selected[file.index] === true ? file.size : 0), 0);
    const files: StoredFile[] = record.files.map((file) => ({
      path: file.path,
      facts: record.placed ? file.facts : null,
      adopted: file.adopted,
    }));
    const storage = new Storage({ layout: plan.layout, disk, clock, open: setting.open, files });
    this.content = new Content({ metainfo: plan.metainfo, layout: plan.layout, storage, clock, crypto, pool: setting.pool });
    for (let piece = 0; piece < this.layout.pieceCount; piece++)
      if (!this.#isWanted(piece as PieceIndex)) this.content.map.setPriority(piece as PieceIndex, 0);
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
    this.#checker = new Checker({
      disk,
      log: setting.ports.log,
      content: this.content,
      record,
      selected: this.selected,
      keeper: this.#keeper,
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

  /** Why it stands still; null while it moves, and where its user paused it. */
  get reason(): string | null {
    switch (this.phase) {
      case 'checking':
        return this.#checker.words;
      case 'queued':
        return 'Other downloads go first; it goes on when one of them is done.';
      case 'waiting':
        return this.#whyWaiting();
      case 'paused':
      case 'failed':
        return this.#machine?.getSnapshot().context.reason ?? null;
      default:
        return null;
    }
  }

  /** Starts the machine; to be called inside a step. */
  start(): void {
    // For showing only: what counts is found out by the check.
    if (this.#paused) this.#checker.gainRecorded();
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
      const closed = (): void => {
        this.#keeper.stop();
        this.content.storage.freeze(done);
      };
      if (this.#keeper.dirty || !this.#placed || this.exchange.up.total > 0) this.#keeper.save(true, closed);
      else closed();
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
    this.#faulted = false;
    // What is to be put right again is ours to write.
    if (this.#repair && this.#placed) for (const file of this.content.storage.files) file.adopted = false;
    this.#settled(() =>
      this.#checker.run({ all, placed: this.#placed, repair: this.#repair }, (result) => {
        if (!result.ok) return this.#dataFailed(result.error);
        if (result.value !== null) return this.post({ type: 'transfer.fault', reason: result.value });
        this.exchange.reconsider();
        return this.post({ type: 'transfer.checked', complete: this.content.map.complete });
      }),
    );
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
        return this.#checker.look(this.#placed, (found) => {
          const asRecorded = this.#placed && this.#loadedClean && this.content.piecesHashed === 0;
          for (const [n, file] of storage.files.entries()) file.facts = this.selected[n] === true ? (found[n] ?? null) : null;
          this.#placed = true;
          this.#keeper.placed();
          // A node of many shares starts without writing every one of their journals.
          if (asRecorded) return this.post({ type: 'transfer.placed' });
          return this.#keeper.save(true, (saved) => (saved.ok ? this.post({ type: 'transfer.placed' }) : undefined));
        });
      };
      if (this.origin === 'share' || this.#placed) return moved(ok(undefined));
      const place = (): void => placeContent({ disk, layout: this.layout, storage, folder: this.folder, selected: this.selected }, moved);
      return this.#checker.edges((same) => {
        if (same.ok) this.#keeper.save(false, (saved) => (saved.ok ? place() : undefined));
        else moved(same);
      });
    });
  }

  #seed(): void {
    this.#join();
    if (this.#becameCompleteHere) this.#setting.network.announceNow(this.id, 'completed');
    this.#setting.owns(this);
  }

  #halt(): void {
    this.#checker.stop();
    this.exchange.stop('the transfer stands still');
    this.#setting.port.unregister(this.exchange);
    if (this.#following) this.#setting.network.unfollow(this.id);
    this.#following = false;
    this.swarm = null;
  }

  #dataFailed(failure: Failure): void {
    if (this.#closing) return;
    // Everything that was under way fails with it; one line says so.
    if (!this.#faulted)
      this.#setting.ports.log.warn({ transfer: this.id, code: failure.code, reason: failure.message }, 'A transfer stopped');
    this.#faulted = true;
    if (failure.code === 'full')
      this.post({ type: 'disk.full', reason: `The disk is full: ${failure.message} It goes on when there is room.` });
    else this.post({ type: 'transfer.fault', reason: faultReason(failure) });
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
      peersFailed: this.exchange.peersFailed,
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
