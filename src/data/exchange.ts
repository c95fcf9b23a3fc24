import type { Clock } from '../ports/clock.ts';
import { below, type Random } from '../ports/random.ts';
import { type Handshake } from '../protocol/bittorrent/handshake.ts';
import { infoHash as asInfoHash, type PeerId, type PieceIndex, type WireHash, wireHash } from '../protocol/bittorrent/ids.ts';
import type { BlockRange } from '../protocol/bittorrent/wire.ts';
import { equalBytes } from '../protocol/digest.ts';
import { type Address, formatAddress } from '../transports/transport.ts';
import { Picker } from '../domain/transfer/picker.ts';
import { RateMeter } from '../domain/transfer/rates.ts';
import { Asking } from './asking.ts';
import type { BufferPool } from './buffers.ts';
import { type Candidate, Candidates } from './candidates.ts';
import type { Content } from './content.ts';
import { Inbound, type InboundEvents } from './inbound.ts';
import { dataLimits } from './limits.ts';
import { News } from './news.ts';
import type { Peer } from './peer.ts';
import type { Admission, PeerOwner } from './peer-owner.ts';
import type { RateGate } from './rate-gate.ts';
import type { Request } from './requests.ts';
import { Unchoking } from './unchoking.ts';
import type { Uplink } from './uplink.ts';

type DataFailure = Parameters<InboundEvents['failed']>[0];

export interface ExchangeEvents {
  /** A piece is verified and on disk, not yet synced. */
  stored(piece: PieceIndex): void;
  /** All that is wanted is here. Called once for each time that becomes so. */
  complete(): void;
  /** Whether some peer has what is missing; told when it changes. */
  supply(there: boolean): void;
  banned(name: string): void;
  /** Reading or writing failed; nothing more moves until somebody decides. */
  failed(failure: DataFailure): void;
}

/** Who makes connections: the node's peer port. */
export interface Dialler {
  readonly peerId: PeerId;
  /** Null when no more can be dialled now. */
  dial(exchange: Exchange, candidate: Candidate, infoHash: WireHash): Peer | null;
}

export interface ExchangeSettings {
  readonly clock: Clock;
  readonly random: Random;
  readonly content: Content;
  readonly pool: BufferPool;
  readonly uplink: Uplink;
  readonly downGate: RateGate;
  readonly dialler: Dialler;
  readonly peersMax: number;
  readonly uploadSlots: number;
  readonly events: ExchangeEvents;
}

/** The piece exchange of one transfer: its peers, what is asked of whom, and who is served. Plain code beside a machine. */
export class Exchange implements PeerOwner {
  readonly content: Content;
  readonly picker: Picker;
  readonly down = new RateMeter();
  readonly up = new RateMeter();
  /** Bytes of blocks by who sent them: the node's id, else the peer's address. */
  readonly sources = new Map<string, number>();
  piecesBad = 0;
  readonly #settings: ExchangeSettings;
  readonly #peers = new Map<number, Peer>();
  /** Peers, and connections that have said hello and not yet what they have; with what they were told that is here. */
  readonly #admitted = new Map<Peer, Uint8Array>();
  readonly #inbound: Inbound;
  readonly #asking: Asking;
  readonly #unchoking: Unchoking;
  readonly #news: News;
  readonly #candidates = new Candidates();
  readonly #banned = new Set<string>();
  #running = false;
  #supplied = false;

  constructor(settings: ExchangeSettings) {
    this.#settings = settings;
    this.content = settings.content;
    const draw = (limit: number): number => below(settings.random, 'transfer.pick', limit);
    this.picker = new Picker(this.content.map, (piece) => this.content.layout.pieceBytes(piece), draw);
    this.#inbound = new Inbound(this.content, this.picker, settings.pool, {
      stored: (piece) => this.#stored(piece),
      bad: () => {
        this.piecesBad++;
        this.#asking.fillAll();
      },
      liars: (names) => {
        for (const name of names) this.ban(name);
      },
      failed: (failure) => settings.events.failed(failure),
    });
    this.#asking = new Asking({ ...settings, picker: this.picker, inbound: this.#inbound, peers: this.#peers });
    this.#news = new News(settings.clock, this.#peers);
    this.#unchoking = new Unchoking({
      clock: settings.clock,
      below: (limit) => below(settings.random, 'transfer.optimistic', limit),
      slots: settings.uploadSlots,
      choked: (peer) => this.#refuseQueued(peer),
    });
  }

  get peers(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  get running(): boolean {
    return this.#running;
  }

  /** Addresses of peers that the transfer knows. */
  get peersKnown(): number {
    return this.#candidates.size;
  }

  /** Pieces that may be on disk without the journal saying so: under way, verified, or written since the last call. */
  get unsettled(): readonly PieceIndex[] {
    return this.picker.unsettled;
  }

  /** Pieces that are being verified or written right now. */
  get settling(): number {
    return this.#inbound.settling;
  }

  /** 20-byte hashes under which peers may ask for this content: v2 first. */
  get wireHashes(): readonly WireHash[] {
    const { v1, v2 } = this.content.metainfo;
    return [v2, v1].flatMap((hash) => {
      const checked = hash === null ? null : asInfoHash(hash);
      return checked === null ? [] : [wireHash(checked)];
    });
  }

  /** Peers are served and asked from now on. */
  start(): void {
    this.#running = true;
    this.#asking.active = !this.content.map.complete;
    this.connectMore();
    for (const peer of this.#peers.values()) this.#reconsider(peer);
  }

  /** Lets every peer go and drops what is under way; what is being written still gets done. */
  stop(reason: string): void {
    this.#running = false;
    this.#asking.active = false;
    for (const peer of this.peers) peer.close(reason);
    this.#inbound.dropAll();
  }

  ban(name: string): void {
    if (this.#banned.size >= dataLimits.bannedMax || this.#banned.has(name)) return;
    this.#banned.add(name);
    this.#settings.events.banned(name);
    for (const peer of this.peers) {
      if (peer.name !== name) continue;
      if (peer.dialled !== null) this.#candidates.remove(peer.dialled);
      peer.close('it sent wrong data');
    }
  }

  /** Peers that the tracker, or somebody else, knows of. */
  learn(address: Address, node: string | null, seeder: boolean): void {
    if (node !== null && this.#banned.has(node)) return;
    this.#candidates.add(address, node, seeder, this.#settings.clock.now());
  }

  connectMore(): void {
    while (this.#running && this.#peers.size < this.#settings.peersMax) {
      const candidate = this.#candidates.next(this.#settings.clock.now(), (one) => this.#worthDialling(one));
      if (candidate === null) return;
      const [first, second] = this.wireHashes as [WireHash, WireHash | undefined];
      // Own nodes meet under the first hash; a client that knows only v1 is found at the second try.
      const hash = candidate.failures % 2 === 1 && candidate.node === null ? (second ?? first) : first;
      if (this.#settings.dialler.dial(this, candidate, hash) === null) return;
      candidate.busy = true;
    }
  }

  /** A connection is over, with or without having become a peer. */
  gone(peer: Peer): void {
    this.#admitted.delete(peer);
    if (peer.dialled !== null) this.#candidates.over(peer.dialled, peer.bits !== null, this.#settings.clock.now());
  }

  /** Whether a connection that has said hello becomes one of ours. */
  admit(peer: Peer, handshake: Handshake): Admission | { readonly refused: string } {
    const own = this.#settings.dialler.peerId;
    if (!this.#running) return { refused: 'the transfer does not run' };
    if (equalBytes(handshake.peerId, own)) {
      if (peer.dialled !== null) this.#candidates.remove(peer.dialled);
      return { refused: 'it is this node itself' };
    }
    if (this.#banned.has(peer.name)) return { refused: 'it is banned' };
    const twin = [...this.#admitted.keys()].find((other) => other.peerId !== null && equalBytes(other.peerId, handshake.peerId));
    if (twin !== undefined && !this.#replaces(peer, twin, handshake.peerId)) return { refused: 'there is a connection to it already' };
    if (twin === undefined && this.#admitted.size >= this.#settings.peersMax) return { refused: 'the transfer has enough peers' };
    twin?.close('there is a better connection to it');
    const [first] = this.wireHashes as [WireHash];
    const asked = handshake.infoHash;
    const v2 = this.content.metainfo.v2 !== null && (handshake.v2 || equalBytes(asked, first));
    const { map } = this.content;
    const have = map.haveBytes();
    this.#admitted.set(peer, have);
    return {
      infoHash: v2 ? first : asked,
      pieceCount: map.count,
      v1Only: this.content.metainfo.v2 !== null && !v2,
      have,
      haveCount: map.haveCount,
      owner: this,
    };
  }

  /** Once a second: deadlines, choking, snubbing, dials. */
  tick(): void {
    if (!this.#running) return;
    const now = this.#settings.clock.now();
    for (const peer of this.peers) {
      peer.tick(now);
      if (this.#banned.has(peer.name)) peer.close('it is banned');
      else if (this.#asking.active) this.#asking.checkSnub(peer);
    }
    this.#unchoking.tick(this.peers, this.content.map.complete);
    this.connectMore();
    this.#asking.fillAll();
  }

  /** The wishes have changed: priorities, a re-check, pieces lost. */
  reconsider(): void {
    for (let piece = 0; piece < this.content.map.count; piece++) this.picker.refresh(piece as PieceIndex);
    this.#asking.active = this.#running && !this.content.map.complete;
    for (const peer of this.#peers.values()) this.#reconsider(peer);
  }

  // ---- What peers tell ---------------------------------------------------------------------------------------------

  joined(peer: Peer): void {
    this.#peers.set(peer.key, peer);
    this.#news.since(peer, this.#admitted.get(peer), this.content.map);
    const bits = peer.bits;
    peer.counted = bits?.complete === false;
    if (bits !== null && peer.counted) for (const piece of bits.pieces()) this.picker.peerGained(piece);
    this.#reconsider(peer);
    this.#supplyChanged();
  }

  gained(peer: Peer, piece: PieceIndex): void {
    this.picker.peerGained(piece);
    if (!this.content.map.needs(piece)) {
      if (peer.bits?.complete === true) this.#reconsider(peer);
      return;
    }
    if (peer.useful++ === 0) this.#supplyChanged();
    if (this.#asking.active) peer.setInterested(true);
    this.#asking.fill(peer);
  }

  choking(peer: Peer, voided: readonly Request[]): void {
    this.#asking.release(voided);
    if (peer.chokesUs) {
      this.picker.left(peer.key);
      this.#asking.fillAll();
    } else this.#asking.fill(peer);
  }

  interest(peer: Peer): void {
    if (this.#running) this.#unchoking.interest(peer, this.#peers.values());
  }

  asked(peer: Peer, range: BlockRange): void {
    const { layout, map } = this.content;
    const inside = range.length > 0 && range.begin + range.length <= layout.wireBytes(range.piece, peer.v1Only ? 'v1' : layout.wireVersion);
    const serve = this.#running && !peer.amChoking && inside && range.length <= dataLimits.blockBytesMax && map.has(range.piece);
    if (serve && this.#settings.uplink.add(peer, this.content, range, this.#uploads)) return;
    if (peer.fast) peer.send({ ...range, kind: 'reject' });
    else if (!inside) peer.close('it asked for what is not there');
  }

  cancelled(peer: Peer, range: BlockRange): void {
    if (this.#settings.uplink.cancel(peer, range) && peer.fast) peer.send({ ...range, kind: 'reject' });
  }

  blockStart(peer: Peer, request: Request): boolean {
    return this.#inbound.start(peer.key, request);
  }

  blockBytes(peer: Peer, request: Request, offset: number, chunk: Uint8Array): void {
    this.down.add(this.#settings.clock.now(), chunk.length);
    peer.snubbed = false;
    this.#inbound.bytes(request, offset, chunk);
  }

  blockEnd(peer: Peer, request: Request, kept: boolean): void {
    if (!kept) this.picker.released(request.run);
    else {
      const source = peer.node ?? formatAddress(peer.remote);
      if (this.sources.size < dataLimits.sourcesMax || this.sources.has(source))
        this.sources.set(source, (this.sources.get(source) ?? 0) + request.range.length);
      if (this.picker.endgame) this.#asking.cancelTwins(peer, request);
      this.#inbound.end(peer.name, request);
    }
    this.#asking.fill(peer);
  }

  rejected(peer: Peer, request: Request): void {
    this.picker.released(request.run);
    if (!peer.chokesUs) this.#asking.fillAll();
  }

  drained(peer: Peer): void {
    this.#settings.uplink.drained(peer);
  }

  closed(peer: Peer, _reason: string, voided: readonly Request[]): void {
    this.#peers.delete(peer.key);
    this.#settings.uplink.forget(peer);
    this.#settings.downGate.forget(peer);
    const broken = peer.receiving;
    if (broken !== null) {
      this.#inbound.broken(broken);
      this.picker.released(broken.run);
    }
    this.#asking.release(voided);
    this.picker.left(peer.key);
    if (peer.bits !== null && peer.counted) for (const piece of peer.bits.pieces()) this.picker.peerLost(piece);
    this.#supplyChanged();
    this.#asking.fillAll();
  }

  // ------------------------------------------------------------------------------------------------------------------

  readonly #uploads = {
    sent: (peer: Peer, bytes: number): void => {
      const now = this.#settings.clock.now();
      peer.up.add(now, bytes);
      this.up.add(now, bytes);
    },
    failed: (failure: DataFailure): void => this.#settings.events.failed(failure),
  };

  #worthDialling(candidate: Candidate): boolean {
    if (candidate.node !== null && this.#banned.has(candidate.node)) return false;
    if (!this.#asking.active && candidate.seeder) return false;
    return candidate.node === null || !this.peers.some((peer) => peer.node === candidate.node);
  }

  /** Of two connections between the same two sides both keep the one that the smaller peer id dialled. */
  #replaces(fresh: Peer, twin: Peer, peerId: PeerId): boolean {
    if (fresh.outgoing === twin.outgoing) return !fresh.outgoing;
    return fresh.outgoing === Buffer.compare(this.#settings.dialler.peerId, peerId) < 0;
  }

  /** What a peer is good for, from scratch. */
  #reconsider(peer: Peer): void {
    const bits = peer.bits;
    if (bits === null || !this.#running) return;
    peer.useful = 0;
    if (this.#asking.active) for (const piece of bits.pieces()) if (this.content.map.needs(piece)) peer.useful++;
    if (bits.complete && this.content.map.full) {
      peer.close('both sides have everything');
      return;
    }
    peer.setInterested(peer.useful > 0);
    this.#asking.fill(peer);
  }

  #supplyChanged(): void {
    const there = this.peers.some((peer) => peer.useful > 0);
    if (there === this.#supplied) return;
    this.#supplied = there;
    if (this.#running) this.#settings.events.supply(there);
  }

  #refuseQueued(peer: Peer): void {
    const queued = this.#settings.uplink.clear(peer);
    if (peer.fast) for (const range of queued) peer.send({ ...range, kind: 'reject' });
  }

  #stored(piece: PieceIndex): void {
    for (const peer of this.#peers.values()) {
      if (peer.bits?.has(piece) !== true || --peer.useful > 0) continue;
      peer.setInterested(false);
      this.#supplyChanged();
    }
    this.#news.add(piece);
    this.#settings.events.stored(piece);
    if (!this.content.map.complete || !this.#asking.active) {
      this.#asking.fillAll();
      return;
    }
    this.#asking.active = false;
    for (const peer of this.peers) this.#reconsider(peer);
    this.#settings.events.complete();
  }
}
